"""Takes as much of each thing as it can get, and says of how much, and what stopped it: a guest's program.

`python3 flooding.py NAME ...`: a line "NAME COUNT ERRNO" for each flood, ERRNO 0 where nothing stopped it at the count
that is enough to show so. Before and after all of them it says "ready" or "done" and waits for a line.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ENOUGH = 120
# A program beside this one: Python has no word for it.
INOTIFY = "./inotify"
_BLOCK = bytes(1 << 16)
_MEBIBYTE = bytes(1 << 20)
kept: list[object] = []


def one_process() -> None:
    """Makes a process that stays."""
    if os.fork() == 0:
        signal.pause()
        os._exit(0)


def one_thread() -> None:
    """Makes a thread that stays, and needs little memory."""
    threading.stack_size(1 << 16)
    thread = threading.Thread(target=time.sleep, args=(60,), daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # Python does not tell the error number of pthread_create(3).
        raise OSError(11, "") from None


def one_pipe() -> None:
    """Makes a pipe, and fills its buffer."""
    out, into = os.pipe2(os.O_NONBLOCK)
    kept.append(out)
    os.write(into, _BLOCK)


def one_epoll() -> None:
    """Makes an epoll that watches another one."""
    inner, outer = select.epoll(), select.epoll()
    kept.extend((inner, outer))
    outer.register(inner.fileno())


def one_memory_file() -> None:
    """Makes a file of memory with a block in it."""
    os.write(os.memfd_create("flood"), _BLOCK)


def one_sent_descriptor() -> None:
    """Makes a socket that holds another's descriptor."""
    ends = socket.socketpair()
    kept.append(ends)
    socket.send_fds(ends[0], [b"x"], [ends[1].fileno()])


def one_mapping() -> None:
    """Maps two mebibytes with rights that are not its neighbour's, so that they stay apart."""
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if len(kept) % 2 else 0)
    kept.append(mmap.mmap(-1, 2 << 20, prot=protection))


def one_signal() -> None:
    """Sends itself a signal that it does not take."""
    signal.pthread_kill(threading.get_ident(), signal.SIGRTMIN)


def longer_file() -> Callable[[], None]:
    """Makes a file a mebibyte longer each time."""
    fd = tempfile.mkstemp(dir=".")[0]

    def write() -> None:
        if os.write(fd, _MEBIBYTE) < len(_MEBIBYTE):
            os.write(fd, _BLOCK)

    return write


def one_file(directory: str) -> None:
    """Makes a file of a mebibyte there."""
    with open(tempfile.mkstemp(dir=directory)[0], "wb", buffering=0) as file:
        if file.write(_MEBIBYTE) < len(_MEBIBYTE):
            # What is left has no room: the call that finds none at all says so.
            file.write(_BLOCK)


def one_argument() -> None:
    """Runs a program with 120 KiB of arguments more than the last time, which does nothing."""
    kept.append("x" * (120 << 10))
    child = os.posix_spawn("/bin/true", ["true", *map(str, kept)], {})
    os.waitpid(child, 0)


def one_level() -> None:
    """Goes a directory deeper, and looks at the whole way by its absolute path."""
    name = "d" * 200
    os.mkdir(name)
    os.chdir(name)
    kept.append(name)
    os.stat(f"{start}/{'/'.join(map(str, kept))}")


def one_link() -> None:
    """Makes a link to the last one, and follows them all."""
    target, name = (f"link{len(kept) + 1 - back}" for back in (1, 0))
    if not kept:
        open(target, "x").close()
    os.symlink(target, name)
    kept.append(name)
    os.stat(name)


def flood(name: str) -> tuple[int, int]:
    """How often it went well, and the error number that ended it, 0 if nothing did."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    # What it needs itself is loaded, and nothing of it is a child's.
    take = FLOODS[name]()
    done = 0
    try:
        while done < ENOUGH:
            take()
            done += 1
    except OSError as error:
        return done, error.errno or 0
    return done, 0


FLOODS: dict[str, Callable[[], Callable[[], object]]] = {
    "processes": lambda: one_process,
    "threads": lambda: one_thread,
    "descriptors": lambda: lambda: os.open(".", os.O_RDONLY),
    "pipes": lambda: one_pipe,
    "epolls": lambda: one_epoll,
    "memory-files": lambda: one_memory_file,
    "sent-descriptors": lambda: one_sent_descriptor,
    "mappings": lambda: one_mapping,
    "signals": lambda: one_signal,
    "files": longer_file,
    "temporary-files": lambda: lambda: one_file("/tmp"),
    "shared-memory": lambda: lambda: one_file("/dev/shm"),
    "arguments": lambda: one_argument,
    "levels": lambda: one_level,
    "links": lambda: one_link,
}


def in_child(name: str) -> None:
    """Runs a flood in a session of its own, which then goes with all that it has taken."""
    child = os.fork()
    if child == 0:
        os.setsid()
        if name == INOTIFY:
            os.execv(INOTIFY, [INOTIFY, str(ENOUGH)])
        count, number = flood(name)
        os.write(1, f"{name} {count} {number}\n".encode())
        os.killpg(0, signal.SIGKILL)
    os.waitpid(child, 0)


start = os.getcwd()
if __name__ == "__main__":
    for word in ("ready", *sys.argv[1:], "done"):
        if word in FLOODS or word == INOTIFY:
            in_child(word)
        else:
            os.write(1, f"{word}\n".encode())
            os.read(0, 1)
