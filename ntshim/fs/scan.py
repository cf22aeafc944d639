"""Directory enumeration: the entries that a handle has still to give, and the patterns that choose among them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.io import create
from ntshim.io.query import FileDirectoryInformation
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume
    from ntshim.io.file import File

# FsRtlIsNameInExpression: `<` runs up to the last dot, `>` is one character or none before a dot or the end, `"` is
# a dot or the end.
_WILDCARDS = {"*": ".*", "?": ".", "<": r"(?:.*(?=\.)|[^.]*\Z)", ">": r"(?:[^.]|(?=\.|\Z))", '"': r"(?:\.|\Z)"}


class Scan(NamedTuple):
    """An enumeration that has begun: its pattern, and what is left to give, last entry first."""

    pattern: re.Pattern[str] | None
    rest: list[tuple[str, Inode]]


def scan(
    volume: Volume, file: File, pattern: str | None, *, restart: bool, single: bool
) -> list[FileDirectoryInformation]:
    """Give the next entry, or all that are left.

    The first call fixes the pattern. STATUS_NO_SUCH_FILE if nothing ever matched, STATUS_NO_MORE_FILES at the end
    (facts/nt.md section 3.10).
    """
    opened: Open = file.context
    if not opened.node.inode.is_directory or opened.stream.name:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    state = opened.scan
    if not isinstance(state, Scan):
        pattern = volume.fold(opened.node.inode, pattern or "")
        state = opened.scan = _begin(volume, opened, compile_expression(pattern))
        if not state.rest:
            raise st.NtError(st.STATUS_NO_SUCH_FILE)
    elif restart:
        state = opened.scan = _begin(volume, opened, state.pattern)
    if not state.rest:
        raise st.NtError(st.STATUS_NO_MORE_FILES)
    count = 1 if single else len(state.rest)
    return [_entry(volume, *state.rest.pop()) for _ in range(count)]


def compile_expression(pattern: str) -> re.Pattern[str] | None:
    """Make what matches names that are folded as the pattern is; None takes every name."""
    if pattern in ("", "*"):
        return None
    return re.compile("".join(_WILDCARDS.get(unit) or re.escape(unit) for unit in pattern), re.DOTALL)


def _begin(volume: Volume, opened: Open, pattern: re.Pattern[str] | None) -> Scan:
    """Collect the names that match; every directory but the root has `.` and `..` first."""
    inode = opened.node.inode
    entries: list[tuple[str, Inode]] = []
    if opened.link.directory is not None:
        entries += [(".", inode), ("..", opened.link.directory)]
    entries += volume.backend.names(inode)
    fold: Callable[[str], str] = str if volume.is_case_sensitive(inode) else upcase
    chosen = [entry for entry in entries if pattern is None or pattern.fullmatch(fold(entry[0]))]
    return Scan(pattern, chosen[::-1])


def _entry(volume: Volume, name: str, inode: Inode) -> FileDirectoryInformation:
    """Tell of one entry."""
    facts = volume.backend.facts(inode)
    attributes = facts.attributes
    if inode.is_directory:
        attributes |= create.FILE_ATTRIBUTE_DIRECTORY
    if inode.is_reparse_point:
        attributes |= create.FILE_ATTRIBUTE_REPARSE_POINT
    shown = attributes or create.FILE_ATTRIBUTE_NORMAL
    return FileDirectoryInformation(name, *facts[1:5], facts.size, facts.allocation_size, shown, facts.file_id)
