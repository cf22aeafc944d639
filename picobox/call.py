"""One stopped system call on its way through the provider: the frame of the pico contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps.process import Thread
    from picobox.abi.row import Row
    from picobox.check.judgement import Judgement
    from picobox.platform.base import GuestMemory, HostTid, Platform, Stop
    from picobox.platform.lookup import Place
    from picobox.platform.scanner_process import Spawn
    from picobox.provider import PicoProvider
    from picobox.runtimes import Runtime


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
    `wait` takes a routine that dispatches the call again, and calls it when that makes sense. `made` is the place of a
    name that the call makes. `over` is called once the kernel is done with the call, however it ended. `performed`: the
    NT service that the row names really ran. `object_name` is the NT name of what the call opens, None if it is not
    known. `copied`: the structure that the kernel reads instead of the guest's. `shown_by` is the runtime whose errno
    shows what NT refuses, None where that is WSL's. `refused` is the status with which NT refused the call, None if it
    did not. `judgement` is a check's part of it, None without one.
    """

    __slots__ = (
        "copied", "creation", "judgement", "made", "object_name", "on_exec", "over", "performed", "platform", "refused",
        "restart", "result", "row", "shown_by", "stop", "then", "thread", "wait",
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
        self.wait: Callable[[Callable[[], None]], None] | None = None
        self.made: Place | None = None
        self.copied: bytes | None = None
        self.over: Callable[[], None] | None = None
        self.restart = False
        self.performed = False
        self.object_name: str | None = None
        self.shown_by: Runtime | None = None
        self.refused: int | None = None
        self.judgement: Judgement | None = None

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

    def put(self, index: int, offset: int, data: bytes) -> bool:
        """The kernel gets bytes of ours for a pointer argument, from `offset` of the task's argument slot.

        False if the task has no argument page yet: `restart` is set, and the call comes again when it has one.
        """
        address = self.stage(offset, data)
        if address is None:
            return False
        self.rewrite(index, address)
        return True

    def stage(self, offset: int, data: bytes) -> int | None:
        """Copies bytes to `offset` of the task's argument slot; gives the guest's address, or None as `put` does."""
        space = self.task.address_space
        if space.page is None:
            space.page = self.platform.new_page(self.stop)
            self.restart = True
            return None
        address: int = space.page.put(self.stop.tid, offset, data)
        return address

    def structure(self, index: int, size: int) -> bytes:
        """The head of the structure at a pointer argument, from the copy that the kernel reads if there is one."""
        return self.copied[:size] if self.copied is not None else self.memory.read(self.stop.args[index], size)

    @property
    def wants_exit(self) -> bool:
        """Whether somebody waits for the end of this call."""
        return self.then is not None or self.over is not None

    @property
    def outlives_entry(self) -> bool:
        """Whether something waits for a later stop of this call."""
        return self.wants_exit or self.creation is not None or self.on_exec is not None

    def abandon(self) -> None:
        """The call is over, and whatever it was to make and has not made will not come."""
        if self.creation is not None:
            self.creation.abandon()
            self.creation = None
        self.finish()
        # What waited for its end has the call itself: only the collector would find both.
        self.then = self.judgement = None

    def when_over(self, routine: Callable[[], None]) -> None:
        """Calls a routine once the kernel is done with the call, before what was to be called then."""
        other = self.over

        def over() -> None:
            routine()
            if other is not None:
                other()

        self.over = over

    def finish(self) -> None:
        """The kernel is done with the call."""
        over, self.over = self.over, None
        if over is not None:
            over()


class Interposer(Protocol):
    """Who meets calls before anybody serves them. `features`: those of the table by which it sees them."""

    @property
    def features(self) -> frozenset[str]: ...

    def start(self, provider: PicoProvider, spawn: Spawn, lost: Callable[[], None]) -> None:
        """Start what runs beside the program by `spawn`; `lost` is called if it ends before the run does."""

    def close(self) -> None: ...

    def runs(self, tid: HostTid) -> bool:
        """Whether a task is no program's but its own: it is neither met nor judged."""

    def served(self, call: Call, row: Row) -> None:
        """A call of such a task has been decided."""

    def meet(self, call: Call, row: Row) -> None:
        """See a call before anybody serves it; `call.result` set, NtError or Errno end it, `call.wait` delays it."""

    def begins_anew(self, call: Call, row: Row) -> None:
        """The call will come once more."""
