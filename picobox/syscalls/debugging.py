"""ptrace: guests that trace guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.provider import PicoProvider


def ptrace(provider: PicoProvider, call: Call, request: int, pid: int, addr: int, data: int) -> int:
    from picobox.debugging.requests import Requests

    debuggers = provider.debuggers()

    def allows(tid: HostTid) -> bool:
        """Whether the caller may trace a task, by the rules of its kernel or of its instance."""
        from picobox.platform.tracing import may_trace

        if provider.fake_root is None:
            return may_trace(call.stop.tid, tid)
        thread = debuggers.known(tid)
        return thread is not None and provider.fake_root.may_trace(call.task, thread.context)

    return Requests(debuggers, call.stop.tid, allows).serve(request, pid, addr, data)
