"""Owns the supervisor of one program of the Python API: it runs what a client asks for, and tells what became of it.

A client that goes away takes its program with it: nobody is left who could answer a hook or take the results.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from _socket import socket
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from picobox.api.wire import ABANDON, ANSWER, BEGAN, ENDED, FAILED, SIGNAL, UNSTARTED, Channel, Message
from picobox.cli.launch import Bell, Launch
from picobox.errors import PicoboxError, SpawnError

if TYPE_CHECKING:
    from picobox.api.asking import Asking

# Above the standard descriptors, which this process has for itself.
_LEAST_FD = 3
_O_ASYNC = 0o20000
_MOST_SAID = 1 << 16


def serve(control: int, record: int, *kept: int) -> int:
    """Runs the program that is asked for on the socket `control`; its events go to the file `record`.

    The program gets the descriptors `kept` too.
    Gives this process's exit status, which says nothing of the program's.
    """
    for fd in (record, *kept):
        os.set_inheritable(fd, False)
    # Before and after the run nobody listens for it.
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    channel = Channel(socket(fileno=control))
    standard, said = _own_standard()
    request = channel.receive()
    if request is None:
        return 1
    try:
        _check_place(request["place"])
        channel.send(Run(channel, request, record, standard, kept).run())
    except SpawnError as error:
        channel.send({"kind": UNSTARTED, "text": str(error), "errno": error.errno})
    except PicoboxError as error:
        channel.send({"kind": FAILED, "text": str(error), "is_refused": True})
    except MemoryError:
        channel.send({"kind": FAILED, "text": "out of memory; close other programs", "is_refused": True})
    except BaseException:  # noqa: BLE001 - whatever it is, the client is told
        import traceback

        text = traceback.format_exc() + _what_was_said(said)
        channel.send({"kind": FAILED, "text": text, "is_refused": False})
        return 1
    return 0


def _check_place(wanted: str) -> None:
    place = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    if place != wanted:
        raise PicoboxError(
            f"this program uses picobox in {wanted}, and {sys.executable} has another in {place}: remove one of them."
        )


def _own_standard() -> tuple[tuple[int, int, int], int]:
    """The program's standard descriptors, moved away, and the file that takes what this process says on its own."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    given = []
    for fd in range(3):
        try:
            given.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LEAST_FD))
        except OSError:  # it was closed
            given.append(fcntl.fcntl(nothing, fcntl.F_DUPFD_CLOEXEC, _LEAST_FD))
    said = os.memfd_create("picobox-said", os.MFD_CLOEXEC)
    for fd, own in enumerate((nothing, said, said)):
        os.dup2(own, fd, inheritable=False)
    return (given[0], given[1], given[2]), said


def _what_was_said(said: int) -> str:
    """What this process has written to its standard output and error, where nobody else sees it."""
    sys.stderr.flush()
    return os.pread(said, _MOST_SAID, 0).decode(errors="replace")


class Run:
    """One program, from its request to its end."""

    def __init__(
        self,
        channel: Channel,
        request: Message,
        record: int,
        standard: tuple[int, int, int],
        kept: tuple[int, ...],
    ) -> None:
        self._channel = channel
        self._request = request
        self._record = record
        self._given = standard
        self._kept = kept
        self._launch: Launch | None = None
        self._asking: Asking | None = None

    def run(self) -> Message:
        """Runs it; gives what is to be told of its end. PicoboxError, SpawnError."""
        from picobox.api.wanted import Wanted

        wanted = Wanted(self._request, self._given, self._kept)
        with ExitStack() as stack:
            policy, kept = wanted.policy(stack)
            recorder = wanted.recorder(self._record, policy)
            settings = wanted.check_settings()
            self._asking = wanted.asking(self._channel)
            launch = self._launch = stack.enter_context(
                Launch(
                    wanted.options,
                    wanted.command,
                    recorder,
                    None if recorder is None else recorder.shown,
                    settings,
                    policy=policy,
                    kept=kept,
                    recorder=recorder,
                    interposer=self._asking,
                )
            )
            wanted.supervised(launch, recorder)
            launch.bell = Bell(signal.SIGIO, self._listen, self._hear)
            launch.supervisor.main_began = self._began
            launch.run()
            limits = launch.limits_met()
            if recorder is not None:
                recorder.limits_met(limits)
            report = wanted.report(launch)
        # What was recorded is written now.
        return {
            "kind": ENDED,
            "status": launch.supervisor.main_status,
            "limits": limits,
            "report": report,
        }

    def _began(self) -> None:
        """The program has what it was given: it alone says when its pipes are closed."""
        for fd in self._given:
            os.close(fd)
        for fd in self._kept:
            os.close(fd)
        self._channel.send({"kind": BEGAN})

    def _listen(self) -> None:
        """SIGIO comes when there is something to take from the socket (fcntl(2), O_ASYNC)."""
        end = self._channel.end
        fcntl.fcntl(end, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | _O_ASYNC)
        self._hear()

    def _hear(self) -> None:
        news = self._channel.news()
        if news is None:
            self._abandon()
            return
        for message in news:
            if message["kind"] == SIGNAL:
                self._signal(message["number"])
            elif message["kind"] == ANSWER and self._asking is not None:
                self._asking.answer(message["id"], message["errno"], message["value"])
            elif message["kind"] == ABANDON:
                self._abandon()

    def _abandon(self) -> None:
        if self._launch is not None:
            self._launch.platform.kill_all()

    def _signal(self, number: int) -> None:
        main = None if self._launch is None else self._launch.supervisor.main
        if main is not None:
            with suppress(ProcessLookupError):
                os.kill(main, number)
