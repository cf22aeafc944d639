"""Calls that change a task's credentials, and with them which directories it may list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider


def _changes(provider: PicoProvider, call: Call, *arguments: object) -> None:
    """What is known of the task ends here; the kernel makes the change before the task's next call."""
    del call, arguments
    provider.credentials_may_change()


setuid = setgid = setreuid = setregid = setresuid = setresgid = _changes
setfsuid = setfsgid = setgroups = capset = _changes
