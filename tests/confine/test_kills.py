"""A build behind walls whose supervisor or init is killed, or gets no memory: no guest runs on, nothing is broken."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from alive import child_named, guests_alive, still_alive

from .builds import Project, content, finished
from .guests import AS_NOBODY, NOBODY, USERS, command_line

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds: what picobox takes to start, and a build then, on an idle machine; how long anything may still be there.
START, BUILD = 0.3, 0.4
GRACE = 2.0
# The init, the shell and make, or what make has started: a build has begun.
BUSY = 4
TIMEOUT = 60
SUPERVISOR, INIT, MEMORY = "supervisor", "init", "memory"
VICTIMS = (SUPERVISOR, INIT, MEMORY, SUPERVISOR, SUPERVISOR)


class Ended(NamedTuple):
    """How a disturbed run ended: status of the process, what it said, who outlives it, how many guests it had."""

    status: int
    output: str
    left: set[int]
    guests: int


class Builder:
    """A user who builds a project under picobox."""

    def __init__(self, home: Path, user: str, overlay: bool) -> None:
        self.user, self.overlay = user, overlay
        self.project = Project(home / "project", NOBODY if user == "nobody" else None)
        self._environment = {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}

    def picobox(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs it to its end."""
        return subprocess.run(
            command_line(self.user, *words),
            cwd=self.project.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def confined(self, *words: str) -> list[str]:
        """The words of a run behind the walls of the default policy."""
        return ["-q", "--policy", "default", *(["--overlay"] if self.overlay else []), "--", *words]

    def disturbed(self, victim: str, moment: float, begun: bool) -> Ended:
        """Builds everything anew, and strikes so many seconds after the start, or after the build has begun."""
        marker = f"BUILD_OF={uuid.uuid4()}"
        words = self.confined("sh", "-c", "make -s clean && exec make -s -j2")
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(
                command_line(self.user, *words),
                cwd=self.project.directory,
                env={**self._environment, **dict([marker.split("=")])},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                until, guests = time.monotonic() + TIMEOUT, 0
                while begun and guests < BUSY and process.poll() is None and time.monotonic() < until:
                    guests = len(guests_alive(marker.encode(), process.pid))
                time.sleep(moment)
                self.strike(victim, process.pid)
                status = process.wait(TIMEOUT)
            finally:
                process.kill()
                process.wait()
            left = still_alive(marker.encode(), process.pid, GRACE)
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            output.seek(0)
            return Ended(status, output.read(), left, guests)

    def strike(self, victim: str, supervisor: int) -> None:
        """Kills it, or its init, or takes its memory; who has no init yet, or has ended, is left alone."""
        if victim == MEMORY:
            with contextlib.suppress(OSError, IndexError):
                pages = int(Path(f"/proc/{supervisor}/statm").read_text().split()[0])
                self._limit(supervisor, pages * resource.getpagesize())
            return
        pid = child_named(supervisor, "picobox-init") if victim == INIT else supervisor
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _limit(self, pid: int, most: int) -> None:
        """Whatever memory it asks for next is refused. Made by its own user, since it may live in his namespace."""
        prefix = AS_NOBODY if self.user == "nobody" else ()
        subprocess.run([*prefix, "prlimit", "--pid", str(pid), f"--as={most}:"], check=False, capture_output=True)

    def resume(self) -> None:
        """Goes on where the build was cut off; what comes of it is what an undisturbed build makes."""
        done = self.picobox(*self.confined("make", "-s"))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        if self.overlay:
            assert self.is_untouched()
            done = self.picobox("commit")
            assert done.returncode == 0, done.stderr
        found = content(self.project.directory)
        assert finished(found) == self.project.built
        for name in found.keys() - self.project.sources.keys():
            (self.project.directory / name).unlink()

    def is_untouched(self) -> bool:
        """Nothing that a run with a layer wrote is in the tree."""
        return content(self.project.directory) == self.project.sources


@pytest.fixture(params=USERS)
def home(request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """A home on a disk, since /tmp is private to a run, and whose it is."""
    directory = Path(tempfile.mkdtemp(prefix="picobox-kills-", dir="/var/tmp"))
    if request.param == "nobody":
        os.chown(directory, NOBODY, NOBODY)
    yield directory, str(request.param)
    shutil.rmtree(directory)


def strike_often(builder: Builder, times: int, between: int) -> None:
    """Strikes at random moments, and resumes after each `between` of them; a failure tells the seed and the attempt."""
    seed = random.SystemRandom().randrange(1 << 32)
    moments = random.Random(seed)
    busy = 0
    for attempt in range(times):
        victim, begun = VICTIMS[attempt % len(VICTIMS)], attempt % 4 != 3
        moment = moments.uniform(0, BUILD if begun else START)
        which = f"seed {seed}, attempt {attempt}, {victim} {moment:.6f} s after its {'build' if begun else 'start'}"
        ended = builder.disturbed(victim, moment, begun)
        busy += ended.guests >= BUSY
        assert not ended.left, f"{which}: {len(ended.left)} are alive"
        # Before the command line is there, it is Python itself that ends.
        assert "Traceback" not in ended.output or (victim == MEMORY and not begun), f"{which}: {ended.output}"
        if builder.overlay:
            assert builder.is_untouched(), which
        else:
            assert not builder.project.wrong(), which
        if attempt % between == between - 1:
            builder.resume()
    assert busy, f"seed {seed}: no build had begun when it was struck"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("overlay", [False, True], ids=["tree", "layer"])
def test_who_is_struck_leaves_nobody_and_nothing_broken(home: tuple[Path, str], overlay: bool) -> None:
    """20 times in the fast tier: five as each user, with a layer and without."""
    strike_often(Builder(*home, overlay), 5, 5)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("overlay", [False, True], ids=["tree", "layer"])
def test_who_is_struck_200_times(home: tuple[Path, str], overlay: bool) -> None:
    strike_often(Builder(*home, overlay), 200 // (2 * len(USERS)), 1)
