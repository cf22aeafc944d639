"""Fuzzers of system calls behind walls: the supervisor lives and does not grow, and nothing outside changes."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from build import compile_source

from .fuzzing import table
from .guests import NOBODY, command_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE = Path(__file__).with_name("fuzz.c")
USER = "nobody" if os.geteuid() == 0 else "self"
# Seconds of a run, from when on the supervisor may not grow, and what it may take to start and end besides.
FAST, LONG = 60, 600
SETTLED = {FAST: 30, LONG: 60}
MARGIN = 60
MOST_GROWTH = 2 << 20
# Milliseconds between bursts of calls: the fast tier leaves the machine to others.
PAUSE = {FAST: 400, LONG: 0}
# Calls in a second, at least: a fuzzer whose workers all end at once has tried nothing.
LEAST_CALLS = 20
LIMITS = ("memory=1G", "processes=64", "file-size=16M", "open-files=256")
# What the host allows the whole run besides, whatever picobox does.
HOST_LIMITS = ("prlimit", "--nproc=4000", "--fsize=67108864", "--core=0")
# Every file that the fuzzer makes has it in its name.
MARK = "fuzzed"
NEVER_CHANGED = ("/dev/null", "/dev/zero", "/dev/tty", "/dev/ptmx", "/etc/passwd", "/tmp", "/proc/self/oom_score_adj")


class Done(NamedTuple):
    """How a fuzzed run ended; growth in bytes of memory from when the supervisor had settled."""

    status: int
    stdout: str
    stderr: str
    growth: int


class Place:
    """The home of a user with decoys; the fuzzer works in a directory below it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.work = home / "work"
        self.outside = home / "outside"
        self.shared = home / "programs"
        for directory in (self.work, self.outside, self.shared, home / ".ssh", self.outside / "closed"):
            directory.mkdir()
        for number, path in enumerate(
            (self.outside / "file", self.outside / "closed" / "file", home / ".ssh/id_decoy")
        ):
            path.write_text(f"decoy {number}\n")
            path.chmod(0o666)
        os.mkfifo(self.outside / "fifo")
        os.symlink("file", self.outside / "link")
        (self.outside / "closed").chmod(0o700)
        (self.shared / "calls").write_text(table())
        shutil.copy(compile_source(SOURCE), self.shared / "fuzz")
        if USER == "nobody":
            for path in (home, *home.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        home.chmod(0o755)

    def run(self, *words: str, seconds: int, policy: str, verb: Sequence[str] = ()) -> Done:
        """Runs a fuzzer in the directory; the supervisor is looked at from outside."""
        limits = [word for limit in LIMITS for word in ("--limit", limit)]
        line = command_line(USER, *verb, "-q", "--policy", policy, *limits, "--read", str(self.shared), "--", *words)
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        with (
            tempfile.TemporaryFile("w+", errors="backslashreplace") as stdout,
            tempfile.TemporaryFile("w+", errors="backslashreplace") as stderr,
            subprocess.Popen(
                [*HOST_LIMITS, *line],
                cwd=self.work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            ) as process,
        ):
            try:
                growth = growth_of(process, seconds)
                status = process.wait(MARGIN)
            finally:
                process.send_signal(signal.SIGKILL)
            stdout.seek(0)
            stderr.seek(0)
            return Done(status, stdout.read(), stderr.read(), growth)

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """All of the home but the working directory, and what of the machine a guest might change for everybody.

        Plans of call sites are picobox's own to keep, behind walls also that guests cannot pass.
        """
        left_out = {self.work, self.home / ".cache"}
        paths = [path for path in self.home.rglob("*") if not left_out & {path, *path.parents}]
        found: dict[str, tuple[object, ...]] = {}
        for path in (*paths, *map(Path, NEVER_CHANGED)):
            if path.exists() or path.is_symlink():
                status = path.lstat()
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
                found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, status.st_rdev, content)
        for directory in ("/tmp", "/dev/shm", "/var/tmp", str(self.home)):
            found[f"{directory}: {MARK}"] = tuple(
                sorted(name for name in os.listdir(directory) if MARK in name.lower())
            )
        return found


