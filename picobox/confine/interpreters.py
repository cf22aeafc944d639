"""Finds the files that the kernel opens by itself when it runs a program: interpreters of scripts and of ELF files."""

from __future__ import annotations

import os
from stat import S_ISREG
from struct import iter_unpack, unpack_from

# What execve(2) reads of a script's first line, and how deep scripts may stand below each other.
_FIRST_LINE = 256
_DEEPEST = 5
_PT_INTERP = 3
_HEADER = 64
_PROGRAM_HEADER = 56


def interpreters(root: bytes, program: bytes) -> list[bytes]:
    """The paths of a program's interpreters as it names them, below `root`, each with its own after it."""
    found: list[bytes] = []
    path = program
    for _ in range(_DEEPEST):
        named = _interpreter(root + path)
        if named is None or not named.startswith(b"/"):
            break
        path = b"/" + os.path.normpath(named).lstrip(b"/")
        found.append(path)
    return found


def _interpreter(path: bytes) -> bytes | None:
    try:
        with open(path, "rb", opener=_opener) as file:
            if not S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            start = file.read(_FIRST_LINE)
            if start.startswith(b"#!"):
                words = start[2:].split(b"\n", 1)[0].split()
                return words[0] if words else None
            # ELF-64, little-endian (elf(5)).
            if len(start) < _HEADER or not start.startswith(b"\x7fELF\x02\x01"):
                return None
            (offset,) = unpack_from("<Q", start, 32)
            (count,) = unpack_from("<H", start, 56)
            file.seek(offset)
            table = file.read(count * _PROGRAM_HEADER)
            table = table[: len(table) // _PROGRAM_HEADER * _PROGRAM_HEADER]
            for kind, place, size in iter_unpack("<I4xQ16xQ16x", table):
                if kind == _PT_INTERP and size <= os.pathconf("/", "PC_PATH_MAX"):
                    file.seek(place)
                    return file.read(size).rstrip(b"\0")
    except (OSError, ValueError, OverflowError):
        # It cannot be read, or what a guest has written into it is no name and no place in a file.
        pass
    return None


def _opener(path: str, flags: int) -> int:
    """Neither a FIFO nor a terminal that a guest names may hold us, or become ours."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
