"""Owns the picture of a file tree: one line per entry with its type, mode, link count, content hash or link target."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from .normalise import normalise_file

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
    lines = []
    for directory, names, files in os.walk(os.fsencode(root)):
        names.sort()
        for name in names + files:
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, os.fsencode(root))
            lines.append(relative + b": " + _describe(path, now).encode("utf-8", "surrogateescape"))
    return b"\n".join(sorted(lines)) + b"\n"


def _describe(path: bytes, now: float) -> str:
    status = os.lstat(path)
    text = f"{_KINDS[stat.S_IFMT(status.st_mode)]} {stat.S_IMODE(status.st_mode):04o}"
    if stat.S_ISLNK(status.st_mode):
        return f"{text} -> {os.fsdecode(os.readlink(path))}"
    if stat.S_ISREG(status.st_mode):
        content = normalise_file(os.fsdecode(os.path.basename(path)), Path(os.fsdecode(path)).read_bytes(), now)
        return f"{text} links={status.st_nlink} sha256={hashlib.sha256(content).hexdigest()[:16]}"
    return text