def growth_of(process: subprocess.Popen[bytes], seconds: int) -> int:
    """By how many bytes a process has grown at most, since it had settled, until the time is over or it ends."""
    started = time.monotonic()
    settled = most = 0
    while process.poll() is None and (passed := time.monotonic() - started) < seconds:
        size = resident(process.pid)
        if passed < SETTLED[seconds]:
            settled = max(settled, size)
        most = max(most, size)
        time.sleep(0.5)
    return most - settled


def resident(pid: int) -> int:
    """Bytes of memory that a process has; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


@pytest.fixture
def place() -> Iterator[Place]:
    """A home on a disk, since /tmp is private to a run."""
    home = Path(tempfile.mkdtemp(prefix="picobox-fuzz-", dir="/var/tmp"))
    yield Place(home)
    subprocess.run(("chmod", "-R", "u+rwX", str(home)), check=False)
    shutil.rmtree(home)


def fuzz(place: Place, policy: str, seconds: int, verb: Sequence[str] = ()) -> None:
    """Our own fuzzer, which knows the kind of every argument of every call. `verb`: of picobox, with its options."""
    seed = random.SystemRandom().randrange(1 << 32)
    before = place.snapshot()
    words = [str(place.shared / "fuzz"), str(place.shared / "calls"), str(seed), str(seconds), str(PAUSE[seconds])]
    names = ("file", "closed/file", "fifo", "link", "fuzzed")
    words += [str(place.outside / name) for name in names]
    done = place.run(*words, seconds=seconds, policy=policy, verb=verb)
    assert (done.status, done.stderr) == (0, ""), f"seed {seed}: {done}"
    assert int(done.stdout.split()[0]) >= LEAST_CALLS * seconds, f"seed {seed}: {done}"
    assert done.growth < MOST_GROWTH, f"seed {seed}: {done}"
    assert place.snapshot() == before, f"seed {seed}"


@pytest.mark.timeout(FAST + 2 * MARGIN)
def test_a_minute_of_hostile_calls_harms_nobody(place: Place) -> None:
    fuzz(place, "default", FAST)


@pytest.mark.full
@pytest.mark.timeout(FAST + 2 * MARGIN)
def test_a_minute_of_hostile_calls_without_namespaces(place: Place) -> None:
    fuzz(place, "default", FAST, ("--walls", "no-namespaces"))


@pytest.mark.full
@pytest.mark.timeout(LONG + 2 * MARGIN)
@pytest.mark.parametrize("policy", ["default", "strict"])
def test_ten_minutes_of_hostile_calls_harm_nobody(place: Place, policy: str) -> None:
    fuzz(place, policy, LONG)


@pytest.mark.full
@pytest.mark.timeout(FAST + 2 * MARGIN)
def test_who_traces_hostile_calls_comes_to_no_harm(place: Place) -> None:
    """A trace looks at paths, programs and addresses besides, to tell what was refused."""
    fuzz(place, "default", FAST, ("trace", "-o", os.devnull))


@pytest.mark.full
@pytest.mark.timeout(LONG + 2 * MARGIN)
def test_ten_minutes_of_trinity_harm_nobody(place: Place) -> None:
    before = place.snapshot()
    # It would look for performance counters for ever, and dies of families of sockets that are not there; a run of it
    # ends when one of its children has broken what they share.
    options = "-q -l off -C 2 -a 64 --disable-fds=perf --disable-fds=sockets"
    script = f"while :; do trinity {options} -V {place.outside}; done"
    done = place.run("timeout", "--signal=KILL", str(LONG), "sh", "-c", script, seconds=LONG, policy="default")
    assert "iterations" in done.stdout, done
    assert done.status == 128 + signal.SIGKILL, done
    assert "Traceback" not in done.stderr, done
    assert done.growth < MOST_GROWTH, done
    assert place.snapshot() == before
