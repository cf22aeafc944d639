"""The verb syscalls: the table in each of its forms, whole or in part."""

from __future__ import annotations

import json

import pytest

from picobox.abi.table import BY_NAME, ROWS
from picobox.cli.selection import EVERYTHING, UnknownCallError, names_of, parse_selection
from picobox.cli.syscalls import HEADINGS

from .command import picobox
from .terminal import on_terminal


def test_plain_when_piped() -> None:
    done = picobox("syscalls")
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines[0].split("  ")[0].strip() == "nr"
    assert len(lines) == len(ROWS) + 1
    assert "\x1b" not in done.stdout.decode()
    assert lines[BY_NAME["close"].nr + 1].split() == ["3", "close", "full", "call", "NtClose"]


def test_json() -> None:
    done = picobox("syscalls", "--format", "json")
    listed = json.loads(done.stdout)
    assert listed["schema"] == "picobox.syscalls/1"
    assert [call["nr"] for call in listed["calls"]] == [row.nr for row in ROWS]
    (openat,) = [call for call in listed["calls"] if call["name"] == "openat"]
    assert openat["nt"] == "NtCreateFile"
    assert openat["served"] is None
    assert openat["args"] == ["dirfd", "path", "flags", "mode"]
    assert "file" in openat["classes"]


def test_markdown() -> None:
    lines = picobox("syscalls", "--format", "md", "%ipc").stdout.decode().splitlines()
    assert lines[0] == f"| {' | '.join(HEADINGS)} |"
    assert len(lines) == 2 + sum("ipc" in row.tags for row in ROWS)
    assert {line.count(" | ") for line in lines} == {len(HEADINGS) - 1}


def test_names_and_classes() -> None:
    listed = json.loads(picobox("syscalls", "--format", "json", "close", "%ipc").stdout)["calls"]
    assert {call["name"] for call in listed} == {"close"} | {row.name for row in ROWS if "ipc" in row.tags}


def test_a_refused_call_says_with_what() -> None:
    (call,) = json.loads(picobox("syscalls", "--format", "json", "io_uring_setup").stdout)["calls"]
    assert call["answered"] == "errno ENOSYS"
    assert call["support"] == "none"
    assert call["note"]


@pytest.mark.parametrize(("options", "colored"), [([], True), (["--color", "never"], False)])
def test_drawn_on_a_terminal(options: list[str], *, colored: bool) -> None:
    text = on_terminal("syscalls", "close", *options)
    assert "\u2500" in text or "\u2501" in text
    assert "NtClose" in text
    assert ("\x1b[32m" in text) == colored


def test_no_color_variable() -> None:
    assert "\x1b[32m" not in on_terminal("syscalls", "close", env={"NO_COLOR": "1"})
    assert "\x1b[32m" in on_terminal("syscalls", "close", "--color", "always", env={"NO_COLOR": "1"})


def test_color_always_into_a_pipe() -> None:
    assert b"\x1b[32m" in picobox("syscalls", "close", "--color", "always").stdout


def test_json_on_a_terminal_stays_json() -> None:
    assert json.loads(on_terminal("syscalls", "--format", "json", "close"))["calls"][0]["name"] == "close"


def test_a_reader_that_leaves_is_no_error() -> None:
    done = picobox("syscalls", prefix=("sh", "-c", '"$@" | :', "sh"))
    assert done.stderr == b""


def test_classes_are_those_of_strace() -> None:
    assert names_of("%file") >= {"open", "openat", "stat", "execve", "unlink"}
    assert names_of("%memory") >= {"mmap", "brk"}
    assert names_of("%%stat") >= {"stat", "lstat", "fstat", "newfstatat"} > names_of("%stat")


def test_a_negation_keeps_unknown_numbers() -> None:
    assert parse_selection("!close").includes(None)
    assert not parse_selection("close").includes(None)
    assert EVERYTHING.includes(None)
    assert not parse_selection("none").includes(None)
    assert not parse_selection("!all").includes(BY_NAME["close"])


@pytest.mark.parametrize(
    ("item", "nearest"), [("opneat", "openat"), ("%fiel", "%file"), ("file", "%file"), ("Close", "close")]
)
def test_an_unknown_name_has_a_nearest_one(item: str, nearest: str) -> None:
    with pytest.raises(UnknownCallError, match=f"{item}.*{nearest}"):
        names_of(item)
