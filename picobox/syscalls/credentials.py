"""Calls that change a task's credentials, and with them which directories it may list.

What is known of the task ends at the entry; the kernel makes the change before the task's next call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider


def setuid(provider: PicoProvider, call: Call, uid: int) -> None:
    del call, uid
    provider.credentials_may_change()


def setgid(provider: PicoProvider, call: Call, gid: int) -> None:
    del call, gid
    provider.credentials_may_change()


def setreuid(provider: PicoProvider, call: Call, ruid: int, euid: int) -> None:
    del call, ruid, euid
    provider.credentials_may_change()


def setregid(provider: PicoProvider, call: Call, rgid: int, egid: int) -> None:
    del call, rgid, egid
    provider.credentials_may_change()


def setresuid(provider: PicoProvider, call: Call, ruid: int, euid: int, suid: int) -> None:
    del call, ruid, euid, suid
    provider.credentials_may_change()


def setresgid(provider: PicoProvider, call: Call, rgid: int, egid: int, sgid: int) -> None:
    del call, rgid, egid, sgid
    provider.credentials_may_change()


def setfsuid(provider: PicoProvider, call: Call, fsuid: int) -> None:
    del call, fsuid
    provider.credentials_may_change()


def setfsgid(provider: PicoProvider, call: Call, fsgid: int) -> None:
    del call, fsgid
    provider.credentials_may_change()


def setgroups(provider: PicoProvider, call: Call, size: int, list: int) -> None:  # noqa: A002 - the row's name
    del call, size, list
    provider.credentials_may_change()


def capset(provider: PicoProvider, call: Call, hdrp: int, datap: int) -> None:
    del call, hdrp, datap
    provider.credentials_may_change()
