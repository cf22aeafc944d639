"""Calls that tell a check nothing by what they name are not shown to it, the others are, whatever way leads there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build import COMPILER

from .checked import TIMEOUT, check

if TYPE_CHECKING:
    from collections.abc import Mapping

COPYING = Path(__file__).parent / "guests" / "copies.c"
# The directory of the run is a drive, the one it lies in is none.
PLACES = """
import os
work = os.getcwd()
top = os.path.dirname(work)
outside = os.path.join(top, 'outside')
os.mkdir(outside)
os.symlink(work, os.path.join(outside, 'link'))
os.symlink(os.path.join(work, 'x'), os.path.join(outside, 'file'))
for place in (work, outside):
    open(os.path.join(place, 'x'), 'w').close()
"""
WAYS = {
    "absolute": "work + '/x'",
    "relative": "'x'",
    "link to the directory": "outside + '/link/x'",
    "link to the file": "outside + '/file'",
    "dots": "outside + '/../work/x'",
    "dots at the end of the way": "outside + '/link/../work/./x'",
    "two separators": "'/' + work + '/x'",
    "of the process": "'/proc/self/cwd/x'",
}


@pytest.mark.parametrize("way", WAYS)
def test_an_open_on_a_drive_is_seen_by_whatever_path(tmp_path: Path, way: str) -> None:
    assert check(tmp_path, f"{PLACES}fd = os.open({WAYS[way]}, os.O_RDONLY)\nos.unlink('x')").rules == ["PB010"]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_made_on_a_drive_is_seen_by_whatever_path(tmp_path: Path, way: str) -> None:
    program = (
        f"{PLACES}os.unlink('x')\n"
        f"fd = os.open({WAYS[way]}, os.O_CREAT | os.O_WRONLY, 0o644)\nos.unlink('x')\nos.close(fd)\n"
        f"fd = os.open({WAYS[way]}, os.O_CREAT | os.O_WRONLY, 0o644)\nos.rename('x', 'y')"
    )
    assert check(tmp_path, program).rules == ["PB010", "PB011"]


def test_what_lies_outside_is_no_matter(tmp_path: Path) -> None:
    program = f"{PLACES}fd = os.open(outside + '/x', os.O_RDONLY)\nos.unlink(outside + '/x')"
    assert check(tmp_path, program).rules == []


def test_a_path_that_makes_a_file_is_judged(tmp_path: Path) -> None:
    assert check(tmp_path, f"{PLACES}os.close(os.open(work + '/aux', os.O_CREAT))").rules == ["PB003"]


@pytest.mark.parametrize("look", [f"os.stat({way})" for way in WAYS.values() if "file" not in way] + ["os.fstat(fd)"])
def test_a_look_at_what_was_set_is_seen_by_whatever_path(tmp_path: Path, look: str) -> None:
    script = tmp_path / "work" / "looks.py"
    script.parent.mkdir()
    script.write_text(
        f"{PLACES}fd = os.open('x', os.O_RDONLY)\nos.chmod('x', 0o640)\n"
        f"for _ in range(100):\n    os.stat(top)\n    os.fstat(0)\nassert {look}.st_mode & 0o777 == 0o640\n"
    )
    assert check(tmp_path, "import runpy; runpy.run_path('looks.py')").rules == ["PB021"]


def test_what_is_made_outside_is_shown(tmp_path: Path) -> None:
    program = (
        "import os\ntop = os.path.dirname(os.getcwd())\nfor n in range(600): os.open(f'{top}/{n % 2}', os.O_CREAT)"
    )
    assert shown(tmp_path, f"{program}\n")["openat"] >= 60


COUNTS = """
import json, sys
from collections import Counter
from picobox.provider import PicoProvider
shown, serve = Counter(), PicoProvider._serve
def count(self, frame, row, judge):
    shown[row.name] += 1
    serve(self, frame, row, judge)
    shown[f'end of {row.name}'] += frame.wants_exit
