"""Owns Sandbox: settings, hooks and a layer that several programs share, and all their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, overload

from picobox.api.changes import Layered
from picobox.api.completed import PATIENCE, CompletedProcess, run
from picobox.api.errors import NotRecordedError, PicoboxError
from picobox.api.hooks import AnyHook, Hooks
from picobox.api.popen import Popen
from picobox.api.preparation import Bound
from picobox.api.settings import Settings

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Unpack

    from picobox.api.changes import Change
    from picobox.api.events import Event
    from picobox.api.preparation import Arguments, Start
    from picobox.api.settings import Path, Policy, Profile
    from picobox.api.supervision import Supervision
    from picobox.findings.finding import Finding


class Sandbox:
    """Runs programs with the same settings. As a context manager it kills those that still run at its end.

    Each program has a supervisor of its own. With an overlay all write into one layer, one program at a time; a layer
    of the sandbox's own (overlay=True) is thrown away by `close`, or once nobody has the sandbox any more. The
    settings are those of `picobox.Settings`.
    """

    def __init__(
        self,
        *,
        profile: Profile | None = None,
        policy: str | Policy = "default",
        drives: Mapping[str, Path] | None = None,
        overlay: bool | str = False,
        trace: bool | str | Iterable[str] = False,
        findings: bool = False,
        enforce: bool = False,
    ) -> None:
        """PicoboxError, with a remedy, for settings that no run could have."""
        self.settings = Settings(
            profile=profile, policy=policy, drives=drives or {}, overlay=overlay, trace=trace, findings=findings,
            enforce=enforce,
        )  # fmt: skip
        self.hooks = Hooks()
        self.layered = Layered.of(self.settings)
        self._programs: list[Supervision] = []
        self._is_closed = False

    def on(self, *names: str) -> Callable[[AnyHook], AnyHook]:
        """A decorator: the function is asked about each call of these names, or %classes, before it is made.

        It is given a `picobox.HookedCall` and gives None, by which the call is made, or the verdict of `call.fail` or
        `call.answer`. If it raises, or gives anything else, the call is not made, the program is killed, and whoever
        waits for it gets a HookError. Programs that run already are not concerned. PicoboxError for an unknown name.
        """

        def add(hook: AnyHook) -> AnyHook:
            self.hooks.add(names, hook)
            return hook

        return add

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def bound(self, loop: asyncio.AbstractEventLoop | None = None) -> Bound:
        """What it is to a program that is started now; coroutine functions among the hooks run in `loop`.

        PicoboxError if it is closed.
        """
        if self._is_closed:
            raise PicoboxError("the sandbox is closed: start programs before that, or make another one.")
        return Bound(self.settings, self.layered, self.hooks.of_program(loop), self._programs.append)

    def close(self) -> None:
        """Kills what still runs, and throws a layer of the sandbox's own away. Results but `changes` stay.

        No program is started any more.
        """
        self._is_closed = True
        for program in self._programs:
            program.close(PATIENCE)
        if self.layered is not None:
            self.layered.close()

    @overload
    def Popen(
        self,
        args: Arguments,
        *,
        text: Literal[True],
        encoding: str | None = None,
        errors: str | None = None,
        **options: Unpack[Start],
    ) -> Popen[str]: ...
    @overload
    def Popen(
        self,
        args: Arguments,
        *,
        text: bool | None = None,
        encoding: str,
        errors: str | None = None,
        **options: Unpack[Start],
    ) -> Popen[str]: ...
    @overload
    def Popen(
        self,
        args: Arguments,
        *,
        text: Literal[False] | None = None,
        encoding: None = None,
        errors: None = None,
        **options: Unpack[Start],
    ) -> Popen[bytes]: ...
    @overload
    def Popen(
        self,
        args: Arguments,
        *,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        **options: Unpack[Start],
    ) -> Popen[Any]: ...
    def Popen(self, args: Arguments, **options: Any) -> Popen[Any]:  # noqa: N802 - subprocess's name
        """Starts a program: `picobox.Popen` with the sandbox's settings."""
        program: Popen[Any] = Popen(args, sandbox=self, **options)
        return program

    @overload
    def run(
        self,
        args: Arguments,
        *,
        input: str | None = None,
        capture_output: bool = False,
        timeout: float | None = None,
        check: bool = False,
        text: Literal[True],
        encoding: str | None = None,
        errors: str | None = None,
        **options: Unpack[Start],
    ) -> CompletedProcess[str]: ...
    @overload
    def run(
        self,
        args: Arguments,
        *,
        input: str | None = None,
        capture_output: bool = False,
        timeout: float | None = None,
        check: bool = False,
        text: bool | None = None,
        encoding: str,
        errors: str | None = None,
        **options: Unpack[Start],
    ) -> CompletedProcess[str]: ...
    @overload
    def run(
        self,
        args: Arguments,
        *,
        input: bytes | bytearray | memoryview | None = None,
        capture_output: bool = False,
        timeout: float | None = None,
        check: bool = False,
        text: Literal[False] | None = None,
        encoding: None = None,
        errors: None = None,
        **options: Unpack[Start],
    ) -> CompletedProcess[bytes]: ...
    @overload
    def run(
        self,
        args: Arguments,
        *,
        input: Any = None,
        capture_output: bool = False,
        timeout: float | None = None,
        check: bool = False,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        **options: Unpack[Start],
    ) -> CompletedProcess[Any]: ...
    def run(self, args: Arguments, **options: Any) -> CompletedProcess[Any]:
        """Runs a program to its end: `picobox.run` with the sandbox's settings."""
        done: CompletedProcess[Any] = run(args, sandbox=self, **options)
        return done

    async def run_async(self, args: Arguments, **options: Any) -> CompletedProcess[Any]:
        """As `run`, for asyncio; hooks may be coroutine functions. Who is cancelled kills the program first."""
        from picobox.api.tasks import run as run_in_loop

        return await run_in_loop(args, sandbox=self, **options)

    @property
    def events(self) -> tuple[Event, ...]:
        """Those of all programs, in the order of their starts; as Popen.events."""
        if self.settings.selection() is None:
            raise NotRecordedError("events were not recorded: make the sandbox with trace=True, or trace='%file'.")
        return tuple(event for program in self._programs for event in program.events())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all programs, which are over; as Popen.findings."""
        if not self.settings.findings:
            raise NotRecordedError("programs were not judged: make the sandbox with findings=True.")
        return tuple(finding for program in self._programs for finding in program.findings())

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the layer holds. PicoboxError while a program writes in it."""
        return self._layer().changes()

    def commit(self, paths: Iterable[Path] = (), *, force: bool = False) -> tuple[Change, ...]:
        """Makes changes the host's own, all or those at or below `paths`; gives them.

        PicoboxError if the host has changed the same since: then nothing is done, unless `force` is.
        """
        return self._layer().commit(paths, force=force)

    def discard(self) -> None:
        """Throws away what the layer holds; the next program begins anew. PicoboxError while a program writes in it."""
        self._layer().discard()

    def _layer(self) -> Layered:
        if self.layered is None:
            raise NotRecordedError("what programs write is not kept apart: make the sandbox with overlay=True.")
        return self.layered
