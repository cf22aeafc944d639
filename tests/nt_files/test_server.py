"""Who serves /nt, beside a supervisor that is only played: what it does where that does not answer."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from picobox.inspection import wire
from picobox.nt_files import fuse, server
from picobox.nt_files.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20
_ROW = {"depth": 0, "type": "Event", "handles": 1, "references": 2, "target": None}


class _Kernel:
    """The kernel's side of the device: a socket pair keeps requests apart as the device does."""

    def __init__(self, device: socket.socket, supervisor: socket.socket) -> None:
        self.supervisor = supervisor
        self._device = device
        self._last = 0

    def ask(self, operation: int, body: bytes = b"", *, node: int = fuse.ROOT, task: int = 1) -> int:
        self._last += 1
        head = struct.pack("<2I2Q4I", 40 + len(body), operation, self._last, node, 0, 0, task, 0)
        self._device.send(head + body)
        return self._last

    def told(self) -> tuple[int, int, bytes]:
        """Which request is answered, the error, and the answer."""
        said = self._device.recv(1 << 17)
        _, error, unique = struct.unpack_from("<IiQ", said)
        return unique, -error, said[16:]

    def answers(self, **row: object) -> None:
        """The supervisor hears one question and answers it."""
        self.supervisor.recv(wire.MOST_ASKED)
        wire.tell(self.supervisor, {"objects": [_ROW | row]})


@pytest.fixture
def kernel() -> Iterator[_Kernel]:
    device, its_device = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    supervisor, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    device.settimeout(SECONDS)
    supervisor.settimeout(SECONDS)
    watched = Watched()
    served = server.Server(its_device.fileno(), its, watched)
    thread = threading.Thread(target=served.serve)
    thread.start()
    yield _Kernel(device, supervisor)
    supervisor.close()
    thread.join(SECONDS)
    assert not thread.is_alive()
    for end in (device, its_device, its):
        end.close()
    watched.close()


def test_an_answer_goes_to_who_asked(kernel: _Kernel) -> None:
    first, second = kernel.ask(fuse.LOOKUP, b"a\0"), kernel.ask(fuse.LOOKUP, b"b\0")
    kernel.answers(path="\\a")
    kernel.answers(path="\\b")
    (one, no_error, entry), (other, _, second_entry) = kernel.told(), kernel.told()
    assert (one, other, no_error) == (first, second, 0)
    assert entry[:8] != second_entry[:8]


def test_the_supervisor_itself_is_never_asked(kernel: _Kernel) -> None:
    guests = kernel.ask(fuse.LOOKUP, b"a\0")
    own = kernel.ask(fuse.LOOKUP, b"a\0", task=os.getpid())
    assert kernel.told()[:2] == (own, errno.ENOENT)
    kernel.answers(path="\\a")
    assert kernel.told()[:2] == (guests, 0)
    # What it has told it knows.
    own = kernel.ask(fuse.LOOKUP, b"a\0", task=os.getpid())
    assert kernel.told()[:2] == (own, 0)


