"""Serves the credentials that come with messages of local sockets (unix(7), SCM_CREDENTIALS): the instance's ids.

To the kernel all of an instance are one user. So it would refuse ids that a sender may well claim in the instance, and
tell the receiver the host's.
"""

from __future__ import annotations

from errno import EPERM
from struct import Struct
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.platform.host import number_of
from picobox.session.fakeroot.credentials import SETGID, SETUID, SYS_ADMIN
from picobox.session.fakeroot.nodes import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.root import FakeRoot

# asm-generic/socket.h, linux/socket.h
_SOL_SOCKET, _PASS_CREDENTIALS = 1, 16
_CREDENTIALS = 2
_ERROR_QUEUE = 0x2000  # MSG_ERRQUEUE
# struct msghdr: what it tells of its control messages; all of it; struct mmsghdr
_control = Struct("<32xQQ")
_HEADER_SIZE, _ENTRY_SIZE = 56, 64
# struct cmsghdr, which begins where a word can, and struct ucred
_head = Struct("<Qii")
_WORD = 8
_sender = Struct("<iII")
_MOST_CONTROL = 4096
# In an argument slot, behind what syscalls/names.py puts there.
_CONTROL_PLACE = 12288


def setsockopt(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """Before anybody asks for credentials no message that comes has any."""
    del call
    if tuple(arguments[1:3]) == (_SOL_SOCKET, _PASS_CREDENTIALS):
        root.passes_credentials = True


def recvmsg(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """Corrects the ids of who sent a message."""
    del arguments
    header, flags = (int(value) for value in call.stop.args[1:3])
    if root.passes_credentials and not flags & _ERROR_QUEUE:
        call.then = lambda result: _correct(root, call, header) if result >= 0 else None


def recvmmsg(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """The same for several messages."""
    del arguments
    first = int(call.stop.args[1])

    def then(result: int) -> None:
        for place in range(result):
            _correct(root, call, first + place * _ENTRY_SIZE)

    if root.passes_credentials:
        call.then = then


def _correct(root: FakeRoot, call: Call, header: int) -> None:
    try:
        address, size = _control.unpack(call.memory.read(header, _control.size))
        content = call.memory.read(address, min(size, _MOST_CONTROL)) if address else b""
        for place in _credentials_in(content):
            number, _, _ = _sender.unpack_from(content, place)
            call.memory.write(address + place, _sender.pack(number, *_ids_of(root, number)))
    except Errno:
        # Another thread of the guest has taken the memory away in which it has its message.
        return


def _ids_of(root: FakeRoot, number: int) -> tuple[int, int]:
    """The real ids of a sender, as the kernel adds them; of one that has gone nobody knows who it was."""
    task = root.tasks.of_number(number)
    if task is None:
        return NOBODY, NOBODY
    sender = root.credentials(task)
    return sender.users.real, sender.groups.real


def sendmsg(root: FakeRoot, call: Call, arguments: Sequence[object]) -> None:
    """What a sender may claim to be the kernel is told as what it is to the host. Errno(EPERM) for anything else."""
    del arguments
    try:
        header = call.memory.read(int(call.stop.args[1]), _HEADER_SIZE)
        address, size = _control.unpack_from(header)
        if not address or not 0 < size <= _MOST_CONTROL:
            return
        content = bytearray(call.memory.read(address, size))
    except Errno:
        return  # the kernel says so
    places = list(_credentials_in(content))
    for place in places:
        number, user, group = _sender.unpack_from(content, place)
        _check_claim(call, root.credentials(call.task), number, user, group)
        _sender.pack_into(content, place, number, *root.world.host)
    if not places:
        return
    copy = call.stage(_CONTROL_PLACE, bytes(content))
    if copy is None:
        return
    call.copied = header[: _control.size - 2 * _WORD] + copy.to_bytes(_WORD, "little") + header[_control.size - _WORD :]
    call.put(1, _CONTROL_PLACE - _HEADER_SIZE, call.copied)


def _check_claim(call: Call, credentials: Credentials, number: int, user: int, group: int) -> None:
    """unix(7): who one is, or for who may be others anybody."""
    process = call.task.group.tgid
    is_own = process is not None and number == number_of(process)
    if (
        not (is_own or credentials.may(SYS_ADMIN))
        or not (credentials.users.has(user) or credentials.may(SETUID))
        or not (credentials.groups.has(group) or credentials.may(SETGID))
    ):
        raise Errno(EPERM)


def _credentials_in(content: bytes | bytearray) -> Iterator[int]:
    """Where each struct ucred is (cmsg(3))."""
    place = 0
    while place + _head.size <= len(content):
        size, level, kind = _head.unpack_from(content, place)
        if size < _head.size or place + size > len(content):
            return
        if (level, kind) == (_SOL_SOCKET, _CREDENTIALS) and size >= _head.size + _sender.size:
            yield place + _head.size
        place += (size + _WORD - 1) & -_WORD


HANDLERS: dict[str, Callable[[FakeRoot, Call, Sequence[object]], None]] = {
    "setsockopt": setsockopt,
    "recvmsg": recvmsg,
    "recvmmsg": recvmmsg,
    "sendmsg": sendmsg,
}