PicoProvider._serve = count
from picobox.cli import main
try:
    status = main(sys.argv[2:])
finally:
    json.dump(shown, open(sys.argv[1], 'w'))
sys.exit(status)
"""


def check_script(directory: Path, text: str) -> list[str]:
    """The rules of what a check finds in a script, which is the project's."""
    script = directory / "work" / "script.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(text)
    return check(directory, "import runpy; runpy.run_path('script.py')").rules


PROGRAM = """
import mmap, os
open('x', 'w').close()
os.chmod('x', 0o600)
for n in range(500):
    os.close(os.open('/etc/passwd', os.O_RDONLY))
    os.stat('/etc/passwd')
    mmap.mmap(-1, 4096).close()
"""


def shown(directory: Path, program: str, *options: str) -> Mapping[str, int]:
    """How many of a program's calls, and of their ends, are shown to a check, by their names."""
    work, counts = directory / "work", directory / "counts"
    work.mkdir(parents=True)
    command = [sys.executable, "-c", COUNTS, str(counts), "check", *options, "--", sys.executable, "-S", "-c", program]
    env = {**os.environ, "TMPDIR": str(work)}
    subprocess.run(command, cwd=work, env=env, check=False, timeout=TIMEOUT, capture_output=True)
    counted: dict[str, int] = json.loads(counts.read_text())
    return counted


def test_a_check_is_shown_little_else(tmp_path: Path) -> None:
    counted = shown(tmp_path, PROGRAM)
    # What a start of Python makes, at most.
    assert max(counted.get(name, 0) for name in ("openat", "newfstatat", "mmap")) <= 50, counted


def test_files_that_are_tried_as_directories_are_not_shown(tmp_path: Path) -> None:
    program = (
        "import os\nopen('x', 'w').close()\nfor n in range(500):\n    try: os.listdir('x')\n    except OSError: pass\n"
    )
    assert shown(tmp_path, program)["openat"] <= 50


def test_where_it_enforces_each_open_is_looked_up(tmp_path: Path) -> None:
    assert shown(tmp_path, PROGRAM, "--enforce")["openat"] >= 500


def test_signals_that_are_asked_for_are_not_shown(tmp_path: Path) -> None:
    program = "import signal\nfor n in range(500): signal.signal(12, [signal.SIG_DFL, signal.SIG_IGN][n % 2])\n"
    assert shown(tmp_path, program).get("rt_sigaction", 0) <= 50


def test_a_handler_that_is_set_is_shown_after_many_that_are_not(tmp_path: Path) -> None:
    asks = "for n in range(100): signal.signal(12, signal.SIG_IGN)\n"
    script = f"import signal\n{asks}signal.signal(12, print)\n"
    assert check_script(tmp_path, script) == ["PB023"]


LIBRARY = """
import ctypes, os
top = os.path.dirname(os.getcwd())
for place in (top, '.'):
    open(os.path.join(place, 'file'), 'wb').write(b'x' * 5000)
"""


def test_mappings_of_files_outside_are_not_shown(tmp_path: Path) -> None:
    program = (
        f"{LIBRARY}import mmap\nfile = open(os.path.join(top, 'file'), 'rb')\n"
        "for n in range(500): mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ).close()\n"
    )
    assert shown(tmp_path, program).get("mmap", 0) <= 50


@pytest.mark.parametrize("path", ["'file'", "top + '/link'", "top + '/work/../work/file'"])
def test_a_mapping_of_a_file_on_a_drive_holds_it_by_whatever_path_it_was_opened(tmp_path: Path, path: str) -> None:
    program = (
        f"{LIBRARY}import mmap\nos.symlink(os.path.abspath('file'), top + '/link')\n"
        f"file = open({path}, 'rb')\nmapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\nfile.close()\n"
        "os.unlink('file')\n"
    )
    assert check(tmp_path, program).rules == ["PB016"]


