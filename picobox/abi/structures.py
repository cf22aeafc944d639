"""Owns the text of arguments that point into the guest's memory: strings, buffers, arrays, structures."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from picobox.abi import types
from picobox.abi.flags import VOCABULARIES
from picobox.abi.view import ELEMENT_LIMIT, SIGNALS, STRING_LIMIT, View, flag_names, joined, quote, signal_name
from picobox.errors import Errno

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.abi.memory import Memory

_UTIME_NOW = 0x3FFFFFFF
_UTIME_OMIT = 0x3FFFFFFE

# execve(2): more strings than this are counted as "4096+"
_ENVIRONMENT_LIMIT = 4096

# struct sockaddr_storage; the kernel refuses longer addresses
_ADDRESS_LIMIT = 128


def _pointer(argument: types.UserPointer, view: View) -> str:
    return hex(argument.value(view.raw))


def _string(_argument: types.UserString, view: View) -> str:
    return quote(view.memory.read_string(view.raw, types.PATH_MAX))


def _path(_argument: types.UserPath, view: View) -> str:
    return quote(view.memory.read_string(view.raw, types.PATH_MAX), limit=None)


def _string_at(memory: Memory, address: int) -> str:
    """The string of one element of an array: an unreadable one does not hide the others."""
    try:
        return quote(memory.read_string(address, types.PATH_MAX))
    except Errno:
        return hex(address)


def _vector_addresses(view: View, limit: int) -> tuple[list[int], bool]:
    """The pointers of a NULL-terminated array, at most `limit`, and whether there are more."""
    addresses: list[int] = []
    while True:
        (address,) = view.unpack("<Q", len(addresses))
        if not address or len(addresses) == limit:
            return addresses, bool(address)
        addresses.append(address)


def _string_vector(_argument: types.StringVector, view: View) -> str:
    addresses, more = _vector_addresses(view, ELEMENT_LIMIT)
    texts = [_string_at(view.memory, address) for address in addresses]
    return joined(texts, more=more)


def _environment(_argument: types.Environment, view: View) -> str:
    addresses, more = _vector_addresses(view, _ENVIRONMENT_LIMIT)
    count = len(addresses)
    return f"{view.raw:#x} /* {count}{'+' if more else ''} var{'' if count == 1 else 's'} */"


def _bytes(view: View, size: int) -> str:
    """`size` bytes at the argument, of which no more are read than are shown."""
    data = view.memory.read(view.raw, min(size, STRING_LIMIT))
    return quote(data) + ("..." if size > STRING_LIMIT else "")


def _in_bytes(argument: types.InBytes, view: View) -> str:
    return _bytes(view, view.siblings.get(argument.length, 0))


def _out_bytes(argument: types.OutBytes, view: View) -> str:
    return _bytes(view, view.result or 0) if view.written else _pointer(argument, view)


def _out_string(argument: types.OutString, view: View) -> str:
    if not view.written:
        return _pointer(argument, view)
    length = min(max((view.result or 0) - 1, 0), types.PATH_MAX)
    return quote(view.memory.read(view.raw, length), limit=None)


def _vector(view: View, entries: int, available: int | None) -> str:
    """An array of struct iovec; `available` counts the bytes that lie in them, None for all."""
    texts = []
    for index in range(min(entries, ELEMENT_LIMIT)):
        base, length = view.unpack("<QQ", index)
        size = length if available is None else min(length, available)
        part = View(base, view.memory, None, {})
        try:
            content = _bytes(part, size) if base else "NULL"
        except Errno:
            content = hex(base)
        texts.append(f"{{iov_base={content}, iov_len={length}}}")
        available = None if available is None else available - size
    return joined(texts, more=entries > ELEMENT_LIMIT)


def _in_vector(argument: types.InVector, view: View) -> str:
    return _vector(view, view.siblings.get(argument.length, 0), None)


def _out_vector(argument: types.OutVector, view: View) -> str:
    if not view.written:
        return _pointer(argument, view)
    return _vector(view, view.siblings.get(argument.length, 0), view.result)


def _one_time(view: View, fraction: str, index: int = 0) -> str:
    seconds, part = view.unpack("<qq", index)
    return f"{{tv_sec={seconds}, {fraction}={part}}}"


def _timespec(_argument: types.UserPointer, view: View) -> str:
    return _one_time(view, "tv_nsec")


def _timespec_pair(_argument: types.TimespecPair, view: View) -> str:
    special = {_UTIME_NOW: "UTIME_NOW", _UTIME_OMIT: "UTIME_OMIT"}
    texts = [special.get(view.unpack("<qq", index)[1]) or _one_time(view, "tv_nsec", index) for index in (0, 1)]
    return joined(texts)


def _timeval(_argument: types.UserPointer, view: View) -> str:
    return _one_time(view, "tv_usec")


def _after_success(renderer: Callable[[Any, View], str]) -> Callable[[Any, View], str]:
    """`renderer` for what the kernel writes: the bare pointer until the call has succeeded."""

    def wrapped(argument: types.UserPointer, view: View) -> str:
        return renderer(argument, view) if view.written else _pointer(argument, view)

    return wrapped


def _fd_pair(_argument: types.OutFdPair, view: View) -> str:
    first, second = view.unpack("<ii")
    return f"[{first}, {second}]"


def _int_pointed_to(_argument: types.OutInt, view: View) -> str:
    return f"[{view.unpack('<i')[0]}]"


def _wait_status(argument: types.WaitStatus, view: View) -> str:
    if not view.result or view.result < 0:
        return _pointer(argument, view)
    status = view.unpack("<i")[0]
    if status == 0xFFFF:
        return "[{WIFCONTINUED(s)}]"
    if status & 0xFF == 0x7F:
        return f"[{{WIFSTOPPED(s) && WSTOPSIG(s) == {signal_name(status >> 8 & 0xFF)}}}]"
    if status & 0x7F:
        core = " && WCOREDUMP(s)" if status & 0x80 else ""
        return f"[{{WIFSIGNALED(s) && WTERMSIG(s) == {signal_name(status & 0x7F)}{core}}}]"
    return f"[{{WIFEXITED(s) && WEXITSTATUS(s) == {status >> 8 & 0xFF}}}]"


def _signal_set(_argument: types.UserPointer, view: View) -> str:
    (mask,) = view.unpack("<Q")
    # strace shows the complement once two thirds of all signals are in the set.
    inverted = mask.bit_count() >= SIGNALS * 2 // 3
    if inverted:
        mask = ~mask
    names = [signal_name(number).removeprefix("SIG") for number in range(1, SIGNALS + 1) if mask >> (number - 1) & 1]
    return f"{'~' if inverted else ''}[{' '.join(names)}]"


def _address_text(data: bytes) -> str:
    """A struct sockaddr of any family, also one cut short."""
    import socket

    if len(data) < 2:
        return quote(data)
    (family,) = struct.unpack_from("<H", data)
    name = VOCABULARIES["AF"].get(family, f"{family:#x}")
    if family == socket.AF_UNIX and len(data) > 2:
        path = data[2:]
        text = "@" + quote(path[1:], limit=None) if path[0] == 0 else quote(path.split(b"\0")[0], limit=None)
        return f"{{sa_family={name}, sun_path={text}}}"
    if family == socket.AF_INET and len(data) >= 8:
        (port,) = struct.unpack_from(">H", data, 2)
        return f'{{sa_family={name}, sin_port=htons({port}), sin_addr=inet_addr("{socket.inet_ntoa(data[4:8])}")}}'
    if family == socket.AF_INET6 and len(data) >= 24:
        port, flow = struct.unpack_from(">HI", data, 2)
        text = socket.inet_ntop(socket.AF_INET6, data[8:24])
        return (
            f"{{sa_family={name}, sin6_port=htons({port}), sin6_flowinfo=htonl({flow}), "
            f'inet_pton(AF_INET6, "{text}", &sin6_addr)}}'
        )
    return f"{{sa_family={name}, sa_data={quote(data[2:])}}}" if len(data) > 2 else f"{{sa_family={name}}}"


def _socket_address(argument: types.SocketAddress, view: View) -> str:
    size = min(view.siblings.get(argument.length, 0) & 0xFFFF_FFFF, _ADDRESS_LIMIT)
    return _address_text(view.memory.read(view.raw, size))


def _out_socket_address(argument: types.OutSocketAddress, view: View) -> str:
    pointer = view.siblings.get(argument.length, 0)
    if not view.written or not pointer:
        return _pointer(argument, view)
    (size,) = struct.unpack("<I", view.memory.read(pointer, 4))
    return _address_text(view.memory.read(view.raw, min(size, _ADDRESS_LIMIT)))


def _poll_fds(argument: types.PollFds, view: View) -> str:
    entries = view.siblings.get(argument.length, 0) & 0xFFFF_FFFF
    texts = []
    for index in range(min(entries, ELEMENT_LIMIT)):
        fd, events, revents = view.unpack("<iHH", index)
        text = f"{{fd={fd}, events={'|'.join(flag_names(events, 'POLL')) or '0'}"
        if view.written and revents:
            text += f", revents={'|'.join(flag_names(revents, 'POLL'))}"
        texts.append(text + "}")
    return joined(texts, more=entries > ELEMENT_LIMIT)


STRUCTURE_RENDERERS: dict[type[types.Argument], Callable[[Any, View], str]] = {
    types.UserPointer: _pointer,
    types.UserString: _string,
    types.UserPath: _path,
    types.StringVector: _string_vector,
    types.Environment: _environment,
    types.InBytes: _in_bytes,
    types.OutBytes: _out_bytes,
    types.OutString: _out_string,
    types.InVector: _in_vector,
    types.OutVector: _out_vector,
    types.Timespec: _timespec,
    types.TimespecPair: _timespec_pair,
    types.OutTimespec: _after_success(_timespec),
    types.Timeval: _timeval,
    types.OutTimeval: _after_success(_timeval),
    types.OutFdPair: _after_success(_fd_pair),
    types.OutInt: _after_success(_int_pointed_to),
    types.WaitStatus: _wait_status,
    types.SignalSet: _signal_set,
    types.OutSignalSet: _after_success(_signal_set),
    types.SocketAddress: _socket_address,
    types.OutSocketAddress: _out_socket_address,
    types.PollFds: _poll_fds,
}
