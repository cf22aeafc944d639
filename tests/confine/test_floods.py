"""Floods meet a limit, each told with what raises it; the supervisor stays small, and other sandboxes start.

Each flood has a control: without the limit, behind the same walls, nothing stops it at what is enough to show so.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from build import compile_source

from .flooding import ENOUGH, FLOODS, INOTIFY
from .guests import NOBODY, USERS, command_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROGRAM = Path(__file__).with_name("flooding.py")
LIMITS = {"processes": "20", "open-files": "40", "file-size": "3M", "memory": "90M"}
# What the machine has for everybody, lowered for the run as whoever starts it can.
PENDING = 60
NAMESPACES, BARE = "auto", "no-namespaces"
# What a guest can make the supervisor keep, for all floods together.
MOST_GROWTH = 8 << 20
MOST_SECONDS = 20.0


class Flood(NamedTuple):
    """How a flood ends: after how many at most, with which error, and the word of the report for what stopped it.

    `controlled`: without the limits nothing stops it.
    """

    most: int
    error: int
    told: str
    controlled: bool = True


FOUND = {
    "processes": Flood(19, errno.EAGAIN, "processes"),
    "threads": Flood(19, errno.EAGAIN, "processes"),
    "descriptors": Flood(40, errno.EMFILE, "open-files"),
    "pipes": Flood(20, errno.EMFILE, "open-files"),
    "epolls": Flood(20, errno.EMFILE, "open-files"),
    "inotify": Flood(40, errno.EMFILE, "open-files", controlled=False),
    "memory-files": Flood(40, errno.EMFILE, "open-files"),
    "sent-descriptors": Flood(20, errno.EMFILE, "open-files"),
    "mappings": Flood(100, errno.ENOMEM, "memory"),
    "signals": Flood(PENDING, errno.EAGAIN, "pending signals", controlled=False),
    "files": Flood(3, errno.EFBIG, "file-size"),
    "temporary-files": Flood(90, errno.ENOSPC, "memory"),
    "shared-memory": Flood(90, errno.ENOSPC, "memory"),
    "arguments": Flood(20, errno.E2BIG, "arguments", controlled=False),
    # Names are no limit of anybody's: the call says so itself.
    "levels": Flood(20, errno.ENAMETOOLONG, "", controlled=False),
    "links": Flood(40, errno.ELOOP, "", controlled=False),
}


class Run(NamedTuple):
    """What came of all floods in one sandbox: of each how many and its error; by how much the supervisor grew."""

    counts: dict[str, tuple[int, int]]
    growth: int
    report: str


def test_every_flood_has_an_end() -> None:
    assert set(FOUND) == {*FLOODS, "inotify"}


def memory_of(pid: int) -> int:
    """The bytes of a process that are nobody else's."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) << 10