NAMESAKES = """
import os
for n in range(3):
    os.makedirs(f'{n}/d', exist_ok=True)
    open(f'{n}/d/x', 'w').close()
os.chmod('0/d/x', 0o640)
os.symlink('../0/d', '1/link')
"""


def test_looks_at_namesakes_of_what_was_set_are_not_shown(tmp_path: Path) -> None:
    program = (
        f"{NAMESAKES}for n in range(500): os.stat('1/d/x'); os.stat(os.getcwd() + '/2/d/x'); os.lstat('1/d/../d/x')\n"
    )
    assert shown(tmp_path, program).get("newfstatat", 0) <= 50


@pytest.mark.parametrize(
    "look",
    [
        "os.stat('0/d/x')",
        "os.stat(os.getcwd() + '/0/d/x')",
        "os.stat('1/../0/d/x')",
        "os.stat('1/link/x')",
        "os.stat('x', dir_fd=os.open('0/d', os.O_RDONLY))",
        "os.stat('d/x', dir_fd=os.open('0', os.O_PATH))",
    ],
)
def test_a_look_at_what_was_set_is_seen_among_those_at_its_namesakes(tmp_path: Path, look: str) -> None:
    script = f"{NAMESAKES}for n in range(50): os.stat('1/d/x')\nassert {look}.st_mode & 0o777 == 0o640\n"
    assert check_script(tmp_path, script) == ["PB019", "PB021"]


COPIES = {
    "dup": "copy = os.dup(fd)",
    "dup2": "copy = os.dup2(fd, 60)",
    "dup2 twice": "os.dup2(fd, 60); os.dup2(null, 60); copy = os.dup2(fd, 60)",
    "dup3": "copy = os.dup2(fd, 60, inheritable=False)",
    "fcntl": "copy = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 60)",
    "a copy of a copy that is gone": "copy = os.dup2(os.dup2(fd, 60), 61); os.dup2(null, 60)",
    "over another one of its own": "other = os.open('y', os.O_CREAT); copy = os.dup2(fd, other)",
}
OPENED = "import fcntl, os\nfd = os.open('x', os.O_CREAT)\nnull = os.open('/dev/null', os.O_RDONLY)\n"


@pytest.mark.parametrize("copies", COPIES)
def test_a_copy_holds_a_file(tmp_path: Path, copies: str) -> None:
    assert check(tmp_path, f"{OPENED}{COPIES[copies]}\nos.close(fd)\nos.unlink('x')").rules == ["PB010"]


@pytest.mark.parametrize(
    "gone",
    [
        "os.close(copy)",
        "os.dup2(null, copy)",
        "os.dup2(null, copy, inheritable=False)",
        "os.closerange(copy, copy + 1)",
    ],
)
@pytest.mark.parametrize("copies", COPIES)
def test_a_copy_that_is_gone_holds_none(tmp_path: Path, copies: str, gone: str) -> None:
    assert check(tmp_path, f"{OPENED}{COPIES[copies]}\nos.close(fd)\n{gone}\nos.unlink('x')").rules == []


def test_a_copy_that_fails_takes_nothing_away(tmp_path: Path) -> None:
    program = f"{OPENED}try: os.dup2(999, fd)\nexcept OSError: pass\nos.unlink('x')"
    assert check(tmp_path, program).rules == ["PB010"]


@pytest.mark.parametrize("copies", ["dup3(null, fd, 1)", "dup3(fd, fd, 0)", "dup2(fd, -1)", "dup2(-1, fd)"])
def test_what_the_kernel_does_not_copy_takes_nothing_away(tmp_path: Path, copies: str) -> None:
    program = f"import ctypes\n{OPENED}assert ctypes.CDLL(None).{copies} == -1\nos.unlink('x')"
    assert check(tmp_path, program).rules == ["PB010"]


