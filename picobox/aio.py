"""The Python API for asyncio: what asyncio.subprocess has, and run."""

from __future__ import annotations

from picobox.api.tasks import Process, create_subprocess_exec, create_subprocess_shell, run

__all__ = ["Process", "create_subprocess_exec", "create_subprocess_shell", "run"]
