"""Calls whose names need more than a stored spelling: renames, socket addresses, and what changes a task's root."""

from __future__ import annotations

import struct
from errno import ENAMETOOLONG, EPERM
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.names import Meaning
from picobox.platform.host import AT_FDCWD, path_of

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.names import Names
    from picobox.provider import PicoProvider

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
AF_UNIX = 1
_PATH_OFFSET = 2  # of struct sockaddr_un
_ADDRESS_SIZE = 110
_ADDRESS_PLACE = 8192  # in an argument slot: two paths, then structures
_HEADER_PLACE = _ADDRESS_PLACE + 128
_HEADER = struct.Struct("<QI")  # msg_name and msg_namelen
_HEADER_SIZE = 56


def rename(provider: PicoProvider, call: Call, oldpath: bytes | None, newpath: bytes | None) -> None:
    _rename(call, AT_FDCWD, oldpath, newpath, new_index=1)
    del provider


def renameat(
    provider: PicoProvider, call: Call, olddirfd: int, oldpath: bytes | None, newdirfd: int, newpath: bytes | None
) -> None:
    _rename(call, olddirfd, oldpath, newpath, new_index=3)
    del provider, newdirfd


def renameat2(
    provider: PicoProvider,
    call: Call,
    olddirfd: int,
    oldpath: bytes | None,
    newdirfd: int,
    newpath: bytes | None,
    flags: int,
) -> None:
    if not flags & (RENAME_NOREPLACE | RENAME_EXCHANGE) or _changes_spelling(call, olddirfd, oldpath):
        _rename(call, olddirfd, oldpath, newpath, new_index=3)
    del provider, newdirfd


def _rename(call: Call, olddirfd: int, oldpath: bytes | None, newpath: bytes | None, new_index: int) -> None:
    """Onto a name in another spelling: that file goes, and the new spelling is stored (design section 6)."""
    made = call.made
    if made is None or made.stored is None or newpath is None:
        return
    stored, asked = made.stored, made.asked
    if _changes_spelling(call, olddirfd, oldpath):
        stem = newpath.rstrip(b"/")
        respelled = stem[: len(stem) - len(stored)] + asked + newpath[len(stem) :]
        call.put(new_index, 4096, respelled + b"\0")
        return

    def then(result: int) -> None:
        if result == 0:
            # The task has just shown that it may replace this name in this directory.
            made.respell()

    call.then = then


def _changes_spelling(call: Call, olddirfd: int, oldpath: bytes | None) -> bool:
    """Whether a rename is from one spelling of a name to another: the target that was found is the source itself."""
    made = call.made
    if made is None or made.stored is None or oldpath is None:
        return False
    return made.is_named_by(path_of(call.stop.tid, olddirfd, oldpath))


def setns(provider: PicoProvider, call: Call, fd: int, nstype: int) -> None:
    del call, fd, nstype
    provider.credentials_may_change()
    if provider.names is not None:
        provider.names.root_may_change()


def bind(provider: PicoProvider, call: Call, sockfd: int, addr: int, addrlen: int) -> None:
    del sockfd
    _address(provider, call, addr, addrlen, creates=True)


def connect(provider: PicoProvider, call: Call, sockfd: int, addr: int, addrlen: int) -> None:
    del sockfd
    _address(provider, call, addr, addrlen, creates=False)


def sendto(
    provider: PicoProvider,
    call: Call,
    sockfd: int,
    buf: int,
    len: int,  # noqa: A002 - the row's name
    flags: int,
    dest_addr: int,
    addrlen: int,
) -> None:
    del sockfd, buf, len, flags
    _address(provider, call, dest_addr, addrlen, creates=False, index=4)


def sendmsg(provider: PicoProvider, call: Call, sockfd: int, msg: int, flags: int) -> None:
    """The kernel reads a copy of the header, in which the address is a copy too."""
    del sockfd, flags
    if provider.names is None:
        return
    header = call.copied or _readable(call, msg, _HEADER_SIZE)
    if header is None:
        return
    address, length = _HEADER.unpack_from(header)
    approved = _approved_address(provider.names, call, address, length, creates=False)
    copy = None if approved is None else call.stage(_ADDRESS_PLACE, approved)
    if approved is not None and copy is not None:
        call.put(1, _HEADER_PLACE, _HEADER.pack(copy, len(approved)) + header[_HEADER.size :])


def _address(provider: PicoProvider, call: Call, address: int, length: int, *, creates: bool, index: int = 1) -> None:
    """The kernel takes the address of a local socket from a copy."""
    if provider.names is None:
        return
    approved = _approved_address(provider.names, call, address, length, creates=creates)
    if approved is not None and call.put(index, _ADDRESS_PLACE, approved):
        call.rewrite(index + 1, len(approved))


def _approved_address(names: Names, call: Call, address: int, length: int, *, creates: bool) -> bytes | None:
    """The address of a local socket with the path that is stored, a name like others; None for the address as it is."""
    if not address or not _PATH_OFFSET < length <= _ADDRESS_SIZE:
        return None
    data = _readable(call, address, length)
    if data is None:
        return None
    path = data[_PATH_OFFSET:].split(b"\0", 1)[0]
    if int.from_bytes(data[:_PATH_OFFSET], "little") != AF_UNIX or not path:
        return None
    meaning = Meaning(follow=not creates, creates=creates, entry=creates)
    places = names.settle(call, lambda: [names.find(call.stop.tid, AT_FDCWD, path, meaning)])
    if places is None:
        return None
    (place,) = places
    if place.path is None and place.parent < 0:
        return None
    approved = data[:_PATH_OFFSET] + (path if place.path is None else place.path)
    if len(approved) > _ADDRESS_SIZE:
        raise Errno(ENAMETOOLONG)
    # A path that fills the address needs no NUL (unix(7)).
    return approved + b"\0" * (len(approved) < _ADDRESS_SIZE)


def _readable(call: Call, address: int, size: int) -> bytes | None:
    """Bytes of the guest; None if the kernel can read them and we may not."""
    try:
        return call.memory.read(address, size)
    except Errno as error:
        if error.errno != EPERM:
            raise
        return None
