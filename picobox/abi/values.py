"""Owns the text of arguments that lie in the register itself: numbers, flags, choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picobox.abi import types
from picobox.abi.flags import VOCABULARIES
from picobox.abi.view import View, flag_names, hexadecimal, number, octal, signal_name

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_FDCWD = -100
_O_ACCMODE = 3
_MAP_HUGETLB = 0x40000
_MAP_HUGE_SHIFT = 26
_MAP_TYPES = ("MAP_FILE", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE")
_FUTEX_PRIVATE_FLAG = 0x80
_FUTEX_CLOCK_REALTIME = 0x100
_FILE_TYPES = {1: "S_IFIFO", 2: "S_IFCHR", 4: "S_IFDIR", 6: "S_IFBLK", 8: "S_IFREG", 10: "S_IFLNK", 12: "S_IFSOCK"}
_F_DUPFD, _F_SETFD, _F_SETFL, _F_DUPFD_CLOEXEC = 0, 2, 4, 1030


def _directory_fd(argument: types.DirFd, view: View) -> str:
    value = argument.value(view.raw)
    return "AT_FDCWD" if value == _AT_FDCWD else str(value)


def _user_id(argument: types.UserId, view: View) -> str:
    value = argument.value(view.raw)
    return "-1" if value == 0xFFFF_FFFF else str(value)


def _mode(argument: types.Mode, view: View) -> str:
    value = argument.value(view.raw)
    kind = _FILE_TYPES.get(value >> 12)
    return f"{kind}|{octal(value & 0o7777)}" if kind else octal(value)


def _device(argument: types.Device, view: View) -> str:
    value = argument.value(view.raw)
    major, minor = (value & 0xFFF00) >> 8, (value & 0xFF) | ((value >> 12) & 0xFFF00)
    return f"makedev({major:#x}, {minor:#x})"


def _signal(argument: types.Signal, view: View) -> str:
    return signal_name(argument.value(view.raw))


def _flags(argument: types.Flags, view: View) -> str:
    value = argument.value(view.raw)
    return "|".join(flag_names(value, argument.vocabulary)) or VOCABULARIES[argument.vocabulary].get(0, "0")


def _choice(argument: types.Choice, view: View) -> str:
    value = argument.value(view.raw)
    vocabulary = VOCABULARIES[argument.vocabulary]
    # ioctl requests and prctl options use all 32 bits, others are small or negative.
    name = vocabulary.get(value) or vocabulary.get(value & 0xFFFF_FFFF)
    if name:
        return name
    if argument.vocabulary == "IOCTL":
        return hex(value & 0xFFFF_FFFF)
    return f"{value:#x} /* {argument.vocabulary}_??? */"


def _open_flags(argument: types.OpenFlags, view: View) -> str:
    value = argument.value(view.raw) & 0xFFFF_FFFF
    access = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE")[value & _O_ACCMODE]
    return "|".join([access, *flag_names(value & ~_O_ACCMODE, "O")])


def _map_flags(argument: types.MapFlags, view: View) -> str:
    value = argument.value(view.raw)
    kind = value & 0xF
    names = [_MAP_TYPES[kind] if kind < len(_MAP_TYPES) else f"{kind:#x} /* MAP_??? */"]
    rest = value & ~0xF
    huge = rest >> _MAP_HUGE_SHIFT & 0x3F if rest & _MAP_HUGETLB else 0
    names += flag_names(rest & ~(huge << _MAP_HUGE_SHIFT), "MAP")
    return "|".join([*names, f"{huge}<<MAP_HUGE_SHIFT"] if huge else names)


def _clone_flags(argument: types.CloneFlags, view: View) -> str:
    value = argument.value(view.raw)
    names = flag_names(value & ~0xFF, "CLONE")
    if value & 0xFF:
        names.append(signal_name(value & 0xFF))
    return "|".join(names) or "0"


def _socket_type(argument: types.SocketType, view: View) -> str:
    value = argument.value(view.raw) & 0xFFFF_FFFF
    kind = VOCABULARIES["SOCK_TYPE"].get(value & 0xF, str(value & 0xF))
    return "|".join([kind, *flag_names(value & ~0xF, "SOCK")])


def _futex_operation(argument: types.FutexOperation, view: View) -> str:
    value = argument.value(view.raw) & 0xFFFF_FFFF
    command = value & ~(_FUTEX_PRIVATE_FLAG | _FUTEX_CLOCK_REALTIME)
    text = VOCABULARIES["FUTEX"].get(command, f"{command:#x} /* FUTEX_??? */")
    if value & _FUTEX_PRIVATE_FLAG:
        text += "_PRIVATE" if command in VOCABULARIES["FUTEX"] else "|FUTEX_PRIVATE_FLAG"
    return text + ("|FUTEX_CLOCK_REALTIME" if value & _FUTEX_CLOCK_REALTIME else "")


def _fcntl_argument(argument: types.FcntlArgument, view: View) -> str:
    command = view.siblings.get("cmd", 0) & 0xFFFF_FFFF
    if command in (_F_DUPFD, _F_DUPFD_CLOEXEC):
        return str(types.Int("arg").value(view.raw))
    if command == _F_SETFD:
        return "|".join(flag_names(view.raw, "FD")) or "0"
    if command == _F_SETFL:
        return _open_flags(types.OpenFlags("arg"), view)
    return hexadecimal(argument, view)


VALUE_RENDERERS: dict[type[types.Argument], Callable[[Any, View], str]] = {
    types.Argument: number,
    types.Hexadecimal: hexadecimal,
    types.DirFd: _directory_fd,
    types.UserId: _user_id,
    types.Mode: _mode,
    types.Device: _device,
    types.Signal: _signal,
    types.Flags: _flags,
    types.Choice: _choice,
    types.OpenFlags: _open_flags,
    types.MapFlags: _map_flags,
    types.CloneFlags: _clone_flags,
    types.SocketType: _socket_type,
    types.FutexOperation: _futex_operation,
    types.FcntlArgument: _fcntl_argument,
}
