"""Owns the rules by which calls are refused for what is in their registers alone, and their form for the C core."""

from __future__ import annotations

from array import array
from errno import EACCES, EAFNOSUPPORT, EPERM
from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.row import NO_NETWORK, SUPERVISED, WALLS
from picobox.abi.table import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

# The kernel takes an int or an unsigned int from the lower half of a register: so does a rule, or the upper half would
# hide what is asked for (CVE-2019-7303, CVE-2019-10063).
_INT = 0xFFFF_FFFF
# asm-generic/ioctls.h, linux/tiocl.h
_TIOCSTI, _TIOCLINUX, _TIOCCONS, _TIOCSETD = 0x5412, 0x541C, 0x541D, 0x5423
# linux/socket.h, linux/netlink.h
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_PACKET_OF_OLD = 10  # SOCK_PACKET: with AF_INET it was once what AF_PACKET is now
_SOCKET_TYPE = 0xF
_INIT = 1


class Condition(NamedTuple):
    """That an argument, by its index, has this value in the bits of a mask."""

    argument: int
    value: int
    mask: int = _INT


class ArgumentRule(NamedTuple):
    """What becomes of a call of which all conditions hold: it ends with `errno`, or may go on with 0.

    The first rule of a row that applies decides. `name`: for reports.
    """

    call: str
    name: str
    errno: int
    conditions: tuple[Condition, ...] = ()


def _sockets(call: str) -> tuple[ArgumentRule, ...]:
    """Families that have no way out of a network namespace, or into a rarely used part of the kernel."""
    return (
        ArgumentRule(call, "packets", EAFNOSUPPORT, (Condition(1, _PACKET_OF_OLD, _SOCKET_TYPE),)),
        *(ArgumentRule(call, "", 0, (Condition(0, family),)) for family in (_AF_UNIX, _AF_INET, _AF_INET6)),
        # Names and addresses of interfaces: getifaddrs(3), getaddrinfo(3).
        ArgumentRule(call, "", 0, (Condition(0, _AF_NETLINK), Condition(2, _NETLINK_ROUTE))),
        ArgumentRule(call, "families of sockets", EAFNOSUPPORT),
    )


ARGUMENT_RULES = (
    *(
        ArgumentRule("ioctl", "input for a terminal", EPERM, (Condition(1, request),))
        for request in (_TIOCSTI, _TIOCLINUX, _TIOCCONS, _TIOCSETD)
    ),
    *_sockets("socket"),
    *_sockets("socketpair"),
    # It has the guests' user, which is all that the kernel asks for; with no processor time left it would be killed.
    ArgumentRule("prlimit64", "limits of the init", EPERM, (Condition(0, _INIT),)),
)
_MOST_CONDITIONS = 2


# Changes of a file whose descriptor is open for reading, which are its owner's to make (linux/fs.h, linux/fsverity.h,
# linux/fscrypt.h, fs/ext4/ext4.h): flags, attributes, versions, a seal on the contents, encryption.
_OF_OWNERS = (0x4008_6602, 0x401C_5820, 0x4008_7602, 0x4008_6604, 0x4080_6685, 0x800C_6613)
# Those of btrfs make and remove whole trees. Three others have its letter: FICLONE, FICLONERANGE, FIDEDUPERANGE, which
# ask for a descriptor that is open for writing, or find the same contents there.
_OF_BTRFS, _LETTER, _SHARED = 0x9400, 0xFF00, (0x4004_9409, 0x4020_940D, 0xC018_9436)
# linux/net.h: of the family AF_UNIX the second is another name of the first (unix_create in net/unix/af_unix.c).
_LOCAL_DATAGRAMS = (2, 3)  # SOCK_DGRAM, SOCK_RAW
# Without namespaces: a datagram can name a service each time, in memory that changes.
_SUPERVISED_RULES = (
    *(ArgumentRule("ioctl", "attributes of files", EPERM, (Condition(1, request),)) for request in _OF_OWNERS),
    *(ArgumentRule("ioctl", "", 0, (Condition(1, request),)) for request in _SHARED),
    ArgumentRule("ioctl", "trees of btrfs", EPERM, (Condition(1, _OF_BTRFS, _LETTER),)),
    *(
        ArgumentRule(call, "local datagrams", EACCES, (Condition(0, _AF_UNIX), Condition(1, kind, _SOCKET_TYPE)))
        for call in ("socket", "socketpair")
        for kind in _LOCAL_DATAGRAMS
    ),
)
_NETWORK_RULES = tuple(
    ArgumentRule("socket", "network", EACCES, (Condition(0, family),)) for family in (_AF_INET, _AF_INET6, _AF_NETLINK)
)


def active_rules(features: frozenset[str]) -> tuple[ArgumentRule, ...]:
    """Those that hold with these features."""
    supervised = _SUPERVISED_RULES if SUPERVISED in features else ()
    network = _NETWORK_RULES if NO_NETWORK in features else ()
    return supervised + network + ARGUMENT_RULES if WALLS in features else ()


def compile_rules(rules: Iterable[ArgumentRule]) -> array[int]:
    """For the C core: of each rule eight 64-bit words: number, errno, then twice argument plus one, mask and value."""
    words = array("Q")
    for rule in rules:
        words.extend((BY_NAME[rule.call].nr, rule.errno))
        for place in range(_MOST_CONDITIONS):
            if place < len(rule.conditions):
                condition = rule.conditions[place]
                words.extend((condition.argument + 1, condition.mask, condition.value))
            else:
                words.extend((0, 0, 0))
    return words
