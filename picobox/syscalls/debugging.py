"""ptrace: guests that trace guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider


def ptrace(provider: PicoProvider, call: Call, request: int, pid: int, addr: int, data: int) -> int:
    from picobox.debugging.requests import Requests

    return Requests(provider.debuggers(), call.stop.tid).serve(request, pid, addr, data)
