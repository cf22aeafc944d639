"""Where case counts: the modes of --case on and off the drives, and the flag of directories (facts/wsl1.md 4.5)."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from build import compile_source

from ntshim.fs.case_flag import CASE_XATTR

from . import cases
from .guests import HERE, run, shell

if TYPE_CHECKING:
    from pathlib import Path

FLAG = "system.wsl_case_sensitive"
PLATFORMS = ("trace", "reference")
MODES = ("insensitive", "per-directory", "sensitive")
# Directories relative to the drive's root, where names are exact in each mode.
EXACT = {
    "insensitive": set[str](),
    "per-directory": {"Flagged", "../Off"},
    "sensitive": {"Flagged", "Plain", "../Off"},
}
DIRECTORIES = (".", "Flagged", "Plain", "../Off")


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """The root of C:, with a name in each directory of the table; beside it a directory that is on no drive."""
    root = tmp_path / "drive"
    root.mkdir()
    for name in DIRECTORIES:
        (root / name).mkdir(exist_ok=True)
        (root / name / cases.STORED).touch()
    os.setxattr(root / "Flagged", CASE_XATTR, b"1")
    return root


def flagged(directory: Path) -> bool:
    """What the host keeps."""
    try:
        return os.getxattr(directory, CASE_XATTR) == b"1"
    except OSError:
        return False


@pytest.mark.parametrize("mode", MODES)
def test_every_operation_in_every_mode_and_directory(drive: Path, mode: str) -> None:
    done = run(drive, sys.executable, HERE / "cases.py", *DIRECTORIES, options=("--case", mode))
    assert (done.status, done.stderr) == (0, "")
    expected = {
        directory: dict.fromkeys(cases.OPERATIONS, "new" if directory in EXACT[mode] else "stored")
        for directory in DIRECTORIES
    }
    assert json.loads(done.stdout) == expected


@pytest.mark.parametrize(("mode", "inside"), [("off", True), ("dir", True), ("force", False)])
def test_directories_are_entered(drive: Path, mode: str, inside: bool) -> None:
    """The root's own names are found in every spelling unless it is flagged, those below it as its directories say."""
    (drive / "Plain" / "Inner").mkdir()
    options = ("--case", mode)
    script = "cd pLAIN && /bin/pwd -P; cd iNNER 2>/dev/null && /bin/pwd -P; true"
    below = f"{drive}/Plain/Inner\n" if inside else ""
    assert shell(drive, script, options=options) == (0, f"{drive}/Plain\n{below}", "")


@pytest.mark.parametrize("mode", MODES)
def test_off_the_drive_directories_are_entered_as_under_linux_if_case_counts(drive: Path, mode: str) -> None:
    script = f"cd {drive.parent}/oFF 2>/dev/null && echo entered; true"
    assert shell(drive, script, options=("--case", mode)).stdout == ("entered\n" if mode == "insensitive" else "")


def test_a_drive_inside_another_one_has_a_root_of_its_own(drive: Path) -> None:
    options = ("--case", "sensitive", "--drive", f"D={drive}/Plain")
    script = "ls Plain/NAME Flagged/NAME 2>/dev/null; cd Plain && ls NAME"
    assert shell(drive, script, options=options) == (0, "Plain/NAME\nNAME\n", "")


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("mode", MODES)
def test_new_directories_of_drives_get_the_flag(drive: Path, mode: str, platform: str) -> None:
    script = "umask 277; mkdir New Flagged/New Plain/New; cd ..; mkdir Off/New; mkdir drive/Flagged/NEW"
    done = shell(drive, script, options=("--case", mode), platform=platform)
    expected = mode != "insensitive"
    assert done.status == (0 if expected else 1)
    new = {name: flagged(drive / name / "New") for name in DIRECTORIES}
    assert new == {".": expected, "Flagged": expected, "Plain": expected, "../Off": False}
    assert (drive / "New").stat().st_mode & 0o777 == 0o500


def test_a_name_in_two_spellings_is_renamed_and_removed(drive: Path) -> None:
    script = "cd Flagged; mkdir NAME; mv name Other; mv NAME nAME; rmdir name 2>/dev/null; rmdir nAME; ls"
    assert shell(drive, script, options=("--case", "dir")) == (0, "Other\n", "")


def ask(drive: Path, what: str, path: str, platform: str = "trace", mode: str = "per-directory") -> list[str]:
    """The lines of case_flag.c, with the names of errors."""
    tool = compile_source(HERE / "case_flag.c")
    done = run(drive, tool, what, path, options=("--case", mode), platform=platform)
    assert (done.status, done.stderr) == (0, "")
    return [named(line) for line in done.stdout.splitlines()]


def named(line: str) -> str:
    """A line with the name of its error number."""
    head, _, number = line.rpartition(" -")
    return f"{head} {errno.errorcode[int(number)]}" if head else line


