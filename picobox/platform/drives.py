"""The volumes of a run: the drives with letters, the rest of the tree, and where on them case counts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.drvfs import DrvFs
from ntshim.fs.names import from_host
from ntshim.fs.rules import CaseMode
from ntshim.fs.volfs import VolFs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ntshim.fs.rules import VolumeRules

_ROOT = b"/"


class HostVolume(NamedTuple):
    """A volume: the directory `path` and what lies below it. `letters` name it, the first one in what is shown."""

    path: bytes
    device: str
    letters: tuple[str, ...]
    rules: VolumeRules

    def holds(self, path: bytes) -> bool:
        """Whether a path of the host, without links in it, lies on this volume or on one inside it."""
        return path == self.path or path.startswith(self.path.rstrip(b"/") + b"/")

    def nt_name(self, path: bytes) -> str:
        r"""The NT name of such a path: `\??\C:\name` where there is a letter, else below the device."""
        prefix = f"\\??\\{self.letters[0]}:" if self.letters else self.device
        below = path[len(self.path) :].strip(b"/")
        return "\\".join([prefix, *(self.rules.escape(from_host(component)) for component in below.split(b"/"))])


def real_directory(path: bytes) -> bytes:
    """The path of a directory without links. OSError if it is not there, or no directory."""
    real = os.path.realpath(path, strict=True)
    os.close(os.open(real, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    return real


def is_flagged(directory: int | bytes) -> bool:
    """Whether a directory, a descriptor or a path, has the flag; one that is gone has none."""
    from ntshim.fs.hostfs import case_flag

    try:
        return case_flag(directory if isinstance(directory, bytes) else _by_path(directory))
    except OSError:
        return False


def _by_path(descriptor: int) -> bytes:
    """A path of ours to what is open; extended attributes cannot be had of an O_PATH descriptor."""
    return b"/proc/self/fd/%d" % descriptor


class Drives:
    """All volumes of a run.

    A letter stands for a path, as with Windows' subst: it is not looked at again what lies there.
    """

    def __init__(self, letters: Mapping[str, bytes], mode: CaseMode) -> None:
        """`letters`: the root of each drive, as `real_directory` gives it."""
        self.mode = mode
        roots: dict[bytes, list[str]] = {_ROOT: []}
        for letter in sorted(letters):
            roots.setdefault(letters[letter], []).append(letter)
        self.volumes = [
            HostVolume(
                path,
                f"\\Device\\HarddiskVolume{number}",
                tuple(named),
                DrvFs(mode) if named else VolFs(mode),
            )
            for number, (path, named) in enumerate(roots.items(), 1)
        ]
        self._deepest_first = sorted(self.volumes, key=lambda volume: len(volume.path), reverse=True)

    def is_case_sensitive(self, directory: int | bytes) -> bool:
        """Whether names in a directory, a descriptor or a path without links, are exact. Raises OSError."""
        if self.mode is CaseMode.INSENSITIVE:
            return False
        path = directory if isinstance(directory, bytes) else os.readlink(_by_path(directory))
        volume = self.of(path)
        return volume.rules.is_case_sensitive(lambda: is_flagged(directory), is_root=path == volume.path)

    def keep_flags(self, directory: int) -> bool:
        """Whether an open directory lies where directories have a flag."""
        return self.mode is not CaseMode.INSENSITIVE and bool(self.of(os.readlink(_by_path(directory))).letters)

    def of(self, path: bytes) -> HostVolume:
        """The volume of a path of the host without links in it."""
        return next(volume for volume in self._deepest_first if volume.holds(path))
