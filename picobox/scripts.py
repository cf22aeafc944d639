"""Runs scripts whose `#!` line spells its interpreter otherwise, which the kernel, reading the line, would not find."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.names import Meaning
from picobox.platform.host import AT_FDCWD, executable_head
from picobox.platform.rights import may_execute

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.names import Names

# In an argument slot: the paths of interpreter and script, then the words of the line, then the pointers.
_SCRIPT_PLACE = 4096
_WORDS_PLACE = 8192
_POINTERS_PLACE = 8192 + 512
_MOST_POINTERS = (16384 - _POINTERS_PLACE) // 8
_POINTER = struct.Struct("<Q")


def run_interpreter(names: Names, call: Call, path: bytes, argv: int) -> None:
    """Make an execve of such a script one of its interpreter, with the arguments that the kernel gives it (execve(2)).

    Left as it is: a script that the task may not execute, and one with more arguments than there is room for.
    """
    tid = call.stop.tid
    line = executable_head(tid, AT_FDCWD, path).partition(b"\n")[0]
    words = line[2:].strip(b" \t").split(None, 1) if line.startswith(b"#!") else []
    if not words:
        return
    interpreter = names.find(tid, AT_FDCWD, words[0], Meaning(follow=True)).path
    if interpreter is None or not _is_executable(names, call, path):
        return
    given = _pointers(call, argv)
    if given is None or len(given) + len(words) + 2 > _MOST_POINTERS:
        return
    script = call.stage(_SCRIPT_PLACE, path + b"\0")
    at = call.stage(_WORDS_PLACE, b"\0".join([*words, b""])) if script is not None else None
    if script is None or at is None:
        return
    starts = [at, at + len(words[0]) + 1][: len(words)]
    pointers = [*starts, script, *given[1:], 0]
    call.put(0, 0, interpreter + b"\0")
    call.put(1, _POINTERS_PLACE, b"".join(map(_POINTER.pack, pointers)))


def _is_executable(names: Names, call: Call, path: bytes) -> bool:
    try:
        return may_execute(call.stop.tid, names.on_host(call.stop.tid, AT_FDCWD, path))
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
