"""Owns what a suite runs in: an environment of its pinned wheels, made once, and a fresh tree of its sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import venv
from typing import TYPE_CHECKING

from inputs import CACHE, input_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENVIRONMENTS = CACHE.parent / "suites"
# Seconds, for the installation of one environment.
TIMEOUT = 300


def environment(name: str, wheels: Sequence[str]) -> Path:
    """The Python of an environment that holds these wheels and nothing else; made if it is not in the cache.

    Raises MissingInputError if a wheel was not fetched.
    """
    digest = hashlib.sha256("\n".join([sys.version, *wheels]).encode()).hexdigest()[:16]
    directory = ENVIRONMENTS / f"{name}-{digest}"
    if not directory.exists():
        part = directory.with_name(f"{directory.name}.{os.getpid()}")
        files = [str(input_file(wheel)) for wheel in wheels]
        venv.create(part, with_pip=False, symlinks=True)
        _install(part / "bin" / "python", files)
        try:
            part.rename(directory)
        except OSError:  # Somebody else was faster.
            shutil.rmtree(part)
    return directory / "bin" / "python"


def _install(python: Path, files: list[str]) -> None:
    """From these files alone: without an index and without what they say they need."""
    command = [sys.executable, "-m", "pip", "--isolated", "--python", str(python), "install", "-q", "--no-index"]
    done = subprocess.run([*command, "--no-deps", *files], capture_output=True, text=True, check=False, timeout=TIMEOUT)
    if done.returncode != 0:
        raise RuntimeError(f"{python} cannot be furnished:\n{done.stderr}")


def unpack(source: str, base: Path) -> Path:
    """Unpack a source distribution as `base`/project, with empty directories `home` and `tmp` beside it."""
    for name in ("project", "home", "tmp"):
        shutil.rmtree(base / name, ignore_errors=True)
    for name in ("home", "tmp"):
        (base / name).mkdir(parents=True)
    with tarfile.open(input_file(source)) as archive:
        archive.extractall(base / "unpacked", filter="data")
    (root,) = (base / "unpacked").iterdir()
    root.rename(base / "project")
    (base / "unpacked").rmdir()
    return base / "project"


def variables(python: Path, base: Path) -> Mapping[str, str]:
    """The whole environment of a run: nothing of the caller's, no index, no source of difference between two runs."""
    return {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(base / "home"),
        "TMPDIR": str(base / "tmp"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "PYTHONHASHSEED": "0",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
