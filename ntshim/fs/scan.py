"""Directory enumeration: where the scan of a handle stands, and the entries that come next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.fs.expression import WILDCARDS, Expression
from ntshim.fs.information import shown_attributes
from ntshim.fs.names import COMPONENT_UNITS, order_key, units
from ntshim.fs.stat import ea_size, reparse_tag
from ntshim.io.directory import RECORDS
from ntshim.io.query import FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION, FILE_ID_EXTD_DIRECTORY_INFORMATION
from ntshim.service import TooSmall
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume
    from ntshim.io.directory import DirectoryQuery
    from ntshim.io.file import File

_PATTERN = re.compile(r"[^\x00-\x1f/:|\\]+")
_TAG_APART = (FILE_ID_EXTD_DIRECTORY_INFORMATION, FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION)


class Entry(NamedTuple):
    """A name and its file, with the place that it has in the order: `.`, `..`, then by upcased and by exact units."""

    place: tuple[int, bytes, bytes]
    name: str
    inode: Inode


class Scan:
    """An enumeration that has begun: whom it matches, the place of the entry given last, and what is left to give.

    `rest`, last entry first, holds for `version` of the directory.
    """

    __slots__ = ("last", "matches", "rest", "version")

    def __init__(self, matches: Callable[[str], bool] | None) -> None:
        """Stand before the first entry; None matches every name."""
        self.matches = matches
        self.last = (-1, b"", b"")
        self.rest: list[Entry] = []
        self.version: Hashable | None = None


def scan(volume: Volume, file: File, query: DirectoryQuery) -> list[Any]:
    """Give the next entry, or all that are left, as far as the buffer holds them."""
    opened: Open = file.context
    record_type, base = RECORDS[query.information_class]
    if query.length is not None and query.length < base:
        raise st.NtError(st.STATUS_INFO_LENGTH_MISMATCH)
    if not opened.node.inode.is_directory or opened.stream.name:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if opened.link.removed:
        raise st.NtError(st.STATUS_DELETE_PENDING)
    state = opened.scan
    is_first = not isinstance(state, Scan)
    if not isinstance(state, Scan) or (query.restart and query.pattern):
        state = opened.scan = Scan(_matcher(volume, opened.node.inode, query.pattern))
    elif query.restart:
        state = opened.scan = Scan(state.matches)
    _look_again(volume, opened, state)
    given, taken = _take(volume, state, query, record_type, base)
    if not given:
        raise st.NtError(st.STATUS_NO_SUCH_FILE if is_first else st.STATUS_NO_MORE_FILES)
    if not query.keeps_cursor:
        state.last = state.rest[-taken].place
        del state.rest[-taken:]
    return given


def _take(
    volume: Volume, state: Scan, query: DirectoryQuery, record_type: type[NamedTuple], base: int
) -> tuple[list[Any], int]:
    """Make records of what fits; gives them and how many entries they, and those that are gone, were."""
    given: list[Any] = []
    taken = used = 0
    while taken < len(state.rest) and not (query.single and given):
        entry = state.rest[-1 - taken]
        used = -(-used // 8) * 8 + base + 2 * units(entry.name)
        if query.length is not None and used > query.length:
            if not given:
                raise TooSmall(st.STATUS_BUFFER_OVERFLOW, used)
            break
        taken += 1
        record = _record(volume, entry, query.information_class, record_type)
        if record is not None:
            given.append(record)
    return given, taken


def _matcher(volume: Volume, directory: Inode, pattern: str) -> Callable[[str], bool] | None:
    """Make what tells the names of a directory that a pattern is for; STATUS_OBJECT_NAME_INVALID."""
    if pattern in ("", "*"):
        return None
    if _PATTERN.fullmatch(pattern) is None or units(pattern) > COMPONENT_UNITS:
        raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
    fold: Callable[[str], str] = str if volume.is_case_sensitive(directory) else upcase
    folded = fold(pattern)
    if not any(wildcard in folded for wildcard in WILDCARDS):
        return lambda name: fold(name) == folded
    expression = Expression(folded)
    return lambda name: expression.matches(fold(name))


def _look_again(volume: Volume, opened: Open, state: Scan) -> None:
    """Collect what lies behind the entry given last, unless the directory surely is as it was."""
    inode = opened.node.inode
    version = volume.backend.version(inode)
    if state.version is not None and state.version == version:
        return
    entries = [Entry((2, order_key(name), _exact(name)), name, file) for name, file in volume.backend.names(inode)]
    if opened.link.directory is not None:
        entries += [Entry((0, b"", b""), ".", inode), Entry((1, b"", b""), "..", opened.link.directory)]
    chosen = [
        entry for entry in entries if entry.place > state.last and (state.matches is None or state.matches(entry.name))
    ]
    state.rest = sorted(chosen, key=lambda entry: entry.place, reverse=True)
    state.version = version


def _exact(name: str) -> bytes:
    """Give the units of a name, in the order in which they compare."""
    return name.encode("utf-16-be", "surrogatepass")


def _record(volume: Volume, entry: Entry, information_class: int, record_type: type[NamedTuple]) -> Any:
    """Tell of one entry; None if it is gone meanwhile."""
    inode = entry.inode
    if len(record_type._fields) == 1:
        return record_type(entry.name)
    try:
        facts = volume.backend.facts(inode)
    except st.NtError as error:
        if error.status != st.STATUS_OBJECT_NAME_NOT_FOUND:
            raise
        return None
    tag = reparse_tag(volume, inode)
    values = {
        **facts._asdict(),
        "file_name": entry.name,
        "end_of_file": facts.size,
        "file_attributes": shown_attributes(inode, facts.attributes),
        "ea_size": tag if tag and information_class not in _TAG_APART else ea_size(volume, inode),
        "reparse_point_tag": tag,
        "short_name": "",
        "tx_info_flags": 0,
    }
    return record_type(*(values[field] for field in record_type._fields))
