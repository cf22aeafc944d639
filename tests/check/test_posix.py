"""What Windows lacks, done by real programs: each is found once, and nothing of what is right is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build import compile_source

from ntshim import status as st

from .found import check

if TYPE_CHECKING:
    from .found import Found

PROGRAM = Path(__file__).with_name("posix.c")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory to run in."""
    place = tmp_path / "project"
    place.mkdir()
    return place


def facts(found: list[Found]) -> list[tuple[str, int, str, str]]:
    return [(each.rule, each.status, each.path, each.call) for each in found]


def test_what_windows_lacks(directory: Path) -> None:
    program = shutil.copy(compile_source(PROGRAM), directory / "program")
    done = check(directory, "--", program, "bugs")
    assert (done.status, done.errors) == (0, "")
    assert facts(done.found) == [
        ("PB019", st.STATUS_PRIVILEGE_NOT_HELD, "link", "symlink"),
        ("PB021", st.STATUS_NOT_SUPPORTED, "fifo", "mknodat"),
        ("PB021", st.STATUS_NOT_SUPPORTED, "socket", "bind"),
        ("PB021", st.STATUS_SUCCESS, "file", "chmod"),
        ("PB021", st.STATUS_SUCCESS, "file", "newfstatat"),
        ("PB025", st.STATUS_SUCCESS, "file", "newfstatat"),
        ("PB022", st.STATUS_NOT_SUPPORTED, "program", "clone"),
        ("PB023", st.STATUS_NOT_SUPPORTED, "program", "rt_sigaction"),
        ("PB023", st.STATUS_NOT_SUPPORTED, "program", "kill"),
        ("PB023", st.STATUS_NOT_SUPPORTED, "program", "tgkill"),
        ("PB023", st.STATUS_NOT_SUPPORTED, "program", "setitimer"),
        ("PB020", st.STATUS_TOO_MANY_LINKS, "file", "link"),
    ]
    assert done.found[-1].times == 1030 - 1023


def test_what_windows_has(directory: Path) -> None:
    program = shutil.copy(compile_source(PROGRAM), directory / "program")
    done = check(directory, "--", program, "clean")
    assert (done.status, done.errors, done.found) == (0, "", [])


def test_programs_get_the_answers_of_windows(directory: Path) -> None:
    script = """
import errno, os, socket
def attempt(call, *arguments):
    try:
        call(*arguments)
        print("made")
    except OSError as error:
        print(errno.errorcode[error.errno])
open("file", "w").close()
attempt(os.symlink, "file", "link")
attempt(os.mkfifo, "fifo")
attempt(socket.socket(socket.AF_UNIX).bind, "socket")
print(os.listdir("."))
"""
    done = check(directory, "--enforce", "--", sys.executable, "-c", script)
    assert done.output.splitlines() == ["EINVAL", "EINVAL", "EINVAL", "['file']"]
    assert done.rules() == [("PB019", "link"), ("PB021", "fifo"), ("PB021", "socket")]


@pytest.mark.full
def test_manager(directory: Path) -> None:
    """The address that multiprocessing chooses is a named pipe on Windows; its whole path must be short on Linux."""
    (directory / "managed.py").write_text(
        """
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.dict(one=1)
        print(shared["one"])
"""
    )
    done = check(directory, "--enforce", "--", sys.executable, "managed.py")
    assert (done.output, done.rules()) == ("1\n", [])


# What they do by themselves when they start and work is no finding.
RUNTIMES = {
    "bash": 'x=$(echo hi); (echo a > f); cat f | while read a; do :; done; trap "" USR1; timeout 5 true; kill -0 $$',
    "sh": "umask 077; (cd /; true) & wait; for f in *; do test -x $f; done; chmod 755 .; cp -p /etc/passwd .",
    "git": "git init -q . && echo a > a && git add a && git -c user.name=x -c user.email=x@y commit -qm m && git gc -q",
    "perl": 'perl -e \'open my $f, ">x"; close $f; chmod 0600, "x"; print -s "x"; system "true"; alarm 9\'',
    "node": """node -e 'require("fs").writeFileSync("x", "", {mode: 0o600}); require("child_process").execSync("true");
        require("fs").chmodSync("x", 0o700); console.log(require("fs").statSync("x").size)'""",
    "java": "java -version",
    "tar": "mkdir d; echo a > d/a; chmod 600 d/a; tar cf d.tar d && rm -r d && tar xpf d.tar",
    "make": "printf 'all: x\\nx:\\n\\ttouch x; (true)\\n' > Makefile; make -s",
}


@pytest.mark.parametrize("name", RUNTIMES)
def test_runtimes_and_tools(directory: Path, name: str) -> None:
    done = check(directory, "--", "sh", "-c", RUNTIMES[name])
    assert (done.status, done.found) == (0, [])


def test_scripts(directory: Path) -> None:
    (directory / "x.sh").write_text("touch f; chmod 600 f; stat -c %a f; ln -s f l; mkfifo p; kill -USR1 $$\n")
    done = check(directory, "--", "sh", "x.sh")
    assert done.status == 128 + 10
    assert done.rules() == [("PB021", "f"), ("PB019", "l"), ("PB021", "p"), ("PB023", "x.sh")]
    (directory / "x.pl").write_text(
        "unless (fork) { open F, '>', 'g'; exit }\nwait; chmod 0600, 'g'; print((stat 'g')[2])"
    )
    assert check(directory, "--", "perl", "x.pl").rules() == [("PB022", "x.pl"), ("PB021", "g")]


def test_looks_that_are_no_longer_wanted(directory: Path) -> None:
    """What is waited for is given up after so many looks at files that are called so; others do not count."""
    script = "import os\nopen('f', 'w').close()\nos.chmod('f', 0o600)\nfor i in range(2100): os.path.exists(f'{i}/f')\n"
    (directory / "x.py").write_text(script + "print(oct(os.stat('f').st_mode))\n")
    done = check(directory, "--", sys.executable, "x.py")
    assert (done.status, done.output, done.errors, done.found) == (0, "0o100600\n", "", [])


def test_children_that_are_killed(directory: Path) -> None:
    script = "import os, signal, time\npid = os.fork()\nif not pid: time.sleep(60)\nos.kill(pid, signal.SIGKILL)\n"
    (directory / "x.py").write_text(script)
    assert check(directory, "--", sys.executable, "x.py").rules() == [("PB022", "x.py")]
