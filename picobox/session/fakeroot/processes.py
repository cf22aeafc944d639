"""Shows in /proc whom a process belongs to, and decides who may signal it (proc(5), kill(2))."""

from __future__ import annotations

import itertools
import os
import re
from contextlib import suppress
from errno import EPERM
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.session.fakeroot import calls
from picobox.session.fakeroot.credentials import ALL, KILL
from picobox.session.fakeroot.mounts import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.nodes import Node
    from picobox.session.fakeroot.root import FakeRoot

_STATUS = re.compile(rb"/proc/(\d+)(?:/task/(\d+))?/status")
_PLACE = b"/dev/shm"
_LINES = re.compile(rb"^(Uid|Gid|Groups|NoNewPrivs|Cap(?:Inh|Prm|Eff|Bnd|Amb)):\t.*$", re.MULTILINE)
_MOST = 1 << 16
_NUMBERS = re.compile(rb"^NSpid:((?:\t\d+)+)$", re.MULTILINE)
_SIGNALS_GROUP = 4  # linux/pidfd.h, PIDFD_SIGNAL_PROCESS_GROUP
_serial = itertools.count(1)


def show_status(root: FakeRoot, call: Call, node: Node, position: int) -> None:
    """Has the kernel open a text of ours in place of a /proc/PID/status: a file that is taken away at once."""
    found = _STATUS.fullmatch(path_of(node.fd))
    task = None if found is None else root.tasks.of_number(int(found[2] or found[1]))
    if task is None:
        return
    name = b".status-%d" % next(_serial)
    if not call.put(position, 0, _PLACE + b"/" + name + b"\0"):
        return
    try:
        with open(node.path, "rb", buffering=0) as file:
            text = status_text(file.read(_MOST), root.credentials(task))
        directory = calls.open_at(root.world.root, _PLACE, os.O_PATH | os.O_CLOEXEC, calls.IN_ROOT | calls.NO_LINKS)
    except (OSError, Errno):
        call.rewrite(position, call.stop.args[position])
        return
    call.when_over(lambda: _take_away(directory, name))
    try:
        fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o400, dir_fd=directory)
        with open(fd, "wb") as file:
            file.write(text)
    except OSError:
        call.rewrite(position, call.stop.args[position])


def _take_away(directory: int, name: bytes) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=directory)
    os.close(directory)


def status_text(text: bytes, credentials: Credentials) -> bytes:
    """A status with the ids and capabilities that a task has for guests."""
    values = {
        b"Uid": b"\t".join(b"%d" % each for each in credentials.users),
        b"Gid": b"\t".join(b"%d" % each for each in credentials.groups),
        b"Groups": b"".join(b"%d " % each for each in credentials.others),
        b"NoNewPrivs": b"%d" % credentials.no_new_privileges,
        b"CapInh": b"%016x" % credentials.inheritable,
        b"CapPrm": b"%016x" % credentials.permitted,
        b"CapEff": b"%016x" % credentials.effective,
        b"CapBnd": b"%016x" % (credentials.bounding & ALL),
        b"CapAmb": b"%016x" % credentials.ambient,
    }
    return _LINES.sub(lambda line: line[1] + b":\t" + values[line[1]], text)


def _may_signal(sender: Credentials, receiver: Credentials) -> bool:
    whom = (receiver.users.real, receiver.users.saved)
    return sender.may(KILL) or sender.users.effective in whom or sender.users.real in whom


def _check(root: FakeRoot, call: Call, number: int) -> None:
    """Errno(EPERM) for another user's process; that there is none the kernel says."""
    sender = root.credentials(call.task)
    task = root.tasks.of_number(number)
    if task is not None and task.group is not call.task.group and not _may_signal(sender, root.credentials(task)):
        raise Errno(EPERM)


def kill(root: FakeRoot, call: Call, arguments: Sequence[int]) -> None:
    """Signals a process, or a group, which gets nothing if it has a process of somebody else's."""
    number = arguments[0]
    sender = root.credentials(call.task)
    if sender.may(KILL):
        return
    if number > 0:
        _check(root, call, number)
    elif not all(
        _may_signal(sender, root.credentials(task)) for task in root.tasks.of_process_group(call.task, number)
    ):
        raise Errno(EPERM)


def tkill(root: FakeRoot, call: Call, arguments: Sequence[int]) -> None:
    """Signals a thread."""
    _check(root, call, arguments[0])


def tgkill(root: FakeRoot, call: Call, arguments: Sequence[int]) -> None:
    """Signals a thread of a process."""
    _check(root, call, arguments[1])


def pidfd_send_signal(root: FakeRoot, call: Call, arguments: Sequence[int]) -> None:
    """Signals the process of a descriptor, or the group that it leads."""
    pidfd, _signal, _information, flags = arguments
    sender = root.credentials(call.task)
    if sender.may(KILL):
        return
    number = _number_of_pidfd(call, pidfd)
    # What is no such descriptor, and a process that has ended, the kernel tells of.
    if number > 0 and flags & _SIGNALS_GROUP:
        receivers = root.tasks.of_process_group(call.task, -number)
        if not all(_may_signal(sender, root.credentials(task)) for task in receivers):
            raise Errno(EPERM)
    elif number > 0:
        _check(root, call, number)


def _number_of_pidfd(call: Call, pidfd: int) -> int:
    """The number among guests of the process that a descriptor of a task's stands for; 0 if it is none (pidfd_open(2)).

    Who shares the descriptors may put another one in its place before the kernel looks: see `FakeRoot`.
    """
    with suppress(OSError), open(f"/proc/{call.task.tid}/fdinfo/{pidfd}", "rb") as file:
        found = _NUMBERS.search(file.read(_MOST))
        return 0 if found is None else int(found[1].split()[-1])
    return 0


HANDLERS: dict[str, Callable[[FakeRoot, Call, Sequence[int]], None]] = {
    "kill": kill,
    "tkill": tkill,
    "tgkill": tgkill,
    "pidfd_send_signal": pidfd_send_signal,
    "rt_sigqueueinfo": kill,
    "rt_tgsigqueueinfo": tgkill,
}
