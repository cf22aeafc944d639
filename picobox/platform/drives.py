"""The volumes of a run: the drives with letters, the rest of the tree, and where on them case counts."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EIO, ENOTSUP
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.drvfs import DrvFs
from ntshim.fs.names import from_host
from ntshim.fs.rules import CaseMode
from ntshim.fs.volfs import VolFs
from ntshim.status import STATUS_CASE_DIFFERING_NAMES_IN_DIR, STATUS_DIRECTORY_NOT_EMPTY, errno_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ntshim.fs.rules import VolumeRules

KEPT_AS = b"user.picobox.case"  # ntshim.fs.hostfs.CASE_XATTR
_ROOT = b"/"
_NAMES_KEPT = 1024


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


class CaseFlag(NamedTuple):
    """The flag of a directory on a drive, known by its path without links; other files have none."""

    path: bytes
    is_directory: bool

    def is_set(self) -> bool:
        """Whether the directory is flagged."""
        return is_flagged(self.path)

    def is_kept(self) -> bool:
        """Whether the host has an attribute for it."""
        with suppress(OSError):
            os.getxattr(self.path, KEPT_AS)
            return True
        return False

    def set(self, flagged: bool) -> None:
        """Change it. Raises OSError."""
        from ntshim.fs.hostfs import set_case_flag

        try:
            set_case_flag(self.path, flagged)
        except PermissionError:
            # A user's attributes can be set only where he may write.
            mode = stat.S_IMODE(os.stat(self.path).st_mode)
            os.chmod(self.path, mode | stat.S_IWUSR)
            try:
                set_case_flag(self.path, flagged)
            finally:
                os.chmod(self.path, mode)

    def settle(self, before: bool) -> int:
        """Undo a change that the rules forbid (facts/wsl1.md section 4.5); gives 0, or the error number to answer."""
        from ntshim.fs.hostfs import differ_in_case

        after = self.is_set()
        try:
            if after and not before and os.listdir(self.path):
                self.set(False)
                return errno_of(STATUS_DIRECTORY_NOT_EMPTY)
            if before and not after and differ_in_case(self.path):
                self.set(True)
                return errno_of(STATUS_CASE_DIFFERING_NAMES_IN_DIR)
        except OSError as error:
            return error.errno or EIO
        return 0


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
        self.nt_name = lru_cache(_NAMES_KEPT)(self._nt_name)
        self._deepest_first = sorted(self.volumes, key=lambda volume: len(volume.path), reverse=True)

    def is_case_sensitive(self, directory: int | bytes) -> bool:
        """Whether names in a directory, a descriptor or a path without links, are exact. Raises OSError."""
        if self.mode is CaseMode.INSENSITIVE:
            return False
        path = directory if isinstance(directory, bytes) else os.readlink(_by_path(directory))
        volume = self.of(path)
        return volume.rules.is_case_sensitive(lambda: is_flagged(directory), is_root=path == volume.path)

    @property
    def keep_flags(self) -> bool:
        """Whether directories of drives have a flag at all."""
        return self.mode is not CaseMode.INSENSITIVE

    def flag_of(self, path: bytes, *, follow: bool) -> CaseFlag | None:
        """The flag of what is at a path of ours; None if that is not on a drive."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
        except OSError:
            return None
        try:
            real = os.readlink(_by_path(fd))
            is_directory = stat.S_ISDIR(os.fstat(fd).st_mode)
        finally:
            os.close(fd)
        return CaseFlag(real, is_directory) if self.of(real).letters else None

    def flag_new(self, path: bytes) -> int:
        """Flag a directory that has just been made, if it is on a drive; gives 0, or an error number, and it is gone.

        Where the host keeps no attributes there are no flags (facts/wsl1.md section 4.3).
        """
        flag = self.flag_of(path, follow=False)
        if flag is None:
            return 0
        try:
            flag.set(True)
        except OSError as error:
            if error.errno == ENOTSUP:
                return 0
            with suppress(OSError):
                os.rmdir(flag.path)
            return error.errno or EIO
        return 0

    def _nt_name(self, path: bytes) -> str:
        """The NT name of a path of the host without links in it."""
        return self.of(path).nt_name(path)

    def of(self, path: bytes) -> HostVolume:
        """The volume of a path of the host without links in it."""
        return next(volume for volume in self._deepest_first if volume.holds(path))
