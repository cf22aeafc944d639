"""Owns the process that serves the tree: the file system it opens, its fork, and its end with the run."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import contextmanager
from struct import Struct
from typing import TYPE_CHECKING, NoReturn

from picobox._native._core import lib
from picobox.confine.hardening import harden
from picobox.confine.mounting import NO_DEVICES, NO_EXEC, NO_SET_ID, READ_ONLY
from picobox.errors import PicoboxError
from picobox.nt_files import fuse
from picobox.nt_files.place import PLACE
from picobox.nt_files.server import Server
from picobox.nt_files.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

_IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGUSR1,
            signal.SIGUSR2, signal.SIGALRM)  # fmt: skip
_PID = Struct("=i")
# After standard input, output and error output.
_FIRST = 3


def check_host() -> None:
    """PicoboxError if the host has something of its own where its programs would find the tree."""
    if os.path.lexists(PLACE):
        raise PicoboxError(
            f"--nt-files: this machine has a {os.fsdecode(PLACE)} of its own, which would be hidden. "
            "Rename it, or leave the option out."
        )


class NtFiles:
    """The tree of one run. `servers`: the pid of the process that serves it, once it is mounted."""

    place = PLACE
    servers: tuple[int, ...] = ()

    def __init__(self) -> None:
        self._connection: socket.socket | None = None

    def mount(self) -> int:
        """The file system, attached nowhere yet, and served from now on.

        To be called in the user namespace that guests come from, by a process with one thread.
        """
        with _standard_taken():
            return self._mount()

    def _mount(self) -> int:
        try:
            device = os.open(fuse.DEVICE, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise PicoboxError(f"--nt-files needs {fuse.DEVICE} (package fuse3): {error.strerror}") from None
        # Whoever a guest becomes may look, as the modes say; nobody outside can reach the mount.
        options = "fd=%d,rootmode=40555,user_id=%d,group_id=%d,default_permissions,allow_other,ro"
        tree = lib.pb_tree_new(
            b"fuse",
            (options % (device, os.geteuid(), os.getegid()) + ",subtype=picobox-nt,source=nt").encode(),
            READ_ONLY | NO_SET_ID | NO_DEVICES | NO_EXEC,
        )
        if tree < 0:
            raise PicoboxError(f"--nt-files: mounting a file system of this process failed: {os.strerror(-tree)}")
        self._start(device)
        return int(tree)

    def _start(self, device: int) -> None:
        """Forks what serves it."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        watched = Watched()
        pid = os.fork()
        if pid == 0:
            _be_server(device, its, watched)
        its.close()
        watched.close()
        os.close(device)
        # It has forked again, so that it is nobody's child that is waited for here.
        os.waitpid(pid, 0)
        told = ours.recv(_PID.size)
        if not told:
            raise PicoboxError(
                "--nt-files: no process could be made to serve it. See the limit of processes (ulimit -u)."
            )
        self.servers = _PID.unpack(told)
        self._connection = ours

    def taken(self) -> int:
        """The end of the connection by which the server asks; whoever takes it closes it, and so ends the server."""
        if self._connection is None:
            raise RuntimeError("it is not started")
        fd = self._connection.detach()
        self._connection = None
        return fd


@contextmanager
def _standard_taken() -> Iterator[None]:
    """What is opened meanwhile is none of the three standard descriptors, which a user may have closed."""
    opened = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)]
    try:
        while opened[-1] < _FIRST:
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        os.close(opened.pop())
        yield
    finally:
        for fd in opened:
            os.close(fd)


def _be_server(device: int, supervisor: socket.socket, watched: Watched) -> NoReturn:
    status = 1
    try:
        pid = os.fork()
        if pid == 0:
            _serve(device, supervisor, watched)
        else:
            supervisor.send(_PID.pack(pid))
        status = 0
    finally:
        # Whatever happened, this process must not go on as its parent.
        os._exit(status)


def _serve(device: int, supervisor: socket.socket, watched: Watched) -> None:
    os.setsid()
    os.chdir("/")
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _close_all_but(device, supervisor.fileno(), *watched.fds)
    lib.pb_lower_capabilities()
    harden()
    Server(device, supervisor, watched).serve()


def _close_all_but(*kept: int) -> None:
    """Pipes of the program's would not end as long as we have them."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for standard in range(_FIRST):
        os.dup2(nothing, standard)
    first = _FIRST
    for fd in sorted(kept):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))
