"""Processes and threads, and the kernel's half of the pico contract."""

from __future__ import annotations

from ntshim.ps.executive import Executive
from ntshim.ps.pico import (
    PicoProcessAttributes,
    PicoThreadAttributes,
    PsPicoProviderRoutines,
    PsPicoRoutines,
    PsRegisterPicoProvider,
)
from ntshim.ps.process import Host, Process, Thread

__all__ = [
    "Executive",
    "Host",
    "PicoProcessAttributes",
    "PicoThreadAttributes",
    "Process",
    "PsPicoProviderRoutines",
    "PsPicoRoutines",
    "PsRegisterPicoProvider",
    "Thread",
]
