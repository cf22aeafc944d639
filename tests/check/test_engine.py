"""What a check does with calls that Windows would refuse: observed and enforced, told once, and of whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

BUG = "import os\nfile = open('x', 'w')\nos.unlink('x')\n"


@pytest.mark.parametrize(
    ("program", "options", "status"),
    [
        pytest.param("pass", (), 0, id="nothing found"),
        pytest.param(BUG, (), 1, id="found"),
        pytest.param(BUG + "raise SystemExit(7)", (), 7, id="the program's own"),
        pytest.param(BUG + "os.kill(os.getpid(), 9)", (), 137, id="killed"),
        pytest.param(BUG, ("--fail-on", "never"), 0, id="never fails"),
        pytest.param("import os; os.symlink('a', 'b')", ("--fail-on", "error"), 0, id="below the threshold"),
        pytest.param("import os; os.symlink('a', 'b')", ("--fail-on", "warning"), 1, id="at the threshold"),
        pytest.param(BUG, ("--enforce",), 1, id="enforced: the program fails"),
        pytest.param("pass", ("--profile", "nt"), 125, id="no profile of Windows"),
        pytest.param("pass", ("--baseline", "absent"), 125, id="bad option"),
    ],
)
def test_exit_status(tmp_path: Path, program: str, options: tuple[str, ...], status: int) -> None:
    done = check(tmp_path, program, *options)
    assert done.status == status
    assert done.rules == (["PB010"] if "unlink" in program else ["PB019"] if "symlink" in program else []), done


ON_LINUX = """
import fcntl, os
seen = []
def does(action, *arguments):
    try:
        seen.append(action(*arguments) is None)
    except OSError as error:
        seen.append(error.errno)
f = open("x", "w"); does(os.unlink, "x"); does(os.unlink, "x")
open("x", "w").close(); seen.append(os.path.exists("X")); open("X", "w").close(); seen.append(sorted(os.listdir(".")))
for name in ("con", "a:b", "c?", "dot.", "blank ", "d" * 255):
    does(os.mkdir, name); seen.append(os.path.isdir(name))
does(os.rename, "con", "aux"); does(os.rename, "aux", "d?")
os.mkdir("in"); g = open("in/y", "w"); does(os.rename, "in", "out"); does(os.rmdir, "out")
os.chdir("out"); does(os.rmdir, "../out"); os.unlink("y"); does(os.rmdir, "../out"); does(os.mkdir, "z"); os.chdir("/")
print(seen)
"""


def test_an_observed_program_meets_linux(tmp_path: Path) -> None:
    import subprocess
    import sys

    native = tmp_path / "native"
    native.mkdir()
    expected = subprocess.run(
        [sys.executable, "-c", ON_LINUX], cwd=native, capture_output=True, text=True, check=True
    ).stdout
    assert "[True, 2, False, ['X', 'x']" in expected
    done = check(tmp_path, ON_LINUX)
    assert done.stdout == expected, done.stderr
    assert {"PB001", "PB003", "PB004", "PB005", "PB006", "PB010", "PB013", "PB014"} <= set(done.rules)


def test_what_is_told_is_left_alone(tmp_path: Path) -> None:
    """The file is marked until it is closed; the next one of the same name is another file."""
    again = "import os\nfor i in range(3):\n file = open('x', 'w'); os.link('x', 'y'); os.unlink('x'); os.unlink('y')\n"
    done = check(tmp_path, again + " os.rename('/dev/fd/%d' % file.fileno(), 'z') if 0 else file.close()\n")
    assert [(finding.rule, finding.count) for finding in done.findings] == [("PB010", 3)]
    renamed = "import os\nf = open('a', 'w'); os.rename('a', 'b'); os.rename('b', 'c'); os.unlink('c')"
    assert check(tmp_path, renamed).rules == ["PB011"]
    moved = "import os\nos.mkdir('d'); f = open('d/x', 'w'); os.rename('d', 'e'); os.rename('e', 'd')"
    assert check(tmp_path, moved).rules == ["PB013"]


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            "r, w = os.pipe(); f = open('x', 'w')\n"
            "if not os.fork(): os.read(r, 1); os._exit(0)\n"
            "f.close(); os.unlink('x'); os.write(w, b'.'); os.wait()",
            id="only a forked child has it",
        ),
        pytest.param("f = open('x', 'w'); f.close(); os.rename('x', 'y'); os.unlink('y')", id="closed before"),
        pytest.param("open('/dev/shm/pb', 'w'); f = open('/dev/shm/pb'); os.unlink('/dev/shm/pb')", id="on no drive"),
        pytest.param(
            "os.mkdir('d'); f = open('d/x', 'w')\ntry: os.rmdir('d')\nexcept OSError: pass\nelse: 1 / 0",
            id="refused by Linux",
        ),
        pytest.param("f = open('x', 'w'); os.link('x', 'y'); f.close(); os.unlink('x')", id="link of an open file"),
        pytest.param("f = open('x', 'w'); g = open('x'); f.close(); g.close(); os.unlink('x')", id="shared opens"),
        pytest.param(
            "os.mkdir('d'); it = os.scandir('d'); os.rename('d', 'e'); os.rmdir('e'); it.close()", id="listed"
        ),
        pytest.param("import tempfile; f = tempfile.TemporaryFile(); f.write(b'x'); f.close()", id="anonymous file"),
    ],
)
def test_what_is_no_finding(tmp_path: Path, program: str) -> None:
    done = check(tmp_path, f"import os\n{program}")
    assert (done.status, [rule for rule in done.rules if rule != "PB022"]) == (0, []), done


def test_both_sides_are_told(tmp_path: Path) -> None:
    before = time.time()
    program = """
