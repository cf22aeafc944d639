"""Tests of the normaliser: what it replaces and, as important, what it leaves alone."""

from __future__ import annotations

import calendar
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from .normalise import normalise, normalise_file

if TYPE_CHECKING:
    from pathlib import Path

NOW = float(calendar.timegm((2025, 11, 22, 16, 0, 0)))

REPLACED = [
    (b"[1] 4711", b"[1] PID"),
    (b"[12]+  99", b"[12]+ PID"),
    (b"x.bash: line 3:  4711 Killed    sleep 5", b"x.bash: line 3: PID Killed    sleep 5"),
    (b"      8303 Exit 3                  | (exit 3)", b" PID Exit 3                  | (exit 3)"),
    (b"child pid 12, PID: 13, process 14", b"child pid PID, PID: PID, process PID"),
    (b"pgrp=15 tid=16", b"pgrp=PID tid=PID"),
    (b"/proc/4711/fd/3", b"/proc/PID/fd/3"),
    (b"<object at 0x7f21c0ffee00>", b"<object at ADDRESS>"),
    (b"2025-11-22 15:59:01.123456789 +0000 a", b"TIME a"),
    (b"2025-11-22T15:59:01Z", b"TIME"),
    (b"Sat Nov 22 15:59:01 UTC 2025", b"TIME"),
    (b"Sat Nov 22 15:59:01 2025", b"TIME"),
    (b"22 Nov 2025 15:59:01.250 * Ready", b"TIME * Ready"),
    (b"-rw-r--r-- 1 root root 5 Nov 22 15:59 a", b"-rw-r--r-- 1 root root 5 TIME a"),
    (b"1763827140 1763827140.25", b"TIME TIME"),
    (b"real\t0m0.003s", b"real\tDURATION"),
    (b"Ran 2 tests in 0.004s", b"Ran 2 tests in DURATION"),
    (b"512 bytes copied, 5.1e-05 s, 10.0 MB/s", b"512 bytes copied, DURATION, RATE"),
    (b"512 bytes copied, 1 s, 512 B/s", b"512 bytes copied, DURATION, RATE"),
]

KEPT = [
    b"[1]+  Done    sleep 0",
    b"x.bash: line 3: no such command",
    b"line 3: 4711",
    b"   12 Apples",
    b"2001-02-03 04:05:06",
    b"Sat Feb  3 04:05:06 UTC 2001",
    b"9999-99-99 99:99:99",
    b"-rw-r--r-- 1 root root 5 Feb  3  2001 a",
    b"1000000000",
    b"x1763827140",
    b"0xff 0x1234567",
    b"sleep 5s",
    b"version 3.11.2",
    b"rapid 12",
]


@pytest.mark.parametrize(("text", "expected"), REPLACED)
def test_what_changes_from_run_to_run_becomes_a_word(text: bytes, expected: bytes) -> None:
    assert normalise(text, NOW) == expected


@pytest.mark.parametrize("text", KEPT)
def test_everything_else_is_left_alone(text: bytes) -> None:
    assert normalise(text, NOW) == text


@pytest.mark.parametrize(("text", "expected"), REPLACED)
def test_normalising_twice_changes_nothing(text: bytes, expected: bytes) -> None:
    assert normalise(normalise(text, NOW), NOW) == expected


def test_a_time_is_replaced_only_within_a_day_of_now() -> None:
    assert normalise(b"2025-11-22 15:59:01", NOW + 2 * 86_400) == b"2025-11-22 15:59:01"


def test_a_binary_file_is_compared_byte_for_byte() -> None:
    content = b"\0pid 12 2025-11-22 15:59:01"
    assert normalise_file("a.bin", content, NOW) == content
    assert normalise_file("a.txt", content[1:], NOW) == b"pid PID TIME"


def test_a_pyc_loses_its_source_time_and_nothing_else() -> None:
    by_time = b"MAGC" + bytes(4) + b"\x01\x02\x03\x04" + b"size" + b"code"
    by_hash = b"MAGC" + b"\x03\0\0\0" + b"\x01\x02\x03\x04" + b"hash" + b"code"
    assert normalise_file("a.pyc", by_time, NOW) == b"MAGC" + bytes(8) + b"sizecode"
    assert normalise_file("a.pyc", by_hash, NOW) == by_hash


def _index(directory: Path, content: str, mtime: int) -> bytes:
    directory.mkdir()
    for name in ("a", "a-longer-name", "x" * 200):
        (directory / name).write_text(content)
        os.utime(directory / name, (mtime, mtime))
    subprocess.run("git init -q . && git add .", shell=True, cwd=directory, check=True)
    return (directory / ".git" / "index").read_bytes()


def test_a_git_index_loses_stat_data_but_keeps_names_and_content_ids(tmp_path: Path) -> None:
    first = _index(tmp_path / "first", "same", 1_000_000_000)
    second = _index(tmp_path / "second", "same", int(time.time()))
    other = _index(tmp_path / "other", "else", 1_000_000_000)
    assert first != second
    assert normalise_file("index", first, NOW) == normalise_file("index", second, NOW)
    assert normalise_file("index", first, NOW) != normalise_file("index", other, NOW)
    assert b"a-longer-name" in normalise_file("index", first, NOW)


def test_an_unknown_git_index_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 4"):
        normalise_file("index", b"DIRC" + (4).to_bytes(4, "big") + bytes(28), NOW)
