"""Which interpreters a program names, and that no file of a guest's holds or breaks who looks for them."""

from __future__ import annotations

import os
from struct import pack
from typing import TYPE_CHECKING

import pytest

from picobox.confine.interpreters import interpreters

if TYPE_CHECKING:
    from pathlib import Path

_MOST = (1 << 64) - 1
_ELF = b"\x7fELF\x02\x01".ljust(32, b"\0")


def header(offset: int, count: int) -> bytes:
    """The header of an ELF file whose program headers are there."""
    return (_ELF + pack("<Q", offset)).ljust(56, b"\0") + pack("<H", count) + bytes(6)


def test_a_script_names_its_interpreter_and_that_its_own(tmp_path: Path) -> None:
    (tmp_path / "outer").write_text("#! /inner -x\n")
    (tmp_path / "inner").write_text("#!/bin/../lib/loader\n")
    assert interpreters(os.fsencode(tmp_path), b"/outer") == [b"/inner", b"/lib/loader"]


@pytest.mark.parametrize(
    "content",
    [
        b"#!/in\0side\n",
        header(_MOST, 1),
        header(1 << 63, 1),
        header(64, 1) + pack("<I4xQ16xQ16x", 3, _MOST, 10),
        header(64, 65535),
        b"#!",
        b"",
    ],
    ids=["zero", "offset", "offset-2", "place", "short", "nobody", "empty"],
)
def test_what_a_guest_has_written_breaks_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "program").write_bytes(content)
    found = interpreters(os.fsencode(tmp_path), b"/program")
    assert found == ([b"/in\0side"] if b"side" in content else [])


@pytest.mark.timeout(10, method="signal")
def test_a_pipe_and_a_terminal_hold_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert interpreters(os.fsencode(tmp_path), b"/pipe") == []
    assert interpreters(b"", b"/dev/ptmx") == []
