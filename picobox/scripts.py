"""Runs scripts whose `#!` line spells its interpreter otherwise, which the kernel, reading the line, would not find."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import Errno
from picobox.names import Meaning
from picobox.platform.host import AT_FDCWD, executable_head
from picobox.platform.rights import may_execute

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.names import Names

_AT_EMPTY_PATH = 0x1000
_DEPTH = 5  # fs/exec.c: an interpreter may be a script itself, so many times
# In an argument slot: the interpreter's path, then the words of the lines, then the pointers.
_WORDS_PLACE = 4096
_POINTERS_PLACE = 12288
_MOST_POINTERS = (16384 - _POINTERS_PLACE) // 8
_REGISTER = (1 << 64) - 1
_POINTER = struct.Struct("<Q")


class _Interpreter(NamedTuple):
    """What runs a script in the end: its path as it is stored, and the arguments before those of the script."""

    path: bytes
    words: list[bytes]


def run_interpreter(names: Names, call: Call, path: bytes, argv: int, *, dirfd: int = AT_FDCWD) -> None:
    """Make an exec of such a script one of its interpreter, with the arguments that the kernel gives it (execve(2)).

    The call is an execve, or an execveat with `dirfd`. Left as it is: a script that the task may not execute, and one
    with more arguments than there is room for.
    """
    interpreter = _find_interpreter(names, call, dirfd, path)
    given = _pointers(call, argv) if interpreter is not None else None
    if interpreter is None or given is None:
        return
    words = b"\0".join([*interpreter.words, b""])
    if len(words) > _POINTERS_PLACE - _WORDS_PLACE or len(given) + len(interpreter.words) + 1 > _MOST_POINTERS:
        return
    at = call.stage(_WORDS_PLACE, words)
    if at is None:
        return
    pointers = []
    for word in interpreter.words:
        pointers.append(at)
        at += len(word) + 1
    pointers += [*given[1:], 0]
    first = 0 if call.row is None or call.row.name == "execve" else 1
    if first:
        call.rewrite(0, AT_FDCWD & _REGISTER)
        call.rewrite(4, call.stop.args[4] & ~_AT_EMPTY_PATH)
    call.put(first, 0, interpreter.path + b"\0")
    call.put(first + 1, _POINTERS_PLACE, b"".join(map(_POINTER.pack, pointers)))


def _find_interpreter(names: Names, call: Call, dirfd: int, path: bytes) -> _Interpreter | None:
    """What runs a script, if a line on the way spells its interpreter otherwise than it is stored."""
    tid = call.stop.tid
    stored, words, is_folded = path, [_shown(dirfd, path)], False
    for _ in range(_DEPTH):
        if names.is_served(tid, dirfd, stored):
            return None
        line = executable_head(tid, dirfd, stored).partition(b"\n")[0]
        parts = line[2:].strip(b" \t").split(None, 1) if line.startswith(b"#!") else []
        if not parts:
            break
        if not _is_executable(names, call, dirfd, stored):
            return None
        found = names.find(tid, AT_FDCWD, parts[0], Meaning(follow=True)).path
        is_folded |= found is not None
        stored, dirfd, words = found or parts[0], AT_FDCWD, [*parts, *words]
    return _Interpreter(stored, words) if is_folded else None


def _shown(dirfd: int, path: bytes) -> bytes:
    """The path that the kernel tells the interpreter (execveat(2), NOTES)."""
    if dirfd == AT_FDCWD or path.startswith(b"/"):
        return path
    return b"/dev/fd/%d" % dirfd + (b"/" + path if path else b"")


def _is_executable(names: Names, call: Call, dirfd: int, path: bytes) -> bool:
    try:
        host_path = names.on_host(call.stop.tid, dirfd, path)
        return may_execute(call.stop.tid, host_path if path else host_path.rstrip(b"/"))
    except OSError:
        return False


def _pointers(call: Call, vector: int) -> list[int] | None:
    """The pointers of a NULL-terminated vector; None if they cannot be read or are too many."""
    pointers: list[int] = []
    try:
        while vector and len(pointers) < _MOST_POINTERS:
            (pointer,) = _POINTER.unpack(call.memory.read(vector + 8 * len(pointers), 8))
            if not pointer:
                return pointers
            pointers.append(pointer)
    except Errno:
        return None
    return None if vector else pointers
