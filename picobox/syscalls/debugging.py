"""ptrace: guests that trace guests; and calls that decide who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.platform import host

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.debugging.rules import Rules
    from picobox.provider import PicoProvider

_RESTRICT_ALL_THREADS = 8  # linux/landlock.h, LANDLOCK_RESTRICT_SELF_TSYNC


def ptrace(provider: PicoProvider, call: Call, request: int, pid: int, addr: int, data: int) -> int:
    from picobox.debugging.requests import Requests

    debuggers = provider.debuggers()
    return Requests(debuggers, call.stop.tid, _rules(provider)).serve(request, pid, addr, data)


def _rules(provider: PicoProvider) -> Rules:
    """Those of the kernel, or of an instance."""
    if provider.fake_root is None:
        from picobox.debugging.rules import KernelRules

        return KernelRules()
    from picobox.session.fakeroot.tracing import InstanceRules

    return InstanceRules(provider.fake_root, provider.debuggers().known)


def landlock_restrict_self(provider: PicoProvider, call: Call, ruleset_fd: int, flags: int) -> None:
    """The kernel confines the caller; that it traces nobody outside is up to us, also if the call fails."""
    del ruleset_fd
    calls = provider.platform.debugging()
    tid = call.stop.tid
    if calls is not None:
        calls.confine(tid, host.thread_group(tid)[0] if flags & _RESTRICT_ALL_THREADS else 0)
