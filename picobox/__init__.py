"""Linux programs as pico processes on an NT executive in miniature."""

from __future__ import annotations

__version__ = "0.1.0"

# The package index has another project of this name; `doctor` looks for this to know which one was imported.
DISTRIBUTION = "picobox-nt"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import DEVNULL as DEVNULL
    from subprocess import PIPE as PIPE
    from subprocess import STDOUT as STDOUT
    from subprocess import CalledProcessError as CalledProcessError
    from subprocess import SubprocessError as SubprocessError
    from subprocess import TimeoutExpired as TimeoutExpired
    from typing import Any

    from picobox import aio as aio
    from picobox.api.changes import Change as Change
    from picobox.api.completed import CompletedProcess as CompletedProcess
    from picobox.api.completed import run as run
    from picobox.api.errors import HookError as HookError
    from picobox.api.errors import NotRecordedError as NotRecordedError
    from picobox.api.errors import PicoboxError as PicoboxError
    from picobox.api.errors import SupervisorError as SupervisorError
    from picobox.api.events import CallEvent as CallEvent
    from picobox.api.events import Event as Event
    from picobox.api.events import ExecEvent as ExecEvent
    from picobox.api.events import ExitEvent as ExitEvent
    from picobox.api.events import LimitEvent as LimitEvent
    from picobox.api.events import SignalEvent as SignalEvent
    from picobox.api.hooks import HookedCall as HookedCall
    from picobox.api.hooks import Verdict as Verdict
    from picobox.api.popen import Popen as Popen
    from picobox.api.sandbox import Sandbox as Sandbox
    from picobox.api.settings import Policy as Policy
    from picobox.api.settings import Settings as Settings
    from picobox.findings.finding import Finding as Finding

# What the package offers, and where it is: loaded when somebody asks, since every start of a command imports this.
_PLACES = {
    "Change": "picobox.api.changes",
    "CompletedProcess": "picobox.api.completed",
    "run": "picobox.api.completed",
    "HookError": "picobox.api.errors",
    "NotRecordedError": "picobox.api.errors",
    "PicoboxError": "picobox.api.errors",
    "SupervisorError": "picobox.api.errors",
    "CallEvent": "picobox.api.events",
    "Event": "picobox.api.events",
    "ExecEvent": "picobox.api.events",
    "ExitEvent": "picobox.api.events",
    "LimitEvent": "picobox.api.events",
    "SignalEvent": "picobox.api.events",
    "HookedCall": "picobox.api.hooks",
    "Verdict": "picobox.api.hooks",
    "Popen": "picobox.api.popen",
    "Sandbox": "picobox.api.sandbox",
    "Policy": "picobox.api.settings",
    "Settings": "picobox.api.settings",
    "Finding": "picobox.findings.finding",
}
# Those of subprocess's that its users need, so that they need no other import.
_OF_SUBPROCESS = ("DEVNULL", "PIPE", "STDOUT", "CalledProcessError", "SubprocessError", "TimeoutExpired")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "aio":
        return import_module("picobox.aio")
    place = "subprocess" if name in _OF_SUBPROCESS else _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'picobox' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(place), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES, *_OF_SUBPROCESS, "aio"})
