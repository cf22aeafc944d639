"""Compiles the C programs of the tests into a per-user cache keyed by content."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
COMPILER = os.environ.get("CC", "gcc")
_RULES = re.compile(r"^/\* profile: (.*) \*/$", re.MULTILINE)
FLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread")


class CompileError(Exception):
    """The compiler is missing or refused a program; the text is what it said."""


def program_names() -> list[str]:
    """Name every program that behaves natively as under picobox, without the suffix, in alphabetical order."""
    return sorted(source.stem for source in PROGRAMS.glob("*.c") if not rules_of(source.stem))


def ruled_programs() -> list[tuple[str, str]]:
    """Name every program that shows the rules of a profile, once with each of the options that it names."""
    return sorted((source.stem, rules) for source in PROGRAMS.glob("*.c") for rules in rules_of(source.stem))


@functools.cache
def rules_of(name: str) -> tuple[str, ...]:
    """Give the lines `/* profile: NAME OPTIONS */` of a program: under each of them it must end well."""
    return tuple(_RULES.findall((PROGRAMS / f"{name}.c").read_text()))


def compile_program(name: str) -> Path:
    """Compile `programs/NAME.c`, see `compile_source`."""
    return compile_source(PROGRAMS / f"{name}.c")


def compile_source(source: Path) -> Path:
    """Compile a program of one file unless the same text was compiled before, and return the executable.

    Two test processes may ask for the same program at once: each compiles into a file of its own and renames it
    over the final name, so a reader sees a whole executable or none. Raises CompileError if the compiler is missing
    or fails.
    """
    name = source.stem
    target = _cache_directory() / _key(source) / name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=f"{name}.")
    # Closed before the compiler runs: a descriptor open for writing would make exec fail with ETXTBSY.
    os.close(descriptor)
    try:
        _run_compiler([COMPILER, *FLAGS, "-o", scratch, str(source)])
        Path(scratch).chmod(0o755)
        Path(scratch).replace(target)
    finally:
        Path(scratch).unlink(missing_ok=True)
    return target


def _run_compiler(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        raise CompileError(f"{command[0]} is not installed: install Debian packages gcc and libc6-dev")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _cache_directory() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "picobox-tests"


@functools.cache
def _compiler_version() -> bytes:
    if shutil.which(COMPILER) is None:
        return b""
    return subprocess.run([COMPILER, "--version"], capture_output=True, check=True).stdout


def _key(source: Path) -> str:
    digest = hashlib.sha256(_compiler_version() + " ".join((COMPILER, *FLAGS)).encode())
    headers = {*PROGRAMS.glob("*.h"), *source.parent.glob("*.h")}
    for path in (source, *sorted(headers)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