def test_who_is_late_keeps_nobody_waiting(kernel: _Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_PATIENCE", 0.1)
    late = kernel.ask(fuse.LOOKUP, b"late\0")
    assert kernel.told()[:2] == (late, errno.EIO)
    # Its answer comes after all, and is not taken for that to another question.
    after = kernel.ask(fuse.LOOKUP, b"after\0")
    kernel.answers(path="\\late", type="Directory")
    kernel.answers(path="\\after")
    unique, error, entry = kernel.told()
    assert (unique, error) == (after, 0)
    mode = struct.unpack_from("<I", entry, 40 + 60)[0]
    assert mode == 0o100444


def test_who_waits_for_the_kernel_has_a_look_up_begin_anew(kernel: _Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watched, "state", lambda _self: b"D")
    waits = kernel.ask(fuse.LOOKUP, b"waits\0")
    assert kernel.told()[:2] == (waits, errno.ESTALE)


def test_all_who_wait_are_told_at_once(kernel: _Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watched, "state", lambda _self: b"D")
    waiting = [
        kernel.ask(fuse.LOOKUP, b"waits\0"),
        kernel.ask(fuse.OPEN, bytes(8)),
        kernel.ask(fuse.READDIR, bytes(40)),
    ]
    first = kernel.told()
    began = time.monotonic()
    told = [first, kernel.told(), kernel.told()]
    assert time.monotonic() - began < server._LOOK * server._MOST_LOOKS / 2
    # Only looking a path up begins anew: the error of a directory that is listed would be the guest's.
    assert [each[:2] for each in told] == list(zip(waiting, (errno.ESTALE, errno.ESTALE, errno.EIO), strict=True))
    # Only the first was asked about.
    monkeypatch.setattr(Watched, "state", lambda _self: b"S")
    after = kernel.ask(fuse.LOOKUP, b"after\0")
    kernel.answers(path="\\waits")
    kernel.answers(path="\\after")
    assert kernel.told()[:2] == (after, 0)


def test_a_run_that_is_stopped_is_not_late(kernel: _Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_PATIENCE", 0.1)
    looks = threading.Semaphore(0)

    def stopped(_self: Watched) -> bytes:
        looks.release()
        return b"T"

    monkeypatch.setattr(Watched, "state", stopped)
    waits = kernel.ask(fuse.LOOKUP, b"waits\0")
    for _ in range(15):
        assert looks.acquire(timeout=SECONDS)
    kernel.answers(path="\\waits")
    assert kernel.told()[:2] == (waits, 0)


def test_a_directory_of_too_many_is_not_listed(kernel: _Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_ROWS", 2)
    kernel.ask(fuse.OPENDIR)
    assert kernel.told()[1] == 0
    listed = kernel.ask(fuse.READDIR, bytes(16) + struct.pack("<I20x", 4096))
    question = json.loads(kernel.supervisor.recv(wire.MOST_ASKED))
    wire.tell(kernel.supervisor, {"objects": [_ROW | {"path": f"\\{each}"} for each in range(question["most"])]})
    assert kernel.told()[:2] == (listed, errno.EOVERFLOW)


def test_what_is_no_answer_is_an_error(kernel: _Kernel) -> None:
    asked = kernel.ask(fuse.LOOKUP, b"a\0")
    kernel.supervisor.recv(wire.MOST_ASKED)
    with open(os.devnull) as nothing:
        socket.send_fds(kernel.supervisor, [b"{}"], [nothing.fileno()])
    assert kernel.told()[:2] == (asked, errno.EIO)


@pytest.mark.parametrize(("length", "error"), [(4000, 0), (4095, errno.ENAMETOOLONG)])
def test_a_link_has_to_fit_a_page(kernel: _Kernel, length: int, error: int) -> None:
    kernel.ask(fuse.LOOKUP, b"link\0")
    kernel.answers(path="\\link", type="SymbolicLink", target="\\" + "a" * length)
    node = struct.unpack_from("<Q", kernel.told()[2])[0]
    read = kernel.ask(fuse.READLINK, node=node)
    assert kernel.told()[:2] == (read, error)


def test_a_process_that_nobody_may_look_into_is_known() -> None:
    """What a /proc with hidepid shows: nothing by a path, all by what the process itself has opened."""
    watched = Watched()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), watched.fds[0])
    assert watched.includes(os.getpid())
    assert not watched.includes(1)
    assert watched.state() in (b"R", b"S")
    watched.close()


def test_a_process_that_is_gone_has_no_state() -> None:
    ours, its = socket.socketpair()
    child = os.fork()
    if not child:
        socket.send_fds(its, [b"x"], Watched().fds)
        os._exit(0)
    _, fds, _, _ = socket.recv_fds(ours, 1, 2)
    os.waitpid(child, 0)
    watched = Watched()
    for own, gone in zip(watched.fds, fds, strict=True):
        os.dup2(gone, own)
        os.close(gone)
    assert watched.state() == b""
    assert not watched.includes(child)
    watched.close()
    ours.close()
    its.close()


def test_what_guests_hold_open_has_a_limit(kernel: _Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_HELD", 1)
    handles = []
    for expected in (0, errno.ENFILE):
        kernel.ask(fuse.OPEN, bytes(8))
        kernel.answers(path="\\")
        _, error, opened = kernel.told()
        assert error == expected
        handles.append(opened[:8])
    kernel.ask(fuse.RELEASE, handles[0] + bytes(16))
    assert kernel.told()[1] == 0
    kernel.ask(fuse.OPEN, bytes(8))
    kernel.answers(path="\\")
    assert kernel.told()[1] == 0


@pytest.mark.parametrize("operation", [8, 9, 10, 12, 16, 35])
def test_what_it_does_not_know_it_refuses(kernel: _Kernel, operation: int) -> None:
    asked = kernel.ask(operation, b"x\0")
    assert kernel.told()[:2] == (asked, errno.ENOSYS)
