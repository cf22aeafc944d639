"""Owns one run of a row: its fresh directory, its environment, its time limit, and the outcome it leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .outcome import Outcome
from .terminal import drive
from .tree import snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .row import Row

SCRIPTS = Path(__file__).with_name("scripts")
NATIVE: tuple[str, ...] = ()


def prefix(platform: str, profile: str, policy: str = "open") -> tuple[str, ...]:
    """What stands before a row's command: nothing on platform `native`, else picobox as these say.

    `-P` keeps the row's directory off picobox's own module path. Under wsl1 its drive keeps modes and owners.
    """
    if platform == "native":
        return NATIVE
    picobox = (sys.executable, "-P", "-m", "picobox", "-q")
    drive = ("--drive", "C=.,metadata") if profile == "wsl1" else ()
    # A row's home lies in its working directory, which no policy would make writable by itself.
    walls = (
        ("--unconfined",)
        if policy == "open"
        else ("--policy", policy, "--write", ".", "--write", "home", "--read", str(SCRIPTS))
    )
    return (*picobox, "--platform", platform, "--profile", profile, *walls, *drive, "--")


def environment(work: Path) -> dict[str, str]:
    """The whole environment of a row: nothing of the caller's, and no source of difference between two runs."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "tmp"),
        # Beside what is compared: picobox keeps plans of call sites there.
        "XDG_CACHE_HOME": str(work.parent / "cache"),
        "SCRIPTS": str(SCRIPTS),
        "LC_ALL": "C",
        "TZ": "UTC",
        "TERM": "dumb",
        "PYTHONHASHSEED": "0",
        # py_compile then writes content hashes into .pyc files instead of times.
        "SOURCE_DATE_EPOCH": "1000000000",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A U Thor",
        "GIT_AUTHOR_EMAIL": "author@example.org",
        "GIT_AUTHOR_DATE": "2001-02-03T04:05:06Z",
        "GIT_COMMITTER_NAME": "C O Mitter",
        "GIT_COMMITTER_EMAIL": "committer@example.org",
        "GIT_COMMITTER_DATE": "2001-02-03T04:05:07Z",
    }


def keep_plans(caches: Path) -> None:
    """The plans of this user are those of the rows as well: to make them takes longer than most rows."""
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "picobox"
    users.mkdir(parents=True, exist_ok=True)
    caches.mkdir(exist_ok=True)
    link = caches / users.name
    if not link.is_symlink():
        link.symlink_to(users)


def run_row(row: Row, before: Sequence[str], base: Path, now: float) -> Outcome:
    """Run the row in a new directory `base`/work with `before` in front of its command.

    Two runs get the same path one after the other, so that a path in a file or message is no difference.
    """
    work = base / "work"
    for directory in (work / "home", work / "tmp"):
        directory.mkdir(parents=True, mode=0o755)
    env = environment(work)
    keep_plans(Path(env["XDG_CACHE_HOME"]))
    if row.setup:
        subprocess.run(["/bin/sh", "-ec", row.setup], cwd=work, env=env, umask=0o022, check=True)
    command = [*before, *row.argv]
    if row.steps:
        status, stdout, stderr = drive(command, row.steps, base, work, env, row.timeout)
    else:
        status, stdout, stderr = _run(command, base, work, env, row.timeout)
    return Outcome(status, stdout, stderr if row.stderr else b"", snapshot(work, now))


def _run(
    command: Sequence[str], base: Path, work: Path, env: Mapping[str, str], timeout: float
) -> tuple[bytes, bytes, bytes]:
    """Exit status and both streams; the streams are files, so that a process left behind cannot hold the test up."""
    with (base / "stdout").open("w+b") as stdout, (base / "stderr").open("w+b") as stderr:
        process = subprocess.Popen(
            command,
            cwd=work,
            env=env,
            umask=0o022,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        try:
            returned = process.wait(timeout)
            status = str(128 - returned if returned < 0 else returned).encode()
        except subprocess.TimeoutExpired:
            status = b"no end within %d s" % timeout
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return status, (base / "stdout").read_bytes(), (base / "stderr").read_bytes()
