"""Owns the one normaliser: before two runs are compared, process ids, times near now and addresses become words."""

from __future__ import annotations

import calendar
import re
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = 86_400
MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_MONTH = rb"(?P<name>" + b"|".join(MONTHS) + rb")"
_DAY_OF_WEEK = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_CLOCK = rb"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?"
_ZONE = rb"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)\b)?"

_TIMES = (
    re.compile(rb"(?<!\d)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[ T]" + _CLOCK + _ZONE),
    re.compile(_DAY_OF_WEEK + rb" " + _MONTH + rb" {1,2}(?P<day>\d{1,2}) " + _CLOCK + rb"(?: UTC)? (?P<year>\d{4})"),
    re.compile(rb"(?<!\d)(?P<day>\d{1,2}) " + _MONTH + rb" (?P<year>\d{4}) " + _CLOCK),
    re.compile(rb"\b" + _MONTH + rb" {1,2}(?P<day>\d{1,2}) " + _CLOCK),
)
_EPOCH = re.compile(rb"(?<![\w.])(?P<seconds>\d{10})(?:\.\d+)?(?![\w.])")

# Quantities that a clock produced. A whole number of seconds is left alone: it is usually an argument ("sleep 5s").
_DURATIONS = (
    (re.compile(rb"\b\d+m\d+\.\d+s\b"), b"DURATION"),
    (re.compile(rb"(?<![\w.])\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+) ?(?:seconds|secs|sec|s|ms|us|ns)\b"), b"DURATION"),
    (re.compile(rb"(?<=copied, )\d+ s\b"), b"DURATION"),
    (re.compile(rb"(?<![\w.])\d+(?:\.\d+)? [kKMGT]?i?B/s"), b"RATE"),
)

# A process id is replaced only where a word or the shape of the line says that the number is one.
_PIDS = (
    (re.compile(rb"(?m)^(\[\d+\][+-]?) +\d+$"), rb"\1 PID"),
    (re.compile(rb"(: line \d+:) +\d+ (?=[A-Z])"), rb"\1 PID "),
    (re.compile(rb"(?m)^ +\d+ (?=[A-Z].*\| )"), b" PID "),
    (re.compile(rb"(?i)\b(pid|ppid|pgid|pgrp|sid|tid|process)([ =:#]+)\d+\b"), rb"\1\2PID"),
    (re.compile(rb"/proc/\d+\b"), rb"/proc/PID"),
)

# Eight digits or more: shorter numbers are flags, sizes and error codes.
_ADDRESS = re.compile(rb"\b0x[0-9a-f]{8,16}\b")


class IndexEntry(NamedTuple):
    """Where one entry of a git index starts and how long it is, both in bytes."""

    offset: int
    length: int


def normalise(text: bytes, now: float) -> bytes:
    """Return `text` with process ids, addresses and every time within a day of `now` (seconds since 1970) replaced.

    Fixed dates stay as they are, so that a wrong time stamp set by a program is still a difference.
    """
    for pattern in _TIMES:
        text = pattern.sub(_near(now, _seconds_of_date), text)
    text = _EPOCH.sub(_near(now, _seconds_of_epoch), text)
    for pattern, word in _DURATIONS + _PIDS:
        text = pattern.sub(word, text)
    return _ADDRESS.sub(b"ADDRESS", text)


def normalise_file(name: str, content: bytes, now: float) -> bytes:
    """Return a file's content as `normalise` does for text; for a `.pyc` and a git index, without recorded file times.

    Other binary files (those that hold a NUL byte) are returned unchanged.
    """
    if name.endswith(".pyc"):
        return _without_source_time(content)
    if name == "index" and content.startswith(b"DIRC"):
        return _without_stat_data(content)
    return content if b"\0" in content else normalise(content, now)


def _near(
    now: float, seconds_of: Callable[[re.Match[bytes], float], float | None]
) -> Callable[[re.Match[bytes]], bytes]:
    def replace(match: re.Match[bytes]) -> bytes:
        seconds = seconds_of(match, now)
        return b"TIME" if seconds is not None and abs(seconds - now) < DAY else match[0]

    return replace


def _seconds_of_date(match: re.Match[bytes], now: float) -> float | None:
    """Seconds since 1970 in UTC; `ls -l` omits the year for recent files, so the year of `now` is taken then."""
    found = match.groupdict()
    year = int(found["year"]) if found.get("year") else time.gmtime(now).tm_year
    month = int(found["month"]) if found.get("month") else MONTHS.index(found["name"]) + 1
    day, hour, minute = int(found["day"]), int(found["hour"]), int(found["minute"])
    if not (1 <= month <= 12 and 1 <= day <= 31 and year >= 1970):
        return None
    return calendar.timegm((year, month, day, hour, minute, int(found["second"] or 0)))


def _seconds_of_epoch(match: re.Match[bytes], now: float) -> float | None:
    return int(match["seconds"])


def _without_source_time(content: bytes) -> bytes:
    """A `.pyc` whose flags (PEP 552) are 0 records its source's mtime in bytes 8 to 11."""
    if len(content) < 16 or content[4:8] != bytes(4):
        return content
    return content[:8] + bytes(4) + content[12:]


def _without_stat_data(content: bytes) -> bytes:
    """A git index (gitformat-index) records each file's stat data, and ends in a checksum over them.

    The size goes too: git sets it to 0 for a file that changed in the same clock tick as the index was written.
    """
    masked = bytearray(content)
    for entry in _index_entries(content):
        masked[entry.offset : entry.offset + 24] = bytes(24)
        masked[entry.offset + 28 : entry.offset + 40] = bytes(12)
    masked[-20:] = bytes(20)
    return bytes(masked)


def _index_entries(content: bytes) -> Iterator[IndexEntry]:
    version, count = struct.unpack_from(">II", content, 4)
    if version != 2:
        raise ValueError(f"git index version {version}: only version 2 is understood")
    offset = 12
    for _ in range(count):
        name_end = content.index(b"\0", offset + 62)
        length = (name_end - offset) // 8 * 8 + 8
        yield IndexEntry(offset, length)
        offset += length
