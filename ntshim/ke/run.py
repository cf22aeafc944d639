"""For users of this library: waiting in earnest, as a program on NT would, until a request is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st

if TYPE_CHECKING:
    from ntshim.ke.pending import PendingRequest
    from ntshim.ps.executive import Executive


class DeadlockError(RuntimeError):
    """A request can never be finished: nothing in its executive is due, and nobody else is running."""


def run_until(executive: Executive, request: int | PendingRequest) -> int:
    """Let time pass, by the executive's clock, until a request is finished; gives its status.

    `request` is what a service gave: a status is given back as it is. Raises DeadlockError if nothing is due that
    could finish it.
    """
    if isinstance(request, int):
        return request
    due = executive.dispatcher.due
    while request.status == st.STATUS_PENDING:
        delay = due.next_due()
        if delay is None:
            raise DeadlockError("a request waits for what nobody can do any more")
        if delay:
            due.clock.sleep(delay)
        due.run_due()
    return request.status
