"""Keeps from one check to the next which lines of a source do what, by its text: parsing one takes milliseconds.

Each file of pytest below which a test makes a link is looked at, and hardly any is another one next time.
"""

from __future__ import annotations

import sys
from _imp import source_hash
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING

from picobox.platform.cache_directory import CacheDirectory
from picobox.platform.sources import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Lines = tuple[frozenset[int], ...]
"""Lines of several kinds, by their numbers."""

_HASH_KEY = 0x7069_636F_626F_7802
MOST_LINES = 1 << 16
"""No line beyond is looked at."""
_MOST_BYTES = 1 << 20
_WORD = "I"
# What the analyses follow from, all of them beside this file.
_SOURCES = ("absences.py", "analyses.py", "handlers.py", "platforms.py", "removals.py")


class AnalysisCache(CacheDirectory):
    """The kept analyses of one user."""

    kind = "analyses"


class _Kept:
    """Where this process keeps them, and what tells the code of ours that makes them, and the Python, from others."""

    def __init__(self) -> None:
        self.cache: AnalysisCache | None = None
        self.origin = b""


_kept = _Kept()


def keep(cache: AnalysisCache | None = None) -> None:
    """Keep analyses from now on, below the user's caches as their path leads there now, or in another directory.

    Where that cannot be, each is made anew by each process.
    """
    if _kept.cache is not None:
        _kept.cache.close()
        _kept.cache = None
    cache = AnalysisCache.of_user() if cache is None else cache
    with suppress(OSError):
        cache.hold()
        _kept.cache = cache


def _origin() -> bytes:
    """What tells our code and the Python from others; empty if we are not installed as files, so that nothing does."""
    if not _kept.origin:
        package = __file__.rpartition("/")[0]
        ours = [lines_of(f"{package}/{name}", 1, MOST_LINES) for name in _SOURCES]
        if all(ours):
            _kept.origin = b"".join(source_hash(_HASH_KEY, each.encode()) for each in ours) + sys.version.encode()
    return _kept.origin


def lines_by(file: str, kind: str, count: int, analyse: Callable[[str], Lines]) -> Lines:
    """What an analysis that is called `kind` gives for the text of a file, made unless it is kept.

    `count`: how many kinds of lines it tells apart.
    """
    text = lines_of(file, 1, MOST_LINES)
    cache = _kept.cache
    origin = b"" if cache is None or not text else _origin()
    if cache is None or not origin:
        return analyse(text)
    content = text.encode("utf-8", "surrogatepass")
    name = f"{kind}-{len(content):x}-{source_hash(_HASH_KEY, origin + content).hex()}"
    data = cache.read(name, _MOST_BYTES)
    found = None if data is None else _decoded(data)
    if found is None or len(found) != count:
        found = analyse(text)
        cache.write(name, _encoded(found))
    return found


def _encoded(kinds: Lines) -> bytes:
    """Of each kind the number of its ranges, then the first and the last line of each range."""
    words = array(_WORD)
    for lines in kinds:
        ranges = list(_ranges(sorted(lines)))
        words.append(len(ranges))
        for each in ranges:
            words.extend(each)
    return sealed(words)


def sealed(words: Sequence[int]) -> bytes:
    """The numbers as they are kept: before them what tells that they are all there."""
    body = array(_WORD, words).tobytes()
    return source_hash(_HASH_KEY, body) + body


def _ranges(lines: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = 0
    for line in lines:
        if line != last + 1 and first:
            yield first, last
        if line != last + 1 or not first:
            first = line
        last = line
    if first:
        yield first, last


def _decoded(data: bytes) -> Lines | None:
    """The lines that were kept; None if it is not all as it was written."""
    body = data[8:]
    if source_hash(_HASH_KEY, body) != data[:8] or len(body) % array(_WORD).itemsize:
        return None
    words = array(_WORD, body)
    kinds: list[frozenset[int]] = []
    at = 0
    while at < len(words):
        end = at + 1 + 2 * words[at]
        bounds = words[at + 1 : end]
        # As they are written: each line stands in one of them, so that no file is long work.
        if end > len(words) or any(bound > MOST_LINES for bound in bounds) or list(bounds) != sorted(bounds):
            return None
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        kinds.append(frozenset(line for first, last in pairs for line in range(first, last + 1)))
        at = end
    return tuple(kinds)
