r"""Owns names of files as Windows spells them: `C:\app.db`, `\??\C:\app.db`, `\Device\HarddiskVolume2\app.db`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.names import to_host
from ntshim.status import NtError
from picobox.errors import Errno

if TYPE_CHECKING:
    from picobox.names import Names
    from picobox.platform.drives import HostVolume
    from picobox.supervisor import Supervisor

_DRIVE = re.compile(r"([A-Za-z]):(?=[\\/])")
# Spellings of the directory of drives: those of Win32, and those of NT.
_PREFIXES = re.compile(r"\\\\[?.]\\|\\(?:\?\?|DosDevices|GLOBAL\?\?)\\", re.IGNORECASE)
_DEVICE = re.compile(r"\\Device\\HarddiskVolume([0-9]{1,9})(?=\\|$)", re.IGNORECASE)
# facts/nt.md section 4.2; a colon begins the name of a stream.
_FORBIDDEN = re.compile(r'[\x00-\x1f"*<>?|:]')


class WindowsName(NamedTuple):
    """A volume, by its letter or by the number of its device, and the components below it."""

    letter: str
    number: int
    components: tuple[str, ...]


def is_windows_name(name: str) -> bool:
    """Whether a name is one of Windows': a file here whose name begins so is written with `./` before it."""
    return name.startswith("\\") or _DRIVE.match(name) is not None


def read(name: str) -> WindowsName:
    """What a name means. ValueError: it means no file, why not, and what to write instead."""
    device = _DEVICE.match(name)
    prefix = _PREFIXES.match(name)
    below = name[prefix.end() :] if prefix is not None else name
    drive = _DRIVE.match(below)
    if device is None and drive is None:
        raise ValueError(_why_none(name, is_prefixed=prefix is not None))
    is_of_win32 = prefix is None and device is None
    rest = name[device.end() :] if device is not None else below[2:]
    parts = [part for part in (re.split(r"[\\/]", rest) if is_of_win32 else rest.split("\\")) if part]
    for part in parts:
        if _FORBIDDEN.search(part) or "/" in part:
            raise ValueError(f"{name}: {part} is no name of a file on Windows")
    if not is_of_win32 and not {".", ".."}.isdisjoint(parts):
        raise ValueError(f"{name}: NT knows no dots in paths. Write the whole path.")
    if device is not None:
        return WindowsName("", int(device[1]), tuple(parts))
    return WindowsName(below[0].upper(), 0, _without_dots(parts) if is_of_win32 else tuple(parts))


def _why_none(name: str, *, is_prefixed: bool) -> str:
    if name.startswith("\\\\") and not is_prefixed:
        return f"{name} is on another machine: only drives of the run have files here. Write C:\\DIR\\FILE."
    if is_prefixed or name.startswith(("\\Device\\", "\\device\\")):
        return f"{name} is no file on a drive: `picobox objects` shows what NT's names lead to."
    return f"{name}: on which drive? Write C:\\DIR\\FILE, or for a file of Linux' ./NAME."


def _without_dots(parts: list[str]) -> tuple[str, ...]:
    """As Win32 reads them: nothing lies above the root, and a name ends in no dot and no space."""
    found: list[str] = []
    for part in parts:
        if part == "..":
            del found[-1:]
        elif kept := part.rstrip(". "):
            found.append(kept)
    return tuple(found)


def path_of(supervisor: Supervisor, name: str) -> bytes:
    """The path of ours that a name has in a run, in the spelling that is stored if it is there. ValueError."""
    meant = read(name)
    names = supervisor.served().names
    if names is None:
        raise ValueError(f"{name}: this run has no drives, as its profile is linux")
    volume = _volume(names, meant, name)
    try:
        below = [to_host(volume.rules.unescape(each)) for each in meant.components]
    except NtError as error:
        raise ValueError(f"{name}: no file here has that name ({error})") from None
    path = b"/".join([volume.path.rstrip(b"/"), *below]) or b"/"
    # As guests find it: case does not count where it does not for them.
    from picobox.platform.host import AT_FDCWD, own_tid

    try:
        return names.in_stored_spelling(own_tid(), AT_FDCWD, path, follow=True) or path
    except Errno as error:
        raise ValueError(f"{name}: {error}") from None


def _volume(names: Names, meant: WindowsName, name: str) -> HostVolume:
    volumes = names.drives.volumes
    for volume in volumes:
        if meant.letter in volume.letters or (not meant.letter and volume.device.endswith(f"Volume{meant.number}")):
            return volume
    letters = ", ".join(f"{letter}: is {os.fsdecode(each.path)}" for each in volumes for letter in each.letters)
    raise ValueError(f"{name}: this run has no such drive; {letters or 'it has none'}")
