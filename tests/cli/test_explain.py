"""What `picobox explain` tells of a call: that it is what the table, the source and the statuses say."""

from __future__ import annotations

import json
import re
from errno import errorcode
from typing import Any

import pytest

from ntshim.status import status_of_errno
from picobox.abi.table import BY_NAME, ROWS
from picobox.cli.explain import explained, find, unknown

from .command import REPOSITORY, picobox


def told(call: str) -> dict[str, Any]:
    """The object that --json writes."""
    done = picobox("explain", "--json", call)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def line_of(place: str) -> str:
    """The line of source that a place names."""
    name, _, line = place.rpartition(":")
    return (REPOSITORY / name).read_text().splitlines()[int(line) - 1].strip()


def test_a_call_that_opens() -> None:
    call = told("openat")
    assert (call["nr"], call["answered"], call["manual"]) == (257, "native", "openat(2)")
    assert [argument["name"] for argument in call["args"]] == ["dirfd", "path", "flags", "mode"]
    assert call["returns"]["type"] == "Fd"
    assert call["nt"]["service"] == "NtCreateFile"
    assert call["nt"]["does"].startswith("Open or make a file")
    statuses = {(error["errno"], error["status"]["name"]) for error in call["errors"]}
    assert {("ENOENT", "STATUS_OBJECT_NAME_NOT_FOUND"), ("EINVAL", "STATUS_INVALID_EA_NAME")} <= statuses


def test_it_is_found_by_its_number() -> None:
    assert told("257") == told("0x101") == told("openat")
    assert find("100000") is None


def test_a_call_that_is_refused_says_with_what() -> None:
    call = told("userfaultfd")
    assert call["answered"] == "errno ENOSYS"
    assert call["note"]
    assert [error["errno"] for error in call["errors"]] == ["ENOSYS"]
    assert call["source"]["handler"] is None


@pytest.mark.parametrize("name", ["close", "execve", "rename", "getxattr"])
def test_places_are_those_of_the_source(name: str) -> None:
    source = told(name)["source"]
    assert line_of(source["row"]).startswith(f'row("{name}", x86_64={BY_NAME[name].nr},')
    assert re.match(rf"(@|def {name}\()", line_of(source["handler"]))


def test_every_row_is_explained() -> None:
    for row in ROWS:
        call: dict[str, Any] = explained(row)
        json.dumps(call)
        assert line_of(call["source"]["row"]).startswith(f'row("{row.name}", '), row
        for error in call["errors"]:
            assert error["errno"] in errorcode.values(), (row, error)
            assert error["status"]["name"].startswith("STATUS_"), (row, error)
        if row.do.errno:
            first = call["errors"][0]
            assert (first["errno"], first["status"]["value"]) == (
                errorcode[row.do.errno],
                status_of_errno(row.do.errno),
            )


def test_services_that_exist_are_located() -> None:
    located = {call["nt"]["source"] for call in map(explained, ROWS) if call["nt"] and call["nt"]["source"]}  # type: ignore[index]
    assert len(located) > 10
    assert all(line_of(place).startswith("@service") for place in located)


def test_as_tables() -> None:
    text = picobox("explain", "close").stdout.decode()
    assert text.startswith("3 close(fd)\n")
    assert re.search(r"^handler +picobox/syscalls/files.py:\d+$", text, re.MULTILINE)
    assert re.search(r"^EBADF +STATUS_INVALID_HANDLE \(0xc0000008\) +the kernel, for fd$", text, re.MULTILINE)


@pytest.mark.parametrize(("call", "nearest"), [("opnat", "openat"), ("999999", "picobox syscalls")])
def test_an_unknown_call(call: str, nearest: str) -> None:
    done = picobox("explain", call)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.decode() == f"picobox explain: {unknown(call)}\n"
    assert nearest in done.stderr.decode()


def test_no_call_is_bad_usage() -> None:
    assert picobox("explain").returncode == 125