def flooded(
    user: str, walls: str, limits: dict[str, str], directory: Path, names: Iterable[str] = (*FLOODS, INOTIFY)
) -> Run:
    """Runs floods one after another in a sandbox, in a new directory below that one."""
    place = tempfile.mkdtemp(dir=directory)
    os.chown(place, directory.stat().st_uid, directory.stat().st_gid)
    shutil.copy(compile_source(PROGRAM.with_name("inotify.c")), place)
    options = [word for key, value in limits.items() for word in ("--limit", f"{key}={value}")]
    words = ("-q", "--walls", walls, "--policy", "default", "--report", *options, "--")
    program = ("/usr/bin/python3", "-c", PROGRAM.read_text())
    lowered = ("prlimit", f"--sigpending={PENDING}")
    with subprocess.Popen(
        [*lowered, *command_line(user, *words, *program, *names)],
        cwd=place,
        env={**os.environ, "HOME": str(directory.parent / "home")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        sizes, counts = [], {}
        for line in process.stdout:
            name, *numbers = line.split()
            if numbers:
                counts[name] = (int(numbers[0]), int(numbers[1]))
                continue
            sizes.append(memory_of(process.pid))
            process.stdin.write("\n")
            process.stdin.flush()
        assert process.stderr is not None
        report = process.stderr.read()
    assert process.returncode == 0, report
    return Run(counts, sizes[1] - sizes[0], report)


@pytest.fixture(scope="module", params=USERS)
def user(request: pytest.FixtureRequest) -> str:
    """Who runs picobox."""
    return str(request.param)


@pytest.fixture(scope="module")
def directory(user: str) -> Iterator[Path]:
    """An empty directory of the user's own, beside its home."""
    made = Path(tempfile.mkdtemp(prefix="picobox-flood-"))
    work = made / "work"
    work.mkdir()
    if user == "nobody":
        for path in (made, work):
            os.chown(path, NOBODY, NOBODY)
    yield work
    subprocess.run(["rm", "-rf", made], check=True)


@pytest.fixture(scope="module")
def limited(user: str, directory: Path) -> Run:
    """All floods against the limits."""
    return flooded(user, NAMESPACES, LIMITS, directory)


@pytest.mark.parametrize("name", FOUND)
def test_it_meets_its_limit_and_is_told(limited: Run, name: str) -> None:
    wanted = FOUND[name]
    count, number = limited.counts[name]
    assert (number, count <= wanted.most) == (wanted.error, True), limited
    assert count >= wanted.most // 4
    if wanted.told in LIMITS:
        assert re.search(rf"limit +{wanted.told} +--limit", limited.report), limited.report
    elif wanted.told:
        assert f"the machine's limit of {wanted.told} was met" in limited.report


@pytest.mark.full
def test_without_namespaces_it_meets_the_same(user: str, directory: Path, limited: Run) -> None:
    # File systems of their own are what guests do not have then.
    names = [name for name in FLOODS if name not in {"temporary-files", "shared-memory"}]
    found = flooded(user, BARE, LIMITS, directory, names)
    assert {name: found.counts[name][1] for name in names} == {name: limited.counts[name][1] for name in names}
    assert found.growth < MOST_GROWTH


def test_the_supervisor_stays_small(limited: Run) -> None:
    assert limited.growth < MOST_GROWTH


@pytest.mark.full
def test_without_its_limit_nothing_stops_it(user: str, directory: Path) -> None:
    found = flooded(user, NAMESPACES, dict.fromkeys(LIMITS, "none"), directory)
    assert {name: found.counts[name] for name, flood in FOUND.items() if flood.controlled} == {
        name: (ENOUGH, 0) for name, flood in FOUND.items() if flood.controlled
    }


def test_the_host_stays_usable(user: str, directory: Path) -> None:
    """While processes of one sandbox do nothing but fork, and open what they can, another one starts and ends."""
    bomb = "while :; do (exec 3</ 4</ 5</; $0) & done 2>&1"
    # All begin before any of them takes what the shell needs for the next; some of what they start stays for a while.
    loops = (f"(sleep 0.3; {bomb.replace('$0', last)}) &" for last in (":", ":", ":", "sleep 1", "sleep 1", "sleep 1"))
    script = f"{' '.join(loops)} read line"
    words = ("-q", "--policy", "default", "--limit", "processes=20", "--report", "--", "/bin/bash", "-c", script)
    with subprocess.Popen(
        command_line(user, *words),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("Resource temporarily unavailable" in line for line in process.stdout)
        before = memory_of(process.pid)
        began = time.monotonic()
        other = command_line(user, "-q", "--policy", "default", "--", "/bin/true")
        assert subprocess.run(other, cwd=directory, check=False, timeout=60).returncode == 0
        assert time.monotonic() - began < MOST_SECONDS
        assert process.poll() is None
        assert memory_of(process.pid) - before < MOST_GROWTH
        _, report = process.communicate("\n", timeout=60)
    assert re.search(r"limit +processes +--limit", report), report