GET = ["getxattr", "lgetxattr", "fgetxattr", "getxattrat"]
LIST = ["listxattr", "llistxattr", "flistxattr", "listxattrat"]
SHOWN = f"{len(FLAG) + 1} {FLAG}"


def only_known(lines: list[str], words: list[str]) -> list[str]:
    """What is expected of these calls, without the last one where the kernel has none (Linux 6.13)."""
    known = any(line.startswith(words[-1] + " ") for line in lines)
    return words if known else words[:-1]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(("path", "value"), [("Plain", 0), ("Flagged", 1)])
def test_the_flag_is_read(drive: Path, path: str, value: int, platform: str) -> None:
    lines = ask(drive, "get", path, platform)
    assert lines == [
        *(f"{call} 1 {value}" for call in only_known(lines, GET)),
        "get size 1", "get nothing ERANGE", "get badly EFAULT", "get kept ENODATA", "get other ENOTSUP",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["Flagged/name", "../Off"])
def test_only_directories_of_drives_have_the_flag(drive: Path, path: str) -> None:
    lines = ask(drive, "get", path)
    calls = [*only_known(lines, GET), "get size", "get nothing", "get badly"]
    assert lines == [*(f"{call} ENOTSUP" for call in calls), "get kept ENODATA", "get other ENOTSUP"]


def test_a_link_has_no_flag_and_leads_to_one(drive: Path) -> None:
    (drive / "Link").symlink_to("fLAGGED")
    lines = ask(drive, "get", "Link")
    assert lines[:3] == ["getxattr 1 1", "lgetxattr ENOTSUP", "fgetxattr 1 1"]
    assert ask(drive, "list", "Link")[:2] == [f"listxattr {SHOWN}", "llistxattr 0"]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("path", ["Plain", "Flagged"])
def test_the_flag_is_listed_and_the_host_s_attribute_is_not(drive: Path, path: str, platform: str) -> None:
    os.setxattr(drive / path, "user.other", b"text")
    lines = ask(drive, "list", path, platform)
    count, names = len("user.other") + 1 + len(FLAG) + 1, f"user.other {FLAG}"
    calls = only_known(lines, LIST)
    assert lines == [*(f"{call} {count} {names}" for call in calls), f"list size {count}", "list short ERANGE"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_flag_of_an_empty_directory_is_set(drive: Path, platform: str) -> None:
    (drive / "Plain" / cases.STORED).unlink()
    lines = ask(drive, "set", "Plain", platform)
    at = ["setxattrat 0"] if "setxattrat 0" in lines else []
    removals = [line for line in lines if "remove" in line]
    assert [line.rpartition(" ")[2] for line in removals] == ["ENOTSUP"] * (3 + len(at))
    assert [line for line in lines if line not in removals] == [
        "set create EEXIST", "set other value EINVAL", "set long EINVAL", "set empty EINVAL", "set bad flags EINVAL",
        "set kept EPERM", "set other ENOTSUP", "setxattr 0", "then 1 1", "lsetxattr 0", "then 1 0", "fsetxattr 0",
        "then 1 1", *at, "then 1 0",
    ]  # fmt: skip
    assert not flagged(drive / "Plain")


def test_the_flag_of_a_directory_with_entries_stays_unset(drive: Path) -> None:
    lines = ask(drive, "set", "Plain")
    assert [line for line in lines if line.startswith(("setxattr", "fsetxattr", "then"))][:4] == [
        "setxattr ENOTEMPTY", "then 1 0", "then 1 0", "fsetxattr ENOTEMPTY",
    ]  # fmt: skip
    assert not flagged(drive / "Plain")


def test_the_flag_stays_set_over_names_that_differ_in_case(drive: Path) -> None:
    (drive / "Flagged" / cases.ASKED).touch()
    assert "lsetxattr EINVAL" in ask(drive, "set", "Flagged")
    assert flagged(drive / "Flagged")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who it is")
def test_who_may_not_write_a_directory_may_not_flag_it(drive: Path) -> None:
    (drive / "Plain" / cases.STORED).unlink()
    for directory in (drive, *drive.parents):
        if directory.stat().st_mode & 0o001 == 0:
            directory.chmod(directory.stat().st_mode | 0o011)
    shutil.copy(compile_source(HERE / "case_flag.c"), drive / "tool")
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    done = run(drive, *nobody, "./tool", "set", "Plain", options=("--case", "dir"))
    assert f"setxattr -{errno.EACCES}" in done.stdout.splitlines()
    assert not flagged(drive / "Plain")


@pytest.mark.parametrize("path", ["Plain", "Flagged"])
def test_without_case_there_is_no_flag(drive: Path, path: str) -> None:
    lines = ask(drive, "get", path, mode="insensitive")
    assert {line.rpartition(" ")[2] for line in lines[: len(only_known(lines, GET))]} == {"ENOTSUP"}
