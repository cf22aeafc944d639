"""Writes what a layer changed as a patch in git's format, which git and patch apply to the host's directory."""

from __future__ import annotations

import base64
import difflib
import hashlib
import os
import stat
import string
import zlib
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine.changes import ADDED, CHANGED, DELETED, RENAMED, TYPE, join, lstat
from picobox.confine.files import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.confine.changes import Change, Entry

# Above so many lines the least difference takes longer to find than to read.
_MOST_COMPARED = 20_000
# As many bytes git looks through for a NUL (buffer_is_binary).
_LOOKED_THROUGH = 8000
_BYTES_IN_LINE = 52
_LENGTHS = string.ascii_uppercase.encode() + string.ascii_lowercase.encode()
_SHORT = {0x07: b"\\a", 0x08: b"\\b", 0x09: b"\\t", 0x0A: b"\\n", 0x0B: b"\\v", 0x0C: b"\\f", 0x0D: b"\\r"}


class _Pair(NamedTuple):
    """Two versions of a file: its name in the patch and where its content is, None where there is none."""

    old_name: bytes | None
    old: bytes | None
    new_name: bytes | None
    new: bytes | None


def patch_of(changes: list[Change]) -> Iterator[bytes]:
    """The parts of a patch for changes of one part of a layer; directories and attributes but execution have none."""
    gone_on = {join(each.entry.part.directory, each.source) for each in changes if each.source is not None}
    for pair in _pairs(changes, gone_on):
        yield b"".join(_file(pair))


def _pairs(changes: list[Change], moved: set[bytes]) -> Iterator[_Pair]:
    spoken_of = {each.entry.host for each in changes if not each.entry.is_merged}
    for change in changes:
        entry = change.entry
        source = entry.base if change.source is None else change.source
        if change.kind == DELETED:
            if entry.host not in moved:
                yield from _gone(entry, moved)
        elif entry.is_directory:
            if entry.moved_from is not None:
                yield from _moved(entry, spoken_of, moved)
            elif change.kind == CHANGED and TYPE in change.what:
                yield from _gone(entry, moved)
        elif change.kind == CHANGED and TYPE in change.what:
            yield from _gone(entry, moved)
            yield _Pair(None, None, entry.path, entry.upper)
        elif change.kind == CHANGED:
            yield _Pair(source, entry.host, entry.path, entry.upper)
        elif change.kind == RENAMED and change.source is not None:
            yield _Pair(change.source, join(entry.part.directory, change.source), entry.path, entry.upper)
        elif change.kind == ADDED:
            yield _Pair(None, None, entry.path, entry.upper)


def _gone(entry: Entry, moved: set[bytes]) -> Iterator[_Pair]:
    for path in _files(entry.host, moved):
        yield _Pair(path[len(entry.part.directory) + 1 :], path, None, None)


def _moved(entry: Entry, spoken_of: set[bytes], moved: set[bytes]) -> Iterator[_Pair]:
    """The files of a directory that was renamed, but for those that have changes of their own."""
    for path in _files(entry.host, (moved | spoken_of) - {entry.host}):
        below = path[len(entry.host) + 1 :]
        yield _Pair(path[len(entry.part.directory) + 1 :], path, join(entry.path, below), path)


def _files(path: bytes, without: set[bytes]) -> Iterator[bytes]:
    stack = [path]
    while stack:
        path = stack.pop()
        found = lstat(path)
        if found is None or path in without:
            continue
        if stat.S_ISDIR(found.st_mode):
            stack += [join(path, name) for name in sorted(os.listdir(path), reverse=True)]
        else:
            yield path


