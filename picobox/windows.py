"""The Win32 rules on the drives of profiles windows10 and windows11: what a guest's path means there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ntshim.fs.names import from_host, to_host, units
from ntshim.rtl import RtlIsDosDeviceName_U
from ntshim.status import (
    STATUS_NOT_SUPPORTED,
    STATUS_OBJECT_NAME_INVALID,
    STATUS_OBJECT_NAME_NOT_FOUND,
    STATUS_OBJECT_PATH_NOT_FOUND,
    NtError,
)
from ntshim.upcase import upcase
from ntshim.win32.component import inner_component, last_component
from ntshim.win32.paths import MAX_DIRECTORY, check_length
from picobox.platform import host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.names import Meaning, Names
    from picobox.platform.base import HostTid
    from picobox.platform.drives import Drives
    from picobox.runtimes import Runtimes

# What cannot be told to be the same name for Win32 by a look at its bytes alone: forbidden characters, trailing dots
# and spaces, beginnings of device names, what may be no UTF-8 or too long.
_SUSPECT = re.compile(
    rb'[\x01-\x1f"*:<>?\\|\x80-\xff]|[. ](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com|lpt)[^/]*$|[^/]{128}', re.IGNORECASE
)
# `..` and `.` behind a name, which Win32 takes away before it asks for anything (facts/nt.md section 4.2).
_DOTS = re.compile(rb"[^/]/+\.\.?(?:/|$)")
_CONSOLE = b"/dev/tty"
# The devices that are there on every machine, and what they are called here.
_DEVICES = {"NUL": b"/dev/null", "CON": _CONSOLE, "CONIN$": _CONSOLE, "CONOUT$": _CONSOLE}


class WindowsRules:
    """How names on drives are read by a version of Windows; what lies on no drive keeps Linux's rules."""

    def __init__(self, drives: Drives, version: int, runtimes: Runtimes, prefixes: Mapping[bytes, str]) -> None:
        """`prefixes`: the Windows path for which a drive's root directory stands, without a backslash at its end."""
        self.runtimes = runtimes
        self.version = version
        self._drives = drives
        self._prefixes = prefixes
        self._longest = max(map(units, prefixes.values()), default=0)

    def is_on_drive(self, path: bytes) -> bool:
        """Whether a path of the host without links in it lies on a drive."""
        return self._drives.are_at(path)

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The root directories of the drives, without links."""
        return tuple(self._prefixes)

    @property
    def longest_directory(self) -> int:
        """The most bytes that a path on a drive may have for Win32 to make a directory there, whatever the drive."""
        longer = max((units(prefix) - len(root.rstrip(b"/")) for root, prefix in self._prefixes.items()), default=0)
        return MAX_DIRECTORY - 1 - longer

    def prefix_of(self, directory: bytes) -> str:
        """The Windows path for which the root directory of a drive stands, "" if it is none."""
        return self._prefixes.get(directory, "")

    def full_name(self, path: bytes) -> str:
        """The Windows path of a path of the host without links in it, "" if it lies on no drive."""
        volume = self._drives.of(path)
        below = from_host(path[len(volume.path) :].strip(b"/")).replace("/", "\\")
        return f"{self._prefixes[volume.path]}\\{below}" if volume.letters else ""

    def path(self, names: Names, tid: HostTid, dirfd: int, path: bytes, meaning: Meaning, *, directory: bool) -> bytes:
        """What Win32 asks NT for, as a path of the task; `directory`: the call makes one.

        Raises NtError for what Win32 or NTFS refuses by the name alone.
        """
        if self._may_be_long(tid, dirfd, path):
            self._check_length(tid, dirfd, path, makes_directory=directory)
        if _DOTS.search(path) is not None and self._is_on_drive_by_text(tid, dirfd, path):
            path = host.without_dots(path)
        if _SUSPECT.search(path) is None:
            return path
        device = self._device(names, tid, dirfd, path)
        if device:
            return _device_path(device, meaning)
        return self._stored(names, tid, dirfd, path, makes=meaning.creates)

    def _is_on_drive_by_text(self, tid: HostTid, dirfd: int, path: bytes) -> bool:
        try:
            return self.is_on_drive(host.full_path(tid, dirfd, path))
        except OSError:
            return False

    def check_way(self, tid: HostTid, dirfd: int, path: bytes) -> None:
        """A file stands on the way of a path: on a drive that is STATUS_OBJECT_PATH_NOT_FOUND (facts/nt.md 3.3).

        STATUS_OBJECT_NAME_INVALID if it is the last component that is none, before a separator.
        """
        if self.is_on_drive(host.existing_part(host.path_of(tid, dirfd, path))):
            last = path.rstrip(b"/")
            is_way = last == path or not host.is_file(host.path_of(tid, dirfd, last))
            raise NtError(STATUS_OBJECT_PATH_NOT_FOUND if is_way else STATUS_OBJECT_NAME_INVALID)

    def _stored(self, names: Names, tid: HostTid, dirfd: int, path: bytes, *, makes: bool) -> bytes:
        """Each component that lies on a drive as it is stored there."""
        components = path.split(b"/")
        last = max((place for place, component in enumerate(components) if component), default=0)
        for place, component in enumerate(components):
            if component in (b"", b".", b"..") or _SUSPECT.search(component) is None:
                continue
            head = b"/".join(components[:place]) or b"/" if place else b"."
            if self._directory_is_on_drive(names, tid, dirfd, head):
                components[place] = _component(component, is_last=place == last, makes=makes)
        return b"/".join(components)

    def _directory_is_on_drive(self, names: Names, tid: HostTid, dirfd: int, head: bytes) -> bool:
        """Whether the directory that a path begins with is on a drive; one that is not there is on none."""
        from picobox.names import Meaning

        found = names.find(tid, dirfd, head, Meaning(follow=True)).path
        try:
            return self.is_on_drive(host.located(host.path_of(tid, dirfd, head if found is None else found)))
        except OSError:
            return False

    def _device(self, names: Names, tid: HostTid, dirfd: int, path: bytes) -> str:
        """The DOS device that a path of a drive is reserved for, "" if for none.

        In a directory that does not exist a device is nowhere (facts/nt.md section 4.2).
        """
        # Where a descriptor says which directory, a name is no bare name.
        text = from_host(path) if dirfd == host.AT_FDCWD else "x\\" + from_host(path)
        found = RtlIsDosDeviceName_U(text, self.version)
        head = path[: max(path.rfind(b"/"), path.rfind(b"\\")) + 1].replace(b"\\", b"/")
        if not found or not self._directory_is_on_drive(names, tid, dirfd, head or b"."):
            return ""
        offset, length = found >> 17, (found & 0xFFFF) // 2
        return upcase(text[offset : offset + length])

    def _may_be_long(self, tid: HostTid, dirfd: int, path: bytes) -> bool:
        """Whether the full path can come near what Win32 takes at most."""
        length = self._longest + len(path) + 1
        if not path.startswith(b"/") and length < MAX_DIRECTORY:
            try:
                length += len(host.directory_of(tid, dirfd))
            except OSError:
                return False
        return length >= MAX_DIRECTORY

    def _check_length(self, tid: HostTid, dirfd: int, path: bytes, *, makes_directory: bool) -> None:
        """Raise if the Windows path, made absolute by its text alone as Win32 does, is too long."""
        try:
            full = host.full_path(tid, dirfd, path)
        except OSError:
            return
        name = self.full_name(full)
        if name and not self.runtimes.of(tid).long_paths:
            check_length(name, makes_directory=makes_directory)


def _component(component: bytes, *, is_last: bool, makes: bool) -> bytes:
    """A component on a drive; a backslash is a separator for Win32. Raises NtError."""
    parts = [part for part in from_host(component).split("\\") if part]
    if not parts:
        return b"."
    if any("\udc80" <= unit <= "\udcff" for part in parts for unit in part):
        raise NtError(STATUS_OBJECT_NAME_INVALID)  # no UTF-8: no name of Windows (facts/nt.md section 4.2)
    *inner, final = parts
    stored = [part if part in {".", ".."} else inner_component(part) for part in inner]
    if final in {".", ".."}:
        stored.append(final)
    else:
        stored.append((_file(final, makes=makes) if is_last else inner_component(final)) or ".")
    return b"/".join(map(to_host, stored))


def _file(name: str, *, makes: bool) -> str:
    """The file that a last component names; the host has no alternate streams, so none is there or can be made."""
    found = last_component(name)
    if not found.is_main_stream:
        raise NtError(STATUS_NOT_SUPPORTED if makes else STATUS_OBJECT_NAME_NOT_FOUND)
    return found.file


def _device_path(device: str, meaning: Meaning) -> bytes:
    """The device of this machine; no directory, link or other file can have its name."""
    if meaning.entry:
        raise NtError(STATUS_OBJECT_NAME_INVALID)
    if device not in _DEVICES:
        raise NtError(STATUS_OBJECT_NAME_NOT_FOUND)
    return _DEVICES[device]
