"""Files that reports are written to: as a whole, or added to what a descriptor leads to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picobox.findings import files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_text("the old text")
    (tmp_path / "link").symlink_to(report)
    files.replace(str(tmp_path / "link"), "new")
    assert report.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "report"]


def test_a_pipe_of_ours_is_written_to(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    (tmp_path / "stdout").symlink_to(f"/proc/self/fd/{writer}")
    files.replace(f"/dev/fd/{writer}", "one")
    files.replace(str(tmp_path / "stdout"), "two")
    os.close(writer)
    with open(reader) as opened:
        assert opened.read() == "onetwo"


def test_a_file_of_ours_is_added_to(tmp_path: Path) -> None:
    """The program has written its output there."""
    with open(tmp_path / "output", "w") as opened:
        opened.write("told\n")
        opened.flush()
        files.replace(f"/proc/self/fd/{opened.fileno()}", "report\n")
    assert (tmp_path / "output").read_text() == "told\nreport\n"
