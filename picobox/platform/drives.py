"""The volumes of a run: the drives with letters, the rest of the tree, and where on them case counts."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from errno import EIO, ENOENT, ENOTSUP
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ntshim.fs.case_flag import CASE_XATTR, case_flag, differ_in_case, set_case_flag
from ntshim.fs.drvfs import DrvFs
from ntshim.fs.names import from_host
from ntshim.fs.rules import NTFS, CaseMode
from ntshim.fs.volfs import VolFs
from ntshim.status import STATUS_CASE_DIFFERING_NAMES_IN_DIR, STATUS_DIRECTORY_NOT_EMPTY, errno_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ntshim.fs.rules import VolumeRules

_ROOT = b"/"
# What a Linux system brings along, and what it says of itself (design section 6).
_SYSTEM = (
    b"/bin",
    b"/boot",
    b"/dev",
    b"/etc",
    b"/lib",
    b"/lib32",
    b"/lib64",
    b"/opt",
    b"/proc",
    b"/run",
    b"/sbin",
    b"/sys",
    b"/usr",
    b"/var",
)
_NAMES_KEPT = 1024


class HostVolume(NamedTuple):
    """A volume: the directory `path` and what lies below it. `letters` name it, the first one in what is shown."""

    path: bytes
    device: str
    letters: tuple[str, ...]
    rules: VolumeRules

    @property
    def below(self) -> bytes:
        """What the paths begin with, without links in them, that lie on this volume or on one inside it."""
        return self.path.rstrip(b"/") + b"/"

    def nt_name(self, path: bytes) -> str:
        r"""The NT name of such a path: `\??\C:\name` where there is a letter, else below the device."""
        below = path[len(self.path) :].strip(b"/")
        return "\\".join([self.prefix, *(self.rules.escape(from_host(component)) for component in below.split(b"/"))])

    @property
    def prefix(self) -> str:
        """How the names on it begin."""
        return f"\\??\\{self.letters[0]}:" if self.letters else self.device

    def keeps(self, character: str) -> bool:
        """Whether a character is itself in names on it, and anybody can read it."""
        return character.isascii() and character.isprintable() and self.rules.escape(character) == character


def real_directory(path: bytes) -> bytes:
    """The path of a directory without links. OSError if it is not there, or no directory."""
    real = os.path.realpath(path, strict=True)
    os.close(os.open(real, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    return real


def is_flagged(directory: int | bytes) -> bool:
    """Whether a directory, a descriptor or a path, has the flag; one that is gone has none."""
    try:
        return case_flag(directory if isinstance(directory, bytes) else _by_path(directory))
    except OSError:
        return False


def _by_path(descriptor: int) -> bytes:
    """A path of ours to what is open; extended attributes cannot be had of an O_PATH descriptor."""
    return b"/proc/self/fd/%d" % descriptor


class CaseFlag(NamedTuple):
    """The flag of a directory on a drive; other files have none.

    `path` is without links, `file` device and inode. Guests may move names while we look, and our rights may be more
    than theirs: nothing is done but by a descriptor of this very file.
    """

    path: bytes
    file: tuple[int, int]
    owner: int
    is_directory: bool

    @contextmanager
    def _opened(self) -> Iterator[bytes]:
        """A path of ours to the file. Raises OSError if it is not at its path any more."""
        fd = os.open(self.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self._check(os.fstat(fd))
            yield _by_path(fd)
        finally:
            os.close(fd)

    def _check(self, found: os.stat_result) -> None:
        if (found.st_dev, found.st_ino) != self.file:
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT), self.path)

    def is_set(self) -> bool:
        """Whether the directory is flagged; one that is gone is not."""
        with suppress(OSError), self._opened() as path:
            return case_flag(path)
        return False

    def is_kept(self) -> bool:
        """Whether the host has an attribute for it."""
        with suppress(OSError), self._opened() as path:
            os.getxattr(path, CASE_XATTR)
            return True
        return False

    def set(self, flagged: bool) -> None:
        """Change it. Raises OSError."""
        with self._opened() as path:
            try:
                set_case_flag(path, flagged)
            except PermissionError:
                # A user's attributes can be set only where he may write.
                mode = stat.S_IMODE(os.stat(path).st_mode)
                os.chmod(path, mode | stat.S_IWUSR)
                try:
                    set_case_flag(path, flagged)
                finally:
                    os.chmod(path, mode)

    def settle(self, before: bool) -> int:
        """Undo a change that the rules forbid (facts/wsl1.md section 4.5); gives 0, or the error number to answer."""
        after = self.is_set()
        try:
            with self._opened() as path:
                is_empty = not os.listdir(path)
                is_ambiguous = differ_in_case(path)
            if after and not before and not is_empty:
                self.set(False)
                return errno_of(STATUS_DIRECTORY_NOT_EMPTY)
            if before and not after and is_ambiguous:
                self.set(True)
                return errno_of(STATUS_CASE_DIFFERING_NAMES_IN_DIR)
        except OSError as error:
            return error.errno or EIO
        return 0

    def remove(self) -> None:
        """Remove the directory. Raises OSError."""
        head, name = os.path.split(self.path)
        parent = os.open(head, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self._check(os.stat(name, dir_fd=parent, follow_symlinks=False))
            os.rmdir(name, dir_fd=parent)
        finally:
            os.close(parent)


class Drives:
    """All volumes of a run.

    A letter stands for a path, as with Windows' subst: it is not looked at again what lies there.
    """

    def __init__(
        self,
        letters: Mapping[str, bytes],
        mode: CaseMode,
        drive_modes: Mapping[str, CaseMode] | None = None,
        *,
        windows: bool = False,
    ) -> None:
        """`letters`: the root of each drive, as `real_directory` gives it; `drive_modes`: which are not of `mode`.

        `windows`: drives are as Windows has them, and the system's own directories are on none.
        """
        modes = drive_modes or {}
        self._windows = windows
        # Whether case counts in no directory at all.
        self.folds_all = mode is CaseMode.INSENSITIVE and not windows
        self.keep_flags = mode is not CaseMode.INSENSITIVE and not windows
        roots: dict[bytes, list[str]] = {_ROOT: []}
        if windows and _ROOT in letters.values():
            roots |= {path: [] for path in _SYSTEM if os.path.isdir(path) and not os.path.islink(path)}
        for letter in sorted(letters):
            roots.setdefault(letters[letter], []).append(letter)
        self.volumes = [
            HostVolume(
                path,
                f"\\Device\\HarddiskVolume{number}",
                tuple(named),
                self._rules(modes.get(named[0], mode) if named else mode, on_drive=bool(named)),
            )
            for number, (path, named) in enumerate(roots.items(), 1)
        ]
        self.nt_name = lru_cache(_NAMES_KEPT)(self._nt_name)
        deepest_first = sorted(self.volumes, key=lambda volume: len(volume.path), reverse=True)
        self._deepest_first = [(volume.path, volume.below, volume) for volume in deepest_first]

    def _rules(self, mode: CaseMode, *, on_drive: bool) -> VolumeRules:
        if self._windows:
            return NTFS if on_drive else VolFs()
        return DrvFs(mode) if on_drive else VolFs(mode)

    def is_case_sensitive(self, directory: int | bytes) -> bool:
        """Whether names in a directory, a descriptor or a path without links, are exact. Raises OSError."""
        if self.folds_all:
            return False
        path = directory if isinstance(directory, bytes) else os.readlink(_by_path(directory))
        volume = self.of(path)
        return volume.rules.is_case_sensitive(lambda: is_flagged(directory), is_root=path == volume.path)

    def flag_of(self, path: bytes, *, follow: bool) -> CaseFlag | None:
        """The flag of what is at a path of ours; None if that is not on a drive."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
        except OSError:
            return None
        try:
            real = os.readlink(_by_path(fd))
            found = os.fstat(fd)
        finally:
            os.close(fd)
        if not self.are_at(real):
            return None
        return CaseFlag(real, (found.st_dev, found.st_ino), found.st_uid, stat.S_ISDIR(found.st_mode))

    def flag_new(self, path: bytes, user: int) -> int:
        """Flag a directory that a user has just made, if it is on a drive; gives 0, or an error number, and it is gone.

        A directory that is another user's is not the one that was made: somebody was faster with its name.
        Where the host keeps no attributes there are no flags (facts/wsl1.md section 4.3).
        """
        flag = self.flag_of(path, follow=False)
        if flag is None or flag.owner != user or not self.of(flag.path).rules.flags_new(flag.is_set):
            return 0
        try:
            flag.set(True)
        except OSError as error:
            if error.errno == ENOTSUP:
                return 0
            with suppress(OSError):
                flag.remove()
            return error.errno or EIO
        return 0

    def _nt_name(self, path: bytes) -> str:
        """The NT name of a path of the host without links in it."""
        return self.of(path).nt_name(path)

    def are_at(self, path: bytes) -> bool:
        """Whether what /proc calls by this path lies on a drive; pipes and sockets have no path."""
        return path.startswith(b"/") and bool(self.of(path).letters)

    def of(self, path: bytes) -> HostVolume:
        """The volume of a path of the host without links in it."""
        return next(volume for root, below, volume in self._deepest_first if path.startswith(below) or path == root)
