"""Pins what the suites need: asks the package index once, and writes the names and hashes of all files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from inputs import TABLE as INPUTS
from inputs import load as load_inputs

from .suite import WHEELS, Suite, load

if TYPE_CHECKING:
    from collections.abc import Sequence

# Every environment has these.
COMMON = ("pytest",)
# Wheels without machine code, which any Python can install.
PURE = ("--platform", "any", "--abi", "none", "--implementation", "py", "--python-version", "3.11")
# For an environment that cannot be had from those alone.
COMPILED = (*PURE[:4], "--platform", "manylinux2014_x86_64", "--abi", "cp311", "--implementation", "cp", *PURE[-2:])
INDEX = "https://pypi.org/simple"


class Pinned(NamedTuple):
    """A file of a release."""

    project: str
    version: str
    file: str
    sha256: str


def lock() -> None:
    """Write wheels.toml, and append to .ci/inputs.toml what it lacks."""
    known = set(load_inputs())
    lines = ["# The files of each suite, the source distribution first. Made by `python -m tests.suites --lock`.\n"]
    for suite in load().values():
        files = [source_of(suite), *wheels_of(suite)]
        lines.append(f'"{suite.name}" = [\n' + "".join(f'    "{file.file}",\n' for file in files) + "]\n")
        with INPUTS.open("a") as inputs:
            for file in files:
                if file.file not in known:
                    known.add(file.file)
                    inputs.write(_entry(file, full=not suite.fast))
    WHEELS.write_text("".join(lines))


def source_of(suite: Suite) -> Pinned:
    """The source distribution of a suite's release."""
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    request = urllib.request.Request(f"{INDEX}/{suite.name}/", headers=accept)
    with urllib.request.urlopen(request, timeout=60) as answer:
        files: list[dict[str, Any]] = json.load(answer)["files"]
    found = [file for file in files if file["filename"].endswith(f"-{suite.version}.tar.gz")]
    return Pinned(suite.name, suite.version, found[0]["filename"], found[0]["hashes"]["sha256"])


def wheels_of(suite: Suite) -> list[Pinned]:
    """The wheels of its environment, in the order of their names."""
    wanted = [*COMMON, f"{suite.name}=={suite.version}", *suite.requirements]
    try:
        return sorted(_resolve(wanted, PURE))
    except subprocess.CalledProcessError:
        return sorted(_resolve(wanted, COMPILED))


def _resolve(wanted: list[str], tags: Sequence[str]) -> list[Pinned]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed"]
        subprocess.run(
            [*command, "--only-binary", ":all:", "--report", str(report), "--target", folder, *tags, *wanted],
            env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""},
            check=True,
            capture_output=True,
            timeout=300,
        )
        return [_pinned(entry) for entry in json.loads(report.read_text())["install"]]


def _pinned(entry: dict[str, Any]) -> Pinned:
    info, metadata = entry["download_info"], entry["metadata"]
    name = info["url"].rpartition("/")[2]
    return Pinned(metadata["name"], metadata["version"], name, info["archive_info"]["hashes"]["sha256"])


def _entry(file: Pinned, *, full: bool) -> str:
    tier = "full = true\n" if full else ""
    release = f'pypi = "{file.project}=={file.version}"\nfile = "{file.file}"\n'
    return f'\n["{file.file}"]\n{release}sha256 = "{file.sha256}"\n{tier}'
