"""Owns what clients of a running instance and who runs it say to each other: a message each, with descriptors.

The client connects and waits for HELLO: what it sends after that is done once. It sends a Request in a memfd, with the
descriptors 0, 1 and 2 of the program, then signals as they come. If one of these is a terminal, the program has another
one in its place, whose other side the client gets with TERMINAL. It is told FAILED, with a text and a status (or, below
zero, WSL's code), or ENDED, with the wait status. A message is a kind, a number and a text.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from contextlib import contextmanager
from enum import StrEnum
from errno import ENOPROTOOPT
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HELLO, FAILED, ENDED, RUN, SIGNAL, SIGNAL_GROUP, TERMINAL = range(7)
_HEAD = struct.Struct("<Bi")
_MOST_SAID = 4096
# The request and three standard descriptors.
DESCRIPTORS = 4
_MOST_REQUEST = 8 << 20
_CREDENTIALS = struct.Struct("3i")
_PEER_PIDFD = 77  # asm-generic/socket.h
_GONE = b"-1"  # pidfd_open(2), of a process that has ended


class Message(NamedTuple):
    """What was received; the descriptors are the receiver's to close."""

    kind: int
    number: int = 0
    text: str = ""
    fds: tuple[int, ...] = ()


class ShellType(StrEnum):
    """What runs the words (facts wsl1.md 5.5, --shell-type): the user's shell, as a login shell, or none."""

    STANDARD = "standard"
    LOGIN = "login"
    NONE = "none"

    @classmethod
    def usual(cls, command: Sequence[str]) -> ShellType:
        """Where nothing is said: words are a line for a shell, and without any a user logs in."""
        return cls.STANDARD if command else cls.LOGIN


class Request(NamedTuple):
    """What is to run. command: its words; none: the user's shell.

    user: a name, empty for the instance's own. directory: a path in the instance, `~` at its start the user's home;
    empty: the one on its drives that is `host_directory` on the host. environment: entries NAME=VALUE over the
    instance's. needs_directory: nothing runs without `directory`; else it starts in `/` then, as in WSL (facts wsl1.md
    5.4). Texts are as os.fsdecode makes them.
    """

    command: tuple[str, ...]
    shell_type: ShellType
    user: str
    directory: str
    environment: tuple[str, ...]
    host_directory: str = ""
    needs_directory: bool = False

    def sealed(self) -> int:
        """A memfd that holds it."""
        fd = os.memfd_create("picobox-request", os.MFD_CLOEXEC)
        with open(fd, "wb", closefd=False) as file:
            file.write(json.dumps(self).encode())
        return fd

    @classmethod
    def read(cls, fd: int) -> Request:
        """ValueError if it is none."""
        if os.fstat(fd).st_size > _MOST_REQUEST:
            raise ValueError("a request of more than 8 MiB")
        told = json.loads(os.pread(fd, _MOST_REQUEST, 0))
        command, shell_type, user, directory, environment, host, needed = told
        texts = (*command, user, directory, *environment, host)
        if not all(isinstance(text, str) and "\0" not in text for text in texts):
            raise ValueError("a text that no program can be given")
        return cls(tuple(command), ShellType(shell_type), user, directory, tuple(environment), host, bool(needed))


def send(connection: socket.socket, message: Message) -> None:
    """OSError if it cannot be sent at once, or nobody is there any more."""
    said = _HEAD.pack(message.kind, message.number) + _encoded(message.text)[:_MOST_SAID]
    socket.send_fds(connection, [said], list(message.fds), socket.MSG_NOSIGNAL)


def _encoded(text: str) -> bytes:
    """Names that are no UTF-8 stay what they are; a surrogate that stands for none, as JSON may have it, does not."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def receive(connection: socket.socket) -> Message | None:
    """None: nobody is there any more, or what was said is no message. BlockingIOError if nothing was said."""
    try:
        said, fds, _flags, _address = socket.recv_fds(connection, _MOST_SAID + _HEAD.size, DESCRIPTORS)
    except BlockingIOError:
        raise
    except OSError:
        return None
    for fd in fds:
        os.set_inheritable(fd, False)
    if len(said) < _HEAD.size:
        close(tuple(fds))
        return None
    kind, number = _HEAD.unpack(said[: _HEAD.size])
    return Message(kind, number, said[_HEAD.size :].decode(errors="surrogateescape"), tuple(fds))


def close(fds: tuple[int, ...]) -> None:
    """Closes what was received."""
    for fd in fds:
        os.close(fd)


@contextmanager
def short(path: str) -> Iterator[str]:
    """Another name of a path that is short enough for a socket (unix(7), 108 bytes)."""
    directory, name = os.path.split(path)
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{name}"
    finally:
        os.close(fd)


class Peer(NamedTuple):
    """Who connected, as numbers of this process's namespaces (unix(7), SO_PEERCRED)."""

    pid: int
    user: int
    group: int


def peer(connection: socket.socket) -> Peer:
    """The other end of a connection. OSError."""
    return Peer(*_CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)))


def is_trusted(connection: socket.socket) -> bool:
    """Whether the other end is this user's, and no guest: these have a number in a namespace of their own as well."""
    pid, user, _group = peer(connection)
    try:
        numbers = _numbers(connection, pid)
    except (OSError, StopIteration):
        return False
    return user == os.geteuid() and len(numbers) == 1 and numbers[0] != _GONE


def _numbers(connection: socket.socket, pid: int) -> list[bytes]:
    """The numbers of a peer in our namespace and those below, by a descriptor of it: its number may be another's now.

    By that number alone before Linux 6.5. Raises OSError, StopIteration.
    """
    try:
        pidfd = connection.getsockopt(socket.SOL_SOCKET, _PEER_PIDFD)
    except OSError as error:
        if error.errno != ENOPROTOOPT:
            raise
        path = f"/proc/{pid}/status"
        pidfd = -1
    else:
        path = f"/proc/self/fdinfo/{pidfd}"
    try:
        with open(path, "rb") as lines:
            return next(line for line in lines if line.startswith(b"NSpid:")).split()[1:]
    finally:
        if pidfd >= 0:
            os.close(pidfd)