def _file(pair: _Pair) -> Iterator[bytes]:
    """The part of a patch for one file; nothing for what git does not keep, such as a FIFO."""
    old, new = _version(pair.old), _version(pair.new)
    if (pair.old is not None and old is None) or (pair.new is not None and new is None):
        return
    old_mode, old_data = old or (b"", b"")
    new_mode, new_data = new or (b"", b"")
    old_name, new_name = pair.old_name or pair.new_name or b"", pair.new_name or pair.old_name or b""
    if (old_mode, old_data, old_name) == (new_mode, new_data, new_name):
        return
    yield b"diff --git %s %s\n" % (_quoted(b"a/" + old_name), _quoted(b"b/" + new_name))
    if not old_mode:
        yield b"new file mode %s\n" % new_mode
    elif not new_mode:
        yield b"deleted file mode %s\n" % old_mode
    elif old_mode != new_mode:
        yield b"old mode %s\nnew mode %s\n" % (old_mode, new_mode)
    if old_mode and new_mode and old_name != new_name:
        yield b"rename from %s\nrename to %s\n" % (_quoted(old_name), _quoted(new_name))
    if old_data == new_data:
        return
    before = _heading(b"a/" + old_name) if old_mode else b"/dev/null"
    after = _heading(b"b/" + new_name) if new_mode else b"/dev/null"
    if b"\0" in old_data[:_LOOKED_THROUGH] or b"\0" in new_data[:_LOOKED_THROUGH]:
        yield b"index %s..%s\nGIT binary patch\n" % (_object_name(old_data, old_mode), _object_name(new_data, new_mode))
        yield from (b"literal %d\n" % len(new_data), *_base85(new_data), b"\n")
        return
    yield b"--- %s\n+++ %s\n" % (before, after)
    yield from map(_ended, _hunks(_lines(old_data), _lines(new_data)))


def _hunks(old: list[bytes], new: list[bytes]) -> Iterator[bytes]:
    if len(old) + len(new) > _MOST_COMPARED:
        yield b"@@ -%d,%d +%d,%d @@\n" % (bool(old), len(old), bool(new), len(new))
        yield from (b"-" + line for line in old)
        yield from (b"+" + line for line in new)
        return
    texts = [[line.decode("latin-1") for line in lines] for lines in (old, new)]
    # The first two lines name the files.
    for number, line in enumerate(difflib.unified_diff(texts[0], texts[1])):
        if number > 1:
            yield line.encode("latin-1")


def _object_name(data: bytes, mode: bytes) -> bytes:
    """The name of a blob of git's; zeros of none."""
    if not mode:
        return b"0" * 40
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest().encode()


def _base85(data: bytes) -> Iterator[bytes]:
    """Lines of a binary patch: how many bytes, as a letter, and the bytes of the compressed data (git's diff.c)."""
    packed = zlib.compress(data, 9)
    for start in range(0, len(packed), _BYTES_IN_LINE):
        part = packed[start : start + _BYTES_IN_LINE]
        yield b"%c%s\n" % (_LENGTHS[len(part) - 1], base64.b85encode(part, pad=True))


def _lines(data: bytes) -> list[bytes]:
    """Lines as git has them, each with its end, which the last may lack."""
    *whole, rest = data.split(b"\n")
    lines = [line + b"\n" for line in whole]
    return [*lines, rest] if rest else lines


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _version(path: bytes | None) -> tuple[bytes, bytes] | None:
    """Mode and content as git has them; None of what it does not keep."""
    found = None if path is None else lstat(path)
    if path is None or found is None:
        return None
    if stat.S_ISLNK(found.st_mode):
        return b"120000", os.readlink(path)
    if not stat.S_ISREG(found.st_mode):
        return None
    with opened(path, found) as fd, open(fd, "rb", closefd=False) as file:
        return b"100755" if found.st_mode & stat.S_IXUSR else b"100644", file.read()


def _quoted(name: bytes) -> bytes:
    """A name as git writes it: in quotation marks if a byte of it would be misread (core.quotePath)."""
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in name):
        return name
    return b'"' + b"".join(map(_escaped, name)) + b'"'


def _heading(name: bytes) -> bytes:
    """A name after --- or +++, where a blank would end it."""
    quoted = _quoted(name)
    return quoted + b"\t" if b" " in quoted and not quoted.startswith(b'"') else quoted


def _escaped(byte: int) -> bytes:
    if byte in _SHORT:
        return _SHORT[byte]
    if byte in b'"\\':
        return b"\\%c" % byte
    return b"%c" % byte if 0x20 <= byte < 0x7F else b"\\%03o" % byte
