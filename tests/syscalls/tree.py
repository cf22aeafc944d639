"""Owns the directory in which one row of the table runs, and what is there afterwards."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("File", "Other", "Dir/File", "Dir/Inner/File", "Twin", "tWIN", "Dir/Été")
DIRECTORIES = ("Dir", "Dir/Inner", "Dir/Empty", "Empty")
# Name, text natively, text under nt: there the text is spelled otherwise than what it leads to.
LINKS = (
    ("Link", "File", "File"),
    ("Turned", "File", "fILE"),
    ("Dir/Top", "..", ".."),
    ("Dir/Up", "../File", "../fILE"),
    ("DirLink", "Dir", "Dir"),
    ("DirTurned", "Dir", "dIR"),
    ("Chain", "Turned", "tURNED"),
    ("Dangling", "Dir/Made", "dIR/Made"),
    ("Loop", "Loop", "lOOP"),
)
BAD = b"Bad\xff"
SOCKETS = {"connect": socket.SOCK_STREAM, "connect_datagram": socket.SOCK_DGRAM, "sendto": socket.SOCK_DGRAM,
           "sendmsg": socket.SOCK_DGRAM}  # fmt: skip
STAMP = 123456789  # the time that calls.c sets


def make(root: bytes, call: str, tool: bytes, *, turned: bool) -> list[socket.socket]:
    """Makes the tree; every `File` is what the call is about. The sockets in it live as long as the result."""
    made: list[socket.socket] = []
    os.mkdir(root)
    for name in DIRECTORIES:
        os.mkdir(os.path.join(root, name.encode()))
    for name in FILES:
        path = os.path.join(root, name.encode())
        if name.endswith("File") and call.startswith("execve"):
            os.link(tool, path)
        elif name.endswith("File") and call in SOCKETS:
            made.append(_socket(path, SOCKETS[call]))
        else:
            _file(path, name)
    _file(os.path.join(root, BAD), "bad")
    for name, text, turned_text in LINKS:
        os.symlink(turned_text if turned else text, os.path.join(root, name.encode()))
    return made


def _file(path: bytes, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.setxattr(path, b"user.a", text.encode())


def _socket(path: bytes, kind: int) -> socket.socket:
    """A local socket with a name of any length."""
    made = socket.socket(socket.AF_UNIX, kind)
    parent, name = os.path.split(path)
    directory = os.open(parent, os.O_PATH)
    made.bind(b"/proc/self/fd/%d/%s" % (directory, name))
    os.close(directory)
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


def describe(root: bytes) -> list[tuple[object, ...]]:
    """All that is in a tree; the texts of links as if they were spelled as natively."""
    return sorted(_entries(root, b""))


def _entries(root: bytes, below: bytes) -> Iterator[tuple[object, ...]]:
    for entry in os.scandir(os.path.join(root, below)):
        path = os.path.join(below, entry.name)
        found = entry.stat(follow_symlinks=False)
        content = b""
        if entry.is_symlink():
            content = os.readlink(entry.path).lower()
        elif entry.is_file() and found.st_size < 100:
            with open(entry.path, "rb") as file:
                content = file.read()
        attributes = [] if entry.is_symlink() else os.listxattr(entry.path)
        stamped = int(found.st_mtime) == STAMP
        links = 0 if stat.S_ISDIR(found.st_mode) or found.st_size > 100 else found.st_nlink
        yield (path, found.st_mode, found.st_uid, found.st_gid, links, content, tuple(attributes), stamped)
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(root, path)
