"""The verb wslpath: what it prints, and how it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .command import COMMAND, picobox

if TYPE_CHECKING:
    from pathlib import Path

DRIVE = ("--drive", "C=/mnt/c")


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("C:\\Users",), "/mnt/c/Users"),
        (("-u", "C:/"), "/mnt/c/"),
        (("-w", "/mnt/c/no/such:file"), "C:\\no\\such\uf03afile"),
        (("-m", "/mnt/c/Users/"), "C:/Users/"),
    ],
)
def test_translations(words: tuple[str, ...], printed: str) -> None:
    done = picobox("wslpath", *DRIVE, *words, env={"PYTHONUTF8": "1"})
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, printed + "\n", b"")


def test_a_link_leads_to_its_drive(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    (tmp_path / "link").symlink_to("drive")
    done = picobox("wslpath", "--drive", f"q={tmp_path / 'drive'}", "-w", tmp_path / "link" / "x")
    assert done.stdout == b"Q:\\x\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("X:\\",), 1, "wslpath: X:\\: Invalid argument"),
        (("-w", "/etc"), 1, "wslpath: /etc: Invalid argument"),
        (("-u", "-w", "/"), 125, "choose one"),
        ((), 125, "PATH"),
        (("--drive", "CC=/", "x"), 125, "LETTER=DIR"),
        (("--drive", "C=x", "x"), 125, "absolute"),
    ],
)
def test_failures(words: tuple[str, ...], status: int, said: str) -> None:
    done = picobox("wslpath", *words)
    assert done.returncode == status
    assert said in done.stderr.decode()


def test_a_guest_of_wsl1_asks_its_own_mounts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    words = (*COMMAND, "wslpath", "-w", "/mnt/c/file")
    done = picobox("--profile", "wsl1", "-w", tmp_path, "--", *words)
    assert done.stdout == b"C:\\file\n"
