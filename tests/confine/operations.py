"""Random operations on a directory tree, the same for the same seed, and what a tree looks like afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections import defaultdict
from contextlib import suppress
from random import Random

# Names that a shell, a list of paths, a text or overlayfs itself might trip over.
NAMES = (
    b"a", b"b", b"c", b"README.md", b"with blank", b"-n", b"new\nline", b"caf\xc3\xa9", b"latin\xe9", b".wh.a",
    b"a:b,c\\d", b".picobox-", b"x" * 40, b"%41", b"#",
)  # fmt: skip
XATTRS = ("user.note", "user.overlay.opaque", "user.empty")
# 2001, in nanoseconds.
_EPOCH = 1_000_000_000 * 10**9


class Operations:
    """Changes the tree in the working directory. What the kernel refuses is refused the same way each time."""

    def __init__(self, seed: int, *, is_root: bool, plain: bool = False) -> None:
        """`plain`: only what overlayfs keeps when it copies a file of the host: no names of one file, no holes."""
        self._random = Random(seed)
        self._plain = plain
        self._is_root = is_root

    def make_tree(self) -> None:
        """Fills an empty directory."""
        for _ in range(25):
            with suppress(OSError):
                self._write() if self._random.random() < 0.6 else self._mkdir()
        self.set_times()

    def run(self, count: int) -> None:
        """Carries out so many operations."""
        usual = [
            self._write, self._write, self._append, self._truncate, self._sparse, self._replace, self._mkdir,
            self._mkdir, self._symlink, self._link, self._rename, self._rename, self._unlink, self._unlink, self._rmdir,
            self._remove_tree, self._chmod, self._set_xattr, self._remove_xattr, self._utime, self._fifo,
        ]  # fmt: skip
        # overlayfs renames no directory of the host for others than root (EXDEV).
        roots = [self._rename_directory] * 3 + [self._chown, self._swap]
        for _ in range(count):
            with suppress(OSError):
                self._random.choice(usual + roots if self._is_root else usual)()

    def set_times(self) -> None:
        """Every directory gets a time of its own: those that operations set depend on when they ran."""
        for directory in reversed(self._directories()):
            self._set_time(directory)

    def _paths(self) -> list[bytes]:
        found = []
        for directory, below, files in os.walk(b"."):
            below.sort()
            found += [os.path.join(directory, name) for name in sorted(below + files)]
        return sorted(found)

    def _directories(self) -> list[bytes]:
        return [b".", *(path for path in self._paths() if os.path.isdir(path) and not os.path.islink(path))]

    def _files(self) -> list[bytes]:
        return [path for path in self._paths() if stat.S_ISREG(os.lstat(path).st_mode)]

    def _any(self, paths: list[bytes]) -> bytes:
        if not paths:
            raise FileNotFoundError
        return self._random.choice(paths)

    def _new(self) -> bytes:
        return os.path.join(self._any(self._directories()), self._random.choice(NAMES))

    def _set_time(self, path: bytes) -> None:
        time = _EPOCH + self._random.randrange(10**18)
        with suppress(OSError):
            os.utime(path, ns=(time, time), follow_symlinks=False)

    def _data(self) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 10, 5000)))

    def _write(self) -> None:
        path, data = self._new(), self._data()
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        os.write(fd, data)
        os.close(fd)
        self._set_time(path)

    def _append(self) -> None:
        path, data = self._any(self._files()), self._data()
        with open(path, "ab") as file:
            file.write(data)
        self._set_time(path)

    def _truncate(self) -> None:
        path = self._any(self._files())
        os.truncate(path, self._random.randrange(3000))
        self._set_time(path)

    def _sparse(self) -> None:
        path = self._any(self._files())
        with open(path, "r+b") as file:
            file.seek(0 if self._plain else 1 << 20)
            file.write(b"end")
            file.truncate(10 if self._plain else 3 << 20)
        self._set_time(path)

    def _replace(self) -> None:
        target, data = self._any(self._files()), self._data()
        with open(b"replacing", "wb") as file:
            file.write(data)
        self._set_time(b"replacing")
        os.replace(b"replacing", target)

    def _mkdir(self) -> None:
        os.mkdir(self._new(), self._random.choice((0o755, 0o700, 0o777)))

    def _symlink(self) -> None:
        path = self._new()
        os.symlink(self._random.choice(NAMES), path)
        self._set_time(path)

    def _link(self) -> None:
        if not self._plain:
            os.link(self._any(self._files()), self._new(), follow_symlinks=False)

    def _rename(self) -> None:
        os.rename(self._any([path for path in self._paths() if not _is_directory(path)]), self._new())

    def _rename_directory(self) -> None:
        os.rename(self._any(self._directories()[1:]), self._new())

    def _swap(self) -> None:
        one, other = self._any(self._directories()[1:]), self._any(self._directories()[1:])
        os.rename(one, b"swapped")
        os.rename(other, one)
        os.rename(b"swapped", other)

    def _unlink(self) -> None:
        os.unlink(self._any([path for path in self._paths() if not _is_directory(path)]))

    def _rmdir(self) -> None:
        os.rmdir(self._any(self._directories()[1:]))

    def _remove_tree(self) -> None:
        if self._random.random() < 0.3:
            shutil.rmtree(self._any(self._directories()[1:]))

    def _chmod(self) -> None:
        path = self._any([path for path in self._paths() if not os.path.islink(path)])
        modes = (0o755, 0o711, 0o1777, 0o2755) if _is_directory(path) else (0o644, 0o600, 0o755, 0o4755, 0o400)
        os.chmod(path, self._random.choice(modes))

    def _chown(self) -> None:
        os.chown(self._any(self._paths()), self._random.randrange(3), self._random.randrange(3), follow_symlinks=False)

    def _set_xattr(self) -> None:
        path, name, value = (
            self._any(self._files() + self._directories()[1:]),
            self._xattr(),
            self._data(),
        )
        os.setxattr(path, name, value[:50])

    def _remove_xattr(self) -> None:
        os.removexattr(self._any(self._files() + self._directories()[1:]), self._xattr())

    def _xattr(self) -> str:
        # What overlayfs takes for its own it hides where the host has it.
        return self._random.choice(XATTRS[:1] if self._plain else XATTRS)

    def _utime(self) -> None:
        self._set_time(self._any(self._paths()))

    def _fifo(self) -> None:
        path = self._new()
        os.mkfifo(path, 0o600)
        self._set_time(path)


def _is_directory(path: bytes) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)


def picture(directory: bytes, *, links: bool = True, times: bool = True) -> dict[bytes, tuple[object, ...]]:
    """All that can be told of a tree, by path: two are equal if and only if nobody could tell them apart.

    `links`: also which names are those of one file. `times`: of directories too.
    """
    by_inode = defaultdict(list)
    found: dict[bytes, tuple[object, ...]] = {}
    for parent, below, files in os.walk(directory):
        for path in [parent, *(os.path.join(parent, name) for name in sorted([*below, *files]))]:
            state = os.lstat(path)
            name = os.path.relpath(path, directory)
            by_inode[state.st_ino].append(name)
            found[name] = (
                stat.filemode(state.st_mode),
                state.st_uid,
                state.st_gid,
                state.st_mtime_ns if times or not stat.S_ISDIR(state.st_mode) else 0,
                _content(path, state),
                {each: os.getxattr(path, each, follow_symlinks=False) for each in _xattrs(path)},
                state.st_blocks * 512 < state.st_size / 2 and state.st_size > 1 << 20,
            )
    names = {name: tuple(sorted(group)) for group in by_inode.values() for name in set(group) if len(set(group)) > 1}
    return {name: (*told, names.get(name) if links else None) for name, told in found.items()}


def _xattrs(path: bytes) -> list[str]:
    return sorted(name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith("security."))


def _content(path: bytes, state: os.stat_result) -> object:
    if stat.S_ISLNK(state.st_mode):
        return os.readlink(path)
    if stat.S_ISREG(state.st_mode):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest(), state.st_size
    return state.st_rdev