def test_a_copy_beyond_a_limit_holds_none(tmp_path: Path) -> None:
    program = (
        f"import resource\n{OPENED}resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))\n"
        "try: os.dup2(fd, 40)\nexcept OSError: pass\nos.close(fd)\nos.unlink('x')"
    )
    assert check(tmp_path, program).rules == []


def test_copies_of_many_threads_hold_a_file(tmp_path: Path) -> None:
    program = (
        f"import threading\n{OPENED}"
        "def copies(number):\n    for _ in range(200): os.dup2(null, number); os.dup2(fd, number)\n"
        "threads = [threading.Thread(target=copies, args=(number,)) for number in (40, 41, 42)]\n"
        "for thread in threads: thread.start()\nfor thread in threads: thread.join()\n"
        "os.close(fd)\nos.close(40)\nos.close(41)\nos.unlink('x')"
    )
    assert check(tmp_path, program).rules == ["PB010"]


def test_a_child_has_the_copies(tmp_path: Path) -> None:
    program = (
        f"{OPENED}os.dup2(fd, 60)\nos.close(fd)\nif not os.fork():\n    os.close(60)\n    os._exit(0)\n"
        "os.wait()\nos.unlink('x')"
    )
    assert check(tmp_path, program).rules == ["PB022", "PB010"]


@pytest.mark.usefixtures("fast_modes")
def test_copies_are_not_shown(tmp_path: Path) -> None:
    program = f"{OPENED}for n in range(300):\n    os.dup2(fd, 60)\n    os.dup2(null, 60)\n    os.close(os.dup(fd))\n"
    counted = shown(tmp_path, program)
    assert counted.get("dup2", 0) + counted.get("dup", 0) + counted.get("close", 0) <= 5, counted


UNNAMED = """
import ctypes, os
fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600)
for _ in range(300): os.dup2(fd, 9)
def name():
    way = f'/proc/self/fd/{fd}'.encode()
    assert not ctypes.CDLL(None).linkat(-100, way, -100, b'x', 0x400)
"""


@pytest.mark.usefixtures("fast_modes")
def test_copies_of_a_file_without_a_name_make_no_stop(tmp_path: Path) -> None:
    """The site is the program's own, which is no copy: it is the stops that open it."""
    guest = tmp_path / "guest"
    subprocess.run([COMPILER, "-O2", "-Wall", "-Werror", COPYING, "-o", guest], check=True)
    found = check(tmp_path, f"import os\nos.execv({str(guest)!r}, ['guest'])")
    assert (found.status, found.rules) == (0, []), found.stderr


@pytest.mark.usefixtures("fast_modes")
def test_copies_to_any_number_make_no_stop(tmp_path: Path) -> None:
    """os.dup calls fcntl, as its copy is not to be inherited."""
    program = (
        "import os, resource\nfd = os.open('/dev/null', os.O_RDONLY)\n"
        "for _ in range(300): os.close(os.dup(fd))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw\n"
        "for _ in range(1000): os.close(os.dup(fd))\n"
        "stops = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before\nassert stops < 500, stops\n"
    )
    assert (found := check(tmp_path, program)).status == 0, found.stderr


def test_locks_are_shown_where_copies_are_not(tmp_path: Path) -> None:
    """Both are calls of fcntl, and from one place in the C library."""
    program = (
        "import fcntl, os\nheld = open('x', 'r+') if os.path.exists('x') else open('x', 'w+')\n"
        "for _ in range(300): os.close(os.dup(held.fileno()))\n"
        "for n in range(20): fcntl.lockf(held, fcntl.LOCK_EX, 1, n)\n"
    )
    assert shown(tmp_path, program).get("fcntl", 0) >= 20


@pytest.mark.usefixtures("fast_modes")
def test_a_file_without_a_name_gets_no_handle_by_its_end(tmp_path: Path) -> None:
    program = (
        f"{UNNAMED}import resource\nos.ftruncate(fd, 0)\n"
        "for _ in range(300): os.dup2(fd, 9)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw\n"
        "for _ in range(1000): os.dup2(fd, 9)\n"
        "stops = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before\nassert stops < 500, stops\n"
    )
    assert (found := check(tmp_path, program)).status == 0, found.stderr


