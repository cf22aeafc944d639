"""Owns the picture of a file tree: one line per entry with its type, mode, link count, content hash or link target."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from .normalise import normalise_file

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


def snapshot(root: Path, now: float) -> bytes:
    """Describe everything below `root`, sorted by name; names are kept byte for byte, contents normalised for `now`."""
    lines = (f"{path.relative_to(root)}: {_describe(path, now)}\n" for path in sorted(root.rglob("*")))
    return os.fsencode("".join(lines))


def _describe(path: Path, now: float) -> str:
    status = path.lstat()
    text = f"{_KINDS[stat.S_IFMT(status.st_mode)]} {stat.S_IMODE(status.st_mode):04o}"
    if stat.S_ISLNK(status.st_mode):
        return f"{text} -> {path.readlink()}"
    if stat.S_ISREG(status.st_mode):
        content = normalise_file(path.name, path.read_bytes(), now)
        return f"{text} links={status.st_nlink} sha256={hashlib.sha256(content).hexdigest()[:16]}"
    return text
