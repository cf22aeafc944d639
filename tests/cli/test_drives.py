"""Drives and volumes as a user sees them: the NT names in a trace of profile nt."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from .command import Words, picobox

if TYPE_CHECKING:
    from pathlib import Path

LINE = re.compile(rb" openat\(AT_FDCWD, \"(?P<path>[^\"]*)\".*\n    ~?NtCreateFile(?: (?P<name>.*))? -> ")


def opened(*words: Words, options: tuple[Words, ...] = (), paths: tuple[str, ...]) -> dict[str, str | None]:
    """The NT name under which `cat` opens each of the paths."""
    done = picobox("trace", "--profile", "nt", "-e", "openat", *words, *options, "--", "cat", *paths)
    found = {match["path"].decode(): match["name"] for match in LINE.finditer(done.stderr)}
    return {path: found[path].decode() if found[path] is not None else None for path in paths}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with what the tests open."""
    (tmp_path / "Sub" / "Deep").mkdir(parents=True)
    (tmp_path / "Sub" / "File").touch()
    (tmp_path / "Sub" / "Deep" / "File").touch()
    (tmp_path / "Link").symlink_to("Sub/File")
    (tmp_path / "Out").symlink_to("/etc/passwd")
    (tmp_path / "a:b").touch()
    return tmp_path


def test_the_working_directory_is_c(tree: Path) -> None:
    names = opened("-w", tree, paths=("Sub/File", "sUB/../Sub/File", "Link", "new", "a:b", "/etc/passwd", "Out"))
    assert names == {
        "Sub/File": r"\??\C:\Sub\File",
        "sUB/../Sub/File": r"\??\C:\Sub\File",
        "Link": r"\??\C:\Sub\File",
        "new": r"\??\C:\new",
        "a:b": r"\??\C:\a\uf03ab",
        "/etc/passwd": r"\Device\HarddiskVolume1\etc\passwd",
        "Out": r"\Device\HarddiskVolume1\etc\passwd",
    }


def test_the_working_directory_may_be_spelled_otherwise(tree: Path) -> None:
    assert opened("-w", f"{tree}/sUB", paths=("File",)) == {"File": r"\??\C:\File"}


def test_the_deepest_drive_has_a_file(tree: Path) -> None:
    names = opened(
        "-w", tree, "--drive", f"z={tree}/Sub/Deep", "--drive", f"D={tree}/Sub",
        paths=("a:b", "Sub/File", "Sub/Deep/File", "Sub/Deep", "Sub"),
    )  # fmt: skip
    assert names == {
        "a:b": r"\??\C:\a\uf03ab",
        "Sub/File": r"\??\D:\File",
        "Sub/Deep/File": r"\??\Z:\File",
        "Sub/Deep": "\\??\\Z:\\",
        "Sub": "\\??\\D:\\",
    }


def test_two_letters_of_a_directory_are_one_volume(tree: Path) -> None:
    names = opened("-w", tree, "--drive", f"D={tree}/Sub", "--drive", f"B={tree}/Sub", paths=("Sub/File",))
    assert names == {"Sub/File": r"\??\B:\File"}


def test_c_may_be_the_whole_tree(tree: Path) -> None:
    paths = (f"{tree}/Sub/File", "/etc/passwd", "/")
    names = opened("-w", tree, "--drive", "C=/", paths=paths)
    assert names == {path: "\\??\\C:" + path.replace("/", "\\") for path in paths}


def test_what_the_kernel_makes_up_has_no_nt_name(tree: Path) -> None:
    assert opened("-w", tree, paths=("/proc/self/status",)) == {"/proc/self/status": None}


def test_names_off_the_drives_are_escaped_as_volfs_has_them(tree: Path) -> None:
    (tree / "Sub" / "x?#").touch()
    names = opened("-w", f"{tree}/Sub/Deep", paths=("../x?#",))
    below = os.fspath(tree).replace("/", "\\")
    assert names == {"../x?#": rf"\Device\HarddiskVolume1{below}\Sub\x#003F#0023"}


def test_json_has_the_name(tree: Path) -> None:
    words = ("trace", "--profile", "nt", "--format", "jsonl", "-e", "openat,read", "-w", tree, "--", "cat", "a:b")
    events = [json.loads(line) for line in picobox(*words).stderr.splitlines() if line.startswith(b"{")]
    names = {event["args"][1]["value"]: event["nt"]["name"] for event in events if event.get("call") == "openat"}
    assert names["a:b"] == "\\??\\C:\\a\uf03ab"
    assert {event["nt"]["name"] for event in events if event.get("call") == "read"} == {None}