def test_a_file_without_a_name_that_is_mapped_is_cut_short(tmp_path: Path) -> None:
    program = f"{UNNAMED}import mmap\nos.ftruncate(fd, 8192)\nview = mmap.mmap(fd, 8192)\nos.ftruncate(fd, 0)\n"
    assert check(tmp_path, program).rules == ["PB016"]


@pytest.mark.parametrize(
    ("left", "rules"),
    [("os.close(9)", ["PB010"]), ("os.close(fd)", ["PB010"]), ("os.close(9); os.close(fd)", [])],
)
def test_a_file_that_had_no_name_is_held_by_who_has_made_it(tmp_path: Path, left: str, rules: list[str]) -> None:
    found = check(tmp_path, f"{UNNAMED}name()\n{left}\nos.unlink('x')\n")
    assert found.rules == rules
    for finding in found.findings:
        assert [(side.call, side.stack[0].line) for side in finding.others] == [("openat", 3)]


@pytest.mark.usefixtures("fast_modes")
def test_a_range_of_descriptors_is_shown_where_one_of_them_has_a_handle(tmp_path: Path) -> None:
    program = (
        "import os\nopen('x', 'w').close()\nos.chmod('x', 0o640)\nfd = os.open('x', os.O_RDONLY)\n"
        "for n in range(50): os.closerange(fd + 1, 200)\n"
    )
    assert shown(tmp_path / "none", program).get("close_range", 0) == 0
    assert shown(tmp_path / "one", f"{program}os.closerange(fd, 200)\n")["close_range"] == 1


@pytest.mark.parametrize(("first", "expected"), [("fd", []), ("fd + 1", ["PB010"])])
def test_what_a_range_has_closed_is_open_no_more(tmp_path: Path, first: str, expected: list[str]) -> None:
    program = (
        "import os\nopen('x', 'w').close()\nos.chmod('x', 0o640)\nfd = os.open('x', os.O_RDONLY)\n"
        f"os.closerange({first}, 200)\nos.unlink('x')\n"
    )
    assert check(tmp_path, program).rules == expected


LINKS = """
import os
top = os.path.dirname(os.getcwd())
os.makedirs(top + '/outside/real')
os.symlink('real', top + '/outside/link')
os.symlink(os.getcwd(), top + '/outside/work')
for place in (top + '/outside/real/x', 'x'): open(place, 'w').close()
"""


@pytest.mark.parametrize(("link", "is_shown"), [("link", False), ("work", True)])
def test_a_link_that_leads_outside_is_no_matter(tmp_path: Path, link: str, is_shown: bool) -> None:
    """The first libraries of a program are named by one where /lib is a link. The kernel may not know it at first."""
    none = shown(tmp_path / "none", LINKS).get("openat", 0)
    program = f"{LINKS}for n in range(20): os.open(top + '/outside/{link}/x', os.O_WRONLY)\n"
    assert (shown(tmp_path / "some", program)["openat"] - none >= 10) == is_shown


HANDLERS = """
import resource, signal
def stops():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    for _ in range(1000): {what}
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
stops()
assert stops() {expected}
"""


@pytest.mark.usefixtures("fast_modes")
@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "< 500"),
        ("signal.signal(signal.SIGTERM, print)", ">= 1000"),
    ],
)
def test_signals_without_handlers_make_no_stop(tmp_path: Path, what: str, expected: str) -> None:
    assert check(tmp_path, HANDLERS.format(what=what, expected=expected)).status == 0


def test_a_handler_is_seen_in_the_gate(tmp_path: Path) -> None:
    program = (
        "import signal\nfor _ in range(300): signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGUSR1, print)\n"
    )
    assert check(tmp_path, program).rules == ["PB023"]
