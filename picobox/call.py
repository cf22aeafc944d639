"""One stopped system call on its way through the provider: the frame of the pico contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps.process import Thread
    from picobox.abi.row import Row
    from picobox.platform.base import GuestMemory, HostTid, Platform, Stop


class Creation(NamedTuple):
    """A thread that the executive has made and the kernel not yet: `bind` is told its tid, `abandon` of a failure."""

    thread: Thread
    bind: Callable[[HostTid], None]
    abandon: Callable[[], None]


class Call:
    """What a handler sees of a call, and where it says how the call goes on.

    `result` None: the kernel runs the call, with what `rewrite` changed; else that result ends it here. `then` is
    called with the kernel's result at the exit and may give another one. `creation` belongs to a call that makes a
    thread, `on_exec` (gives the new image's thread) to one that replaces the image. `restart`: the call starts anew.
    `performed`: the NT service that the row names really ran.
    """

    __slots__ = (
        "creation", "on_exec", "performed", "platform", "restart", "result", "row", "stop", "then", "thread",
    )  # fmt: skip

    def __init__(self, platform: Platform, thread: Thread, stop: Stop) -> None:
        self.platform = platform
        self.thread = thread
        self.stop = stop
        self.row: Row | None = None
        self.result: int | None = None
        self.then: Callable[[int], int | None] | None = None
        self.creation: Creation | None = None
        self.on_exec: Callable[[], Thread] | None = None
        self.restart = False
        self.performed = False

    @property
    def task(self) -> Any:
        """The provider's context of the calling thread."""
        return self.thread.context

    @property
    def memory(self) -> GuestMemory:
        return self.platform.memory(self.stop.tid)

    def rewrite(self, index: int, value: int) -> None:
        """The kernel gets this argument instead of the guest's; the guest keeps its register."""
        self.platform.rewrite(self.stop, index, value)

    @property
    def outlives_entry(self) -> bool:
        """Whether something waits for a later stop of this call."""
        return self.then is not None or self.creation is not None or self.on_exec is not None
