"""Serves what sockets tell of who is at the other end, and which ports are whose (unix(7), SO_PEERCRED; ip(7))."""

from __future__ import annotations

from errno import EACCES, ENOPROTOOPT
from struct import Struct
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.session.fakeroot.credentials import NET_BIND_SERVICE
from picobox.session.fakeroot.permissions import Denied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.root import FakeRoot

# asm-generic/socket.h
_SOL_SOCKET, _PEER_CREDENTIALS, _PEER_GROUPS = 1, 17, 59
_AF_INET, _AF_INET6 = 2, 10
# struct sockaddr_in, struct sockaddr_in6: family, and port in the network's order
_address = Struct("<H2s")
_length = Struct("<I")
# struct ucred: pid, uid, gid
_number = Struct("<i")
_ids = Struct("<2I")
_FIRST_FREE = 1024  # ip(7), ip_unprivileged_port_start


def keep(root: FakeRoot, call: Call, arguments: Sequence[int]) -> None:
    """The kernel keeps who connects, listens or makes a pair; for others that is who the caller is now."""
    del arguments
    root.peers[call.task.group] = root.credentials(call.task)


def getsockopt(root: FakeRoot, call: Call, arguments: Sequence[int]) -> None:
    """Corrects the ids of a peer: the kernel tells whom the host takes all of them for.

    A process that used several sockets as several users counts as the last of them; one that has gone is who it was to
    the host. Errno(ENOPROTOOPT) for its groups, as before Linux 4.13.
    """
    _, level, option, value, length = arguments
    if level != _SOL_SOCKET:
        return
    if option == _PEER_GROUPS:
        raise Errno(ENOPROTOOPT)
    if option == _PEER_CREDENTIALS:
        call.then = lambda result: _correct(root, call, value, length) if result == 0 else None


def _correct(root: FakeRoot, call: Call, value: int, length: int) -> None:
    (size,) = _length.unpack(call.memory.read(length, _length.size))
    if size < _number.size:
        return
    (number,) = _number.unpack(call.memory.read(value, _number.size))
    task = root.tasks.of_number(number)
    if task is None:
        return
    peer = root.peers.get(task.group) or root.credentials(task)
    told = _ids.pack(peer.users.effective, peer.groups.effective)
    call.memory.write(value + _number.size, told[: size - _number.size])


def check_port(root: FakeRoot, call: Call) -> None:
    """Denied for a bind(2) to a port that is root's; the instance's own network refuses nobody."""
    if root.credentials(call.task).may(NET_BIND_SERVICE):
        return
    _, address, length = call.stop.args[:3]
    if length < _address.size:
        return
    family, port = _address.unpack(call.memory.read(address, _address.size))
    if family in (_AF_INET, _AF_INET6) and 0 < int.from_bytes(port) < _FIRST_FREE:
        raise Denied(EACCES)


HANDLERS: dict[str, Callable[[FakeRoot, Call, Sequence[int]], None]] = {
    "connect": keep,
    "listen": keep,
    "socketpair": keep,
    "getsockopt": getsockopt,
}
