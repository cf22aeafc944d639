"""A virus scanner beside the program: retry loops are tried out, and a run ends as it does without one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ntshim.status import STATUS_SHARING_VIOLATION

from .found import check

SCANNER = [["virus-scanner", ""]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory to run in."""
    place = tmp_path / "project"
    place.mkdir()
    return place


def python(script: str) -> tuple[str, str, str, str]:
    return "--", sys.executable, "-c", script


CONFLICTS = """
import errno, os
with open("kept", "w") as file:
    file.write("x")
for attempt in (
    lambda: os.remove("kept"), lambda: os.rename("kept", "moved"), lambda: open("kept", "a"), lambda: open("kept")
):
    try:
        attempt()
        print("done")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""


def test_what_was_just_written_is_in_use(directory: Path) -> None:
    done = check(directory, "--enforce", "--virus-scanner=20000", *python(CONFLICTS))
    assert (done.status, done.errors) == (0, "")
    assert done.output.splitlines() == ["EACCES"] * 4
    assert [each.rule for each in done.found] == ["PB010", "PB011", "PB009"]
    assert all(each.others == SCANNER and each.status == STATUS_SHARING_VIOLATION for each in done.found)
    assert [each.name for each in directory.iterdir()] == ["kept"]


RETRIES = """
import os, time
open("file", "w").close()
refused, end = 0, time.monotonic() + 20
while True:
    try:
        os.remove("file")
        break
    except PermissionError:
        refused += 1
        assert time.monotonic() < end
        time.sleep(0.02)
print("retried" if refused else "at once")
"""


def test_who_retries_succeeds(directory: Path) -> None:
    done = check(directory, "--enforce", "--virus-scanner=150", *python(RETRIES))
    assert (done.status, done.output, done.errors) == (0, "retried\n", "")
    assert [*directory.iterdir()] == []


@pytest.mark.parametrize("platform", ["trace", "reference"])
@pytest.mark.parametrize(
    ("change", "rule", "call"),
    [
        ("os.remove('file')", "PB010", "unlink"),
        ("os.rename('file', 'other')", "PB011", "rename"),
        ("open('other', 'w').close(); time.sleep(0.5); open('file', 'w').close(); os.replace('other', 'file')",
         "PB012", "rename"),
        ("open('file')", "PB009", "openat"),
    ],
)  # fmt: skip
def test_observed(directory: Path, platform: str, change: str, rule: str, call: str) -> None:
    script = f"import os, time\nopen('file', 'w').close()\n{change}\nprint(sorted(os.listdir()))"
    done = check(directory, "--virus-scanner=200", "--platform", platform, *python(script))
    assert (done.status, done.errors) == (0, "")
    assert done.output in {"[]\n", "['file']\n", "['other']\n"}
    told = [each for each in done.found if each.rule == rule]
    assert [(each.call, each.path, each.others) for each in told] == [(call, "file", SCANNER)]
    assert {each.process for each in done.found} == {Path(sys.executable).resolve().name}


@pytest.mark.parametrize(
    "write",
    [
        "open('file', 'w').close()",
        "fd = os.open('file', os.O_CREAT | os.O_RDWR); os.dup2(0, fd)",
        "fd = os.open('file', os.O_CREAT | os.O_WRONLY); os.closerange(fd, fd + 1)",
        "subprocess.run(['sh', '-c', 'echo x > file; exec true'], check=True)",
        "subprocess.run(['sh', '-c', 'exec 8> file; echo x >&8'], check=True)",
    ],
)
def test_however_it_was_closed(directory: Path, write: str) -> None:
    done = check(
        directory, "--enforce", "--virus-scanner=20000", *python(f"import os, subprocess\n{write}\nos.remove('file')")
    )
    assert "PermissionError" in done.errors
    assert done.rules() == [("PB010", "file")]


@pytest.mark.parametrize(
    "script",
    [
        "open('file', 'w').close(); time.sleep(0.6); os.remove('file')",
        "other = open('file', 'w'); open('file', 'a').close(); open('file').close(); other.close()",
        "os.mkdir('d'); os.listdir('d'); os.rmdir('d')",
        "open('f', 'w').close(); time.sleep(0.6); r = open('f'); open('f', 'a').close(); time.sleep(0.1); r.close()",
    ],
    ids=["scanned", "written by two", "directory", "read by another"],
)
def test_what_is_not_just_written_is_free(directory: Path, script: str) -> None:
    done = check(directory, "--virus-scanner", *python(f"import os, time\n{script}"))
    assert (done.status, done.found, done.errors) == (0, [], "")


def test_what_was_only_read_is_free(directory: Path) -> None:
    (directory / "file").write_text("x")
    done = check(
        directory, "--enforce", "--virus-scanner=20000", *python("import os; open('file').read(); os.remove('file')")
    )
    assert (done.status, done.found, done.errors) == (0, [], "")


FAMILY = """
import os, sys
print(open(f"/proc/self/task/{os.getpid()}/children").read().split())
open("file", "w").close()
try:
    os.wait()
