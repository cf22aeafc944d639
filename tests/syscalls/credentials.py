"""A guest that changes its credentials in every way there is, and looks each time whether it may still list `Dir`.

`Dir` belongs to OWNER and GROUP, who may list it; others may only open what they know the name of. Each way is taken by
a process of its own, with the look-up's answer known from before the change.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import cffi

if TYPE_CHECKING:
    from collections.abc import Callable

OWNER, GROUP, NOBODY = 1234, 4321, 65534
KEEP = -1
DAC = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
CLONE_NEWUSER = 0x10000000
PR_SET_KEEPCAPS = 8
SETUID, SETGID, SETREUID, SETREGID, SETGROUPS, SETRESUID, SETRESGID = 105, 106, 113, 114, 116, 117, 119
SETFSUID, SETFSGID, CAPGET, CAPSET, PRCTL, UNSHARE, SETNS, CLONE3 = 122, 123, 125, 126, 157, 272, 308, 435

ffi = cffi.FFI()
ffi.cdef("long syscall(long number, ...);")
libc: Any = ffi.dlopen(None)


def call(number: int, *arguments: object) -> int:
    """A system call of this thread alone: C libraries change the credentials of all threads."""
    words = [ffi.cast("long", word) if isinstance(word, int) else word for word in arguments]
    result: int = libc.syscall(number, *words)
    if result < 0:
        raise OSError(ffi.errno, os.strerror(ffi.errno), str(number))
    return result


def found() -> bool:
    """Whether the name is found in a spelling that only who may list the directory can know of."""
    try:
        os.stat("Dir/SECRET")
    except FileNotFoundError:
        return False
    return True


def look_in_new_image() -> None:
    """Run a program that every user may run, and that succeeds if the name is not found."""
    os.execv("/bin/sh", ["sh", "-c", "! test -e Dir/SECRET"])


def set_capabilities(effective: int) -> None:
    """What is effective of the permitted capabilities."""
    header = ffi.new("uint32_t[]", [0x20080522, 0])
    data = ffi.new("uint32_t[6]")
    call(CAPGET, header, data)
    data[0], data[3] = effective & 0xFFFFFFFF & data[1], effective >> 32 & data[4]
    call(CAPSET, header, data)


def set_groups(*groups: int) -> None:
    call(SETGROUPS, len(groups), ffi.new("uint32_t[]", groups))


def enter_user_namespace() -> None:
    """That of a child, where this task has every capability, none of them over what is outside."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        call(UNSHARE, CLONE_NEWUSER)
        os.write(write_end, b"x")
        signal.pause()
    os.read(read_end, 1)
    namespace = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
    assert found()
    call(SETNS, namespace, CLONE_NEWUSER)
    os.kill(child, signal.SIGKILL)


def losing(change: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        assert found()
        change()
        assert not found()

    return run


def joining(join: Callable[[], object], leave: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        set_capabilities(~DAC)
        assert not found()
        join()
        assert found()
        leave()
        assert not found()

    return run


def file_system_user() -> None:
    for _ in range(2):
        assert found()
        call(SETFSUID, NOBODY)
        assert not found()
        call(SETFSUID, 0)


def owner_of_the_directory() -> None:
    """Not the task changes but what it looks into."""
    set_capabilities(~DAC)
    os.chown("Dir", 0, 0)
    assert found()
    os.chown("Dir", OWNER, GROUP)
    assert not found()


def one_thread_of_two() -> None:
    """Threads have credentials of their own."""

    def other() -> None:
        call(SETRESUID, NOBODY, NOBODY, NOBODY)
        answers.append(found())

    answers: list[bool] = []
    assert found()
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert answers == [False]
    assert found()


def image() -> None:
    """An ordinary user's capabilities end with the image."""
    call(PRCTL, PR_SET_KEEPCAPS, 1)
    call(SETRESUID, NOBODY, NOBODY, NOBODY)
    set_capabilities(~0)
    assert found()
    look_in_new_image()


def image_of_a_thread() -> None:
    """The image that a thread executes has the leader's number and the thread's credentials."""

    def other() -> None:
        call(SETRESUID, NOBODY, NOBODY, NOBODY)
        dropped.set()
        looked.wait()
        look_in_new_image()

    dropped, looked = threading.Event(), threading.Event()
    thread = threading.Thread(target=other)
    thread.start()
    dropped.wait()
    assert found()
    looked.set()
    thread.join()


def number_of_a_dead_task() -> None:
    """A task gets the number of another one, that had other credentials."""
    orders, order = os.pipe()
    answers, answer = os.pipe()
    maker = os.fork()
    if maker == 0:
        call(SETFSUID, NOBODY)
        os.write(answer, b"dropped")
        number = int(os.read(orders, 16))
        wanted = ffi.new("uint32_t[]", [number])
        arguments = ffi.new("uint64_t[11]")
        arguments[4], arguments[8], arguments[9] = signal.SIGCHLD, int(ffi.cast("uintptr_t", wanted)), 1
        if call(CLONE3, arguments, 88) == 0:
            os.write(answer, b"1" if found() else b"0")
            os._exit(0)
        os.waitpid(number, 0)
        os._exit(0)
    assert os.read(answers, 16) == b"dropped"
    child = os.fork()
    if child == 0:
        assert found()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    os.write(order, str(child).encode())
    assert os.read(answers, 1) == b"0"
    assert os.waitpid(maker, 0)[1] == 0


WAYS: dict[str, Callable[[], None]] = {
    "setuid": losing(lambda: call(SETUID, NOBODY)),
    "setreuid": losing(lambda: call(SETREUID, KEEP, NOBODY)),
    "setresuid": losing(lambda: call(SETRESUID, KEEP, NOBODY, KEEP)),
    "setfsuid": file_system_user,
    "capset": losing(lambda: set_capabilities(~DAC)),
    "unshare": losing(lambda: call(UNSHARE, CLONE_NEWUSER)),
    "setns": losing(enter_user_namespace),
    "setgid": joining(lambda: call(SETGID, GROUP), lambda: call(SETGID, 0)),
    "setregid": joining(lambda: call(SETREGID, KEEP, GROUP), lambda: call(SETREGID, KEEP, 0)),
    "setresgid": joining(lambda: call(SETRESGID, KEEP, GROUP, KEEP), lambda: call(SETRESGID, KEEP, 0, KEEP)),
    "setfsgid": joining(lambda: call(SETFSGID, GROUP), lambda: call(SETFSGID, 0)),
    "setgroups": joining(lambda: set_groups(7, GROUP), lambda: set_groups(7)),
    "directory": owner_of_the_directory,
    "thread": one_thread_of_two,
    "image": image,
    "image of a thread": image_of_a_thread,
    "number": number_of_a_dead_task,
}


if __name__ == "__main__":
    WAYS[sys.argv[1]]()
