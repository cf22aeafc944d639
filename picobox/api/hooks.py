"""Owns the hooks of a sandbox: which function is asked about which calls, and how its answer is taken.

The hooks of a program are called one at a time, in a thread of their own; coroutine functions run in an event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from picobox.api.errors import HookError
from picobox.api.events import Argument, arguments_of, path_in, value_of
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from picobox.api.supervision import Supervision
    from picobox.api.wire import Message

_MAX_ERRNO = 4095
_VALUES = range(-(1 << 63), 1 << 63)
# They do not return, or return to what is not their caller: no answer could stand for them.
_UNANSWERABLE = frozenset(("exit", "exit_group", "rt_sigreturn", "restart_syscall"))
# libc answers these from the vDSO, without a call (vdso(7)).
_UNSEEN = frozenset(("clock_gettime", "clock_getres", "gettimeofday", "time", "getcpu"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call goes on: it fails with `errno`, or returns `value`, or is made if both are None."""

    errno: int | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True)
class HookedCall:
    """A system call that waits before it is made: its name and number, the caller's own id, its arguments.

    A hook gives the verdict of one of its methods, or None, by which the call is made.
    """

    name: str
    nr: int
    tid: int
    arguments: tuple[Argument, ...]

    def __getitem__(self, name: str) -> int | str:
        """The value of an argument; KeyError if the call has none of that name."""
        return value_of(self.arguments, name)

    @property
    def path(self) -> str | None:
        """The first path among its arguments, None if it has none that could be read."""
        return path_in(self.arguments)

    def go_on(self) -> Verdict:
        """It is made, as if nobody had been asked; whatever else refuses it still does."""
        return Verdict()

    def fail(self, errno: int) -> Verdict:
        """It is not made, and fails with an error number, such as errno.EACCES."""
        if not 0 < errno <= _MAX_ERRNO:
            raise ValueError(f"{errno} is no error number: take one of the module errno, 1 to {_MAX_ERRNO}")
        return Verdict(errno=errno)

    def answer(self, value: int) -> Verdict:
        """It is not made, and returns `value`."""
        if value not in _VALUES or -_MAX_ERRNO <= value < 0:
            raise ValueError(f"{value} is no value that a call returns: fail(errno) is for its failures")
        return Verdict(value=value)


Hook = Callable[[HookedCall], Verdict | None] | Callable[[HookedCall], Awaitable[Verdict | None]]
AnyHook = TypeVar("AnyHook", bound=Hook)


class Hooks:
    """The hooks of a sandbox. Programs have those that are there when they are started."""

    def __init__(self) -> None:
        self._by_name: dict[str, Hook] = {}

    def add(self, names: tuple[str, ...], hook: Hook) -> None:
        """Asks `hook` about calls of these names. PicoboxError for what is no call, or has a hook already."""
        from picobox.cli.selection import UnknownCallError, names_of

        if not names:
            raise PicoboxError("on(): name the calls that the hook is for, such as on('openat', '%network').")
        found: set[str] = set()
        for name in names:
            try:
                found |= names_of(name)
            except UnknownCallError as error:
                raise PicoboxError(f"on({name!r}): {error}.") from None
            if name in _UNANSWERABLE or name in _UNSEEN:
                why = "it does not return" if name in _UNANSWERABLE else "programs have it answered without a call"
                raise PicoboxError(f"on({name!r}): {why}, so no hook can stand for it. Leave it out.")
        found -= _UNANSWERABLE | _UNSEEN
        taken = sorted(found & self._by_name.keys())
        if taken:
            raise PicoboxError(f"on({taken[0]!r}): another hook is asked already. A hook can ask call.name.")
        self._by_name |= dict.fromkeys(found, hook)

    def of_program(self, loop: asyncio.AbstractEventLoop | None) -> ProgramHooks | None:
        """Those that a program has which is started now, None if there are none; coroutines run in `loop`."""
        if not self._by_name:
            return None
        if loop is None and any(map(inspect.iscoroutinefunction, self._by_name.values())):
            raise PicoboxError("a hook is a coroutine function: start the program by run_async, or make it a function.")
        return ProgramHooks(dict(self._by_name), loop)


class ProgramHooks:
    """The hooks of one program, and those that wait to be called."""

    def __init__(self, by_name: dict[str, Hook], loop: asyncio.AbstractEventLoop | None) -> None:
        """`loop`: where coroutines run."""
        self._by_name = by_name
        self._loop = loop
        self._asked: SimpleQueue[tuple[Supervision, Message] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def names(self) -> set[str]:
        """The names of the calls that are hooked."""
        return set(self._by_name)

    def ask(self, supervision: Supervision, message: Message) -> None:
        """A call waits for its answer."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="picobox-hooks", daemon=True)
            self._thread.start()
        self._asked.put((supervision, message))

    def over(self) -> None:
        """Nothing more will be asked."""
        self._asked.put(None)

    def _serve(self) -> None:
        while (asked := self._asked.get()) is not None:
            supervision, message = asked
            call = HookedCall(message["call"], message["nr"], message["tid"], arguments_of(message["args"]))
            self._decide(supervision, message["id"], call)

    def _decide(self, supervision: Supervision, number: int, call: HookedCall) -> None:
        hook = self._by_name[call.name]
        try:
            verdict = hook(call)
            if self._loop is not None and inspect.isawaitable(verdict):
                asyncio.run_coroutine_threadsafe(self._decide_later(supervision, number, call, verdict), self._loop)
                return
        except BaseException as error:  # noqa: BLE001 - whatever it is, the call is not made
            supervision.hook_failed(_raised(hook, call, error))
            return
        _take(supervision, number, hook, call, verdict)

    async def _decide_later(
        self, supervision: Supervision, number: int, call: HookedCall, verdict: Awaitable[Verdict | None]
    ) -> None:
        hook = self._by_name[call.name]
        try:
            given = await verdict
        except BaseException as error:
            supervision.hook_failed(_raised(hook, call, error))
            if not isinstance(error, Exception):
                raise
            return
        _take(supervision, number, hook, call, given)


def _take(supervision: Supervision, number: int, hook: Hook, call: HookedCall, verdict: object) -> None:
    if verdict is None:
        verdict = Verdict()
    if isinstance(verdict, Verdict):
        supervision.answer(number, verdict.errno, verdict.value)
        return
    if inspect.iscoroutine(verdict):
        verdict.close()
    supervision.hook_failed(
        HookError(
            f"{_name(hook)} gave {verdict!r} for {call.name}, which is no answer: give None, or what the methods of "
            "the call give. The call was not made, and the program was killed."
        )
    )


def _raised(hook: Hook, call: HookedCall, error: BaseException) -> HookError:
    failure = HookError(
        f"{_name(hook)} raised {type(error).__name__} ({error}) for {call.name}: the call was not made, and the "
        "program was killed."
    )
    failure.__cause__ = error
    return failure


def _name(hook: Hook) -> str:
    return getattr(hook, "__qualname__", repr(hook))
