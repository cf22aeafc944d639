"""Faults of WSL1's sockets (facts/wsl1.md sections 2.4 and 7)."""

from __future__ import annotations

from errno import EAFNOSUPPORT, EINVAL, EMSGSIZE, ENOTTY, EPERM
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.faults.registry import brings_back

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider

_AF_INET, _AF_INET6, _AF_PACKET = 2, 10, 17
_SOCK_RAW = 3
_SOCK_TYPE = 0xF
_ICMP_PROTOCOLS = (1, 58)
_MSG_ERRQUEUE = 0x2000
_SIOCATMARK = 0x8905


@brings_back("msg-errqueue", "recvfrom")
def _recvfrom(provider: PicoProvider, call: Call, *_: object) -> None:
    del provider
    if call.stop.args[3] & _MSG_ERRQUEUE:
        raise Errno(EINVAL)


@brings_back("msg-errqueue", "recvmsg")
def _recvmsg(provider: PicoProvider, call: Call, *_: object) -> None:
    del provider
    if call.stop.args[2] & _MSG_ERRQUEUE:
        raise Errno(EINVAL)


@brings_back("iovec-count", "recvmsg", "sendmsg")
def _too_many(provider: PicoProvider, call: Call, *_: object) -> None:
    del provider
    call.then = lambda result: -EINVAL if result == -EMSGSIZE else None


@brings_back("siocatmark", "ioctl")
def _siocatmark(provider: PicoProvider, call: Call, fd: int, request: int, argp: object) -> None:
    del provider, fd, argp
    if request & 0xFFFF_FFFF == _SIOCATMARK:
        call.then = lambda result: -EINVAL if result == -ENOTTY else None


@brings_back("raw-sockets", "socket")
def _socket(provider: PicoProvider, call: Call, domain: int, *_: object) -> None:
    del provider
    kind, protocol = call.stop.args[1] & _SOCK_TYPE, call.stop.args[2]
    if domain == _AF_PACKET:
        raise Errno(EAFNOSUPPORT)
    if domain in (_AF_INET, _AF_INET6) and kind == _SOCK_RAW and protocol not in _ICMP_PROTOCOLS:
        raise Errno(EPERM)