import os, subprocess, sys
open("x", "w").close()
reader = "import sys; f = open('x'); print(1, flush=True); sys.stdin.read()"
p = subprocess.Popen([sys.executable, "-c", reader], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
p.stdout.readline(); os.unlink("x"); p.communicate()
"""
    (finding,) = check(tmp_path, program).findings
    assert (finding.rule, finding.status, finding.severity) == ("PB010", st.STATUS_SHARING_VIOLATION, "error")
    assert finding.path == str(tmp_path / "work" / "x")
    (other,) = finding.others
    assert (finding.side.call, other.call) == ("unlink", "openat")
    assert finding.side.process.pid != other.process.pid
    assert other.process.arguments[1] == "-c"
    assert (other.access, other.share, other.handle, other.fd) == ("R", "RW", 16, 3)
    assert before < other.time < finding.side.time < time.time()


@pytest.mark.parametrize(
    ("program", "rules"),
    [
        pytest.param(
            "import os, tempfile; d = tempfile.mkdtemp(); f = open(d + '/x', 'w'); os.unlink(d + '/x'); os.rmdir(d)",
            ["PB024"],
            id="in the directory for temporary files",
        ),
        pytest.param(
            "import os; os.mkdir('d'); f = open('d/x', 'w'); os.unlink('d/x'); os.rmdir('d')",
            ["PB010", "PB014"],
            id="in the project",
        ),
        pytest.param(
            "import tempfile; d = tempfile.TemporaryDirectory(dir='.'); f = open(d.name + '/x', 'w'); d.cleanup()",
            ["PB024"],
            id="a temporary directory in the project",
        ),
    ],
)
def test_files_left_open_in_directories(tmp_path: Path, program: str, rules: list[str]) -> None:
    assert check(tmp_path, program).rules == rules


def test_share_modes_of_other_programs(tmp_path: Path) -> None:
    """--share gives a program the share mode of another runtime."""
    assert check(tmp_path, BUG, "--share", "RWD").rules == []


@pytest.mark.parametrize("profile", ["windows10", "windows11"])
def test_an_enforced_program_meets_windows(tmp_path: Path, profile: str) -> None:
    program = BUG.replace("os.unlink('x')", "try: os.unlink('x')\nexcept PermissionError: print('refused', flush=True)")
    done = check(tmp_path, program + "print(os.path.exists('X'))", "--enforce", "--profile", profile)
    assert (done.status, done.stdout, done.rules) == (1, "refused\nTrue\n", ["PB010"])


FALLS_BACK = """
import contextlib, os, pathlib
def link(name):
    try:
        os.symlink("target", name)
    except (OSError, NotImplementedError):
        pass
link("a")
with contextlib.suppress(OSError):
    pathlib.Path("b").symlink_to("target")
"""
DOES_NOT = """
import os
try:
    raise OSError
except OSError:
    os.symlink("target", "a")
try:
    os.symlink("target", "b")
except PermissionError:
    pass
"""


LINKS = """
import os, tempfile
directory = tempfile.mkdtemp()
os.symlink("target", directory + "/first")
os.symlink("target", tempfile.mkdtemp() + "/second")
os.symlink("target", directory + "/third")
os.symlink("target", "one")
os.symlink("target", "two")
"""


def test_links_among_temporary_files_are_one_fact(tmp_path: Path) -> None:
    """Those are of tests; what a program makes where it works is told link by link."""
    done = check(tmp_path, LINKS)
    assert done.rules == ["PB019"] * 3
    assert [finding.path.rpartition("/")[2] for finding in done.findings] == ["first", "one", "two"]
    assert [finding.count for finding in done.findings] == [3, 1, 1]
    assert [each.path.rpartition("/")[2] for each in done.findings[0].also] == ["second", "third"]


FOR_POSIX = """
import os, sys
if os.name == "posix":
    with open("x", "w"):
        os.unlink("x")
def lock():
    if sys.platform == "win32":
        return
    with open("y", "w"):
        os.unlink("y")
lock()
"""


def test_what_a_source_keeps_from_windows_is_no_finding(tmp_path: Path) -> None:
    script = tmp_path / "for_posix.py"
    run = f"import runpy; runpy.run_path({str(script)!r})"
    script.write_text(FOR_POSIX)
    assert check(tmp_path, run).rules == []
    script.write_text(FOR_POSIX.replace('os.name == "posix"', "True").replace('== "win32"', '== "darwin"'))
    assert check(tmp_path, run).rules == ["PB010", "PB010"]


READ_ONLY = """
import os, shutil, stat, tempfile
def make_writable(function, path, error):
    os.chmod(path, stat.S_IWRITE)
    function(path)
def tree():
    directory = tempfile.mkdtemp()
    with open(directory + "/x", "w") as file:
        os.fchmod(file.fileno(), 0o444)
    return directory
shutil.rmtree(tree(), onerror=make_writable)
path = tree() + "/x"
try:
    os.unlink(path)
except PermissionError:
    os.chmod(path, stat.S_IWRITE)
    os.unlink(path)
"""


def test_who_makes_writable_what_cannot_be_removed_is_prepared(tmp_path: Path) -> None:
    script = tmp_path / "removes.py"
    run = f"import runpy; runpy.run_path({str(script)!r})"
    script.write_text(READ_ONLY)
    assert check(tmp_path, run).rules == []
    script.write_text(
        READ_ONLY.replace(", onerror=make_writable", "").replace("except PermissionError", "except KeyError")
    )
    assert check(tmp_path, run).rules == ["PB017", "PB017"]


ASKS = """
import os
def can_link():
    try:
        os.symlink("target", "a")
    except OSError:
        return False
    return True
if can_link():
    os.symlink("target", "b")
"""


@pytest.mark.parametrize(("program", "rules"), [(FALLS_BACK, []), (ASKS, []), (DOES_NOT, ["PB019", "PB019"])])
def test_a_link_that_may_be_refused_is_no_finding(tmp_path: Path, program: str, rules: list[str]) -> None:
    """The rule's own advice is to go on where a link is refused."""
    script = tmp_path / "links.py"
    script.write_text(program)
    done = check(tmp_path, f"import runpy; runpy.run_path({str(script)!r})")
    assert done.rules == rules
    if program == FALLS_BACK:
        assert check(tmp_path / "enforced", f"import runpy; runpy.run_path({str(script)!r})", "--enforce").status == 1


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    place = tmp_path / "reports"
    place.mkdir()
    done = check(tmp_path, f"{BUG}os.rmdir({str(place)!r})", "-o", str(place / "report.json"))
    assert done.status == 125
    assert "error PB010: a file deleted while it is open" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"picobox: {place}/report.json: No such file or directory.")