except ChildProcessError:
    print("no child")
"""


def scanners() -> list[Path]:
    """Command lines of scanners that run for a time that nobody else asks for."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if place.read_bytes().endswith(b"scanner_program.py\x0019876\0"):
                found.append(place)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("option", ["--virus-scanner=19876", "--wait-all"])
def test_it_is_no_child_and_ends_with_the_run(directory: Path, option: str) -> None:
    began = time.monotonic()
    done = check(directory, "--virus-scanner=19876", option, *python(FAMILY))
    assert (done.status, done.output.splitlines()) == (0, ["[]", "no child"])
    assert time.monotonic() - began < 15
    assert scanners() == []


KILLS = """
import os, signal, time
for pid in filter(str.isdecimal, os.listdir("/proc")):
    try:
        if open(f"/proc/{pid}/cmdline", "rb").read().endswith(b"scanner_program.py\\00019877\\0"):
            os.kill(int(pid), signal.SIGNAL)
    except OSError:
        pass
open("file", "w").close()
os.remove("file")
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
def test_a_check_goes_on_without_it(directory: Path, name: str) -> None:
    done = check(directory, "--enforce", "--virus-scanner=19877", *python(KILLS.replace("SIGNAL", name)))
    assert done.status == 0
    assert done.errors == "picobox: the virus scanner has ended: the check goes on without it.\n"
    assert "PB010" not in [each.rule for each in done.found]
    assert not (directory / "file").exists()


def test_signals_to_the_program_s_group_do_not_end_it(directory: Path) -> None:
    script = "import os, signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\nos.killpg(0, signal.SIGUSR1)\n"
    done = subprocess.run(
        [sys.executable, "-m", "picobox", "check", "--enforce", "--virus-scanner=20000", *python(script + CONFLICTS)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    assert done.stdout.splitlines()[:4] == ["EACCES"] * 4
    assert "the virus scanner has ended" not in done.stderr


def test_many_files_do_not_wait_for_one_another(directory: Path) -> None:
    script = "for number in range(600): open(f'file{number}', 'w').close()"
    began = time.monotonic()
    done = check(directory, "--virus-scanner=5000", *python(script))
    assert (done.status, done.found, done.errors) == (0, [], "")
    assert time.monotonic() - began < 30


def test_programs_that_run_at_once(directory: Path) -> None:
    script = "for i in 1 2 3 4; do (for j in 1 2 3 4 5 6 7 8; do echo x > f$i$j; cat f$i$j; done) & done; wait"
    done = check(directory, "--virus-scanner=1", "--inject", "mkdir:error=EIO:when=9", "--", "sh", "-c", script)
    assert (done.status, done.output, done.errors) == (0, "x\n" * 32, "")


@pytest.mark.parametrize(
    ("options", "works"), [((), True), (("--enforce", "--virus-scanner=2000"), False)], ids=["observed", "enforced"]
)
def test_git_meets_it(directory: Path, options: tuple[str, ...], works: bool) -> None:
    """The git of Linux renames its lock files once; only Git for Windows tries again."""
    script = "git init -q r && cd r && echo x > f && git add f && git -c user.name=x -c user.email=x@y commit -qm m"
    done = check(directory, "--virus-scanner", *options, "--", "sh", "-c", script)
    assert (done.status == 0) == works
    renamed = [each for each in done.found if each.path == "r/.git/HEAD.lock" and each.rule == "PB011"]
    assert [(each.process, each.others) for each in renamed] == [("git", SCANNER)]
