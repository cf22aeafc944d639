"""Compiles the C and C++ programs of the tests into a per-user cache keyed by content."""

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
COMPILERS = {".c": COMPILER, ".cc": os.environ.get("CXX", "g++")}
_RULES = re.compile(r"^/\* profile: (.*) \*/$", re.MULTILINE)
STANDARDS = {".c": "-std=gnu11", ".cc": "-std=gnu++17"}
FLAGS = ("-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread")


class CompileError(Exception):
    """The compiler is missing or refused a program; the text is what it said."""


def program_names() -> list[str]:
    """Name every program that behaves natively as under picobox, without the suffix, in alphabetical order."""
    return sorted(source.stem for source in _sources() if not rules_of(source.stem))


def ruled_programs() -> list[tuple[str, str]]:
    """Name every program that shows the rules of a profile, once with each of the options that it names."""
    return sorted((source.stem, rules) for source in _sources() for rules in rules_of(source.stem))


def source_of(name: str) -> Path:
    """Where the text of a program is."""
    found = [PROGRAMS / f"{name}{suffix}" for suffix in COMPILERS]
    return next((path for path in found if path.exists()), found[0])


def _sources() -> list[Path]:
    return [path for suffix in COMPILERS for path in PROGRAMS.glob(f"*{suffix}")]


@functools.cache
def rules_of(name: str) -> tuple[str, ...]:
    """Give the lines `/* profile: NAME OPTIONS */` of a program: under each of them it must end well."""
    return tuple(_RULES.findall(source_of(name).read_text()))


def compile_program(name: str) -> Path:
    """Compile `programs/NAME.c` or `.cc`, see `compile_source`."""
    return compile_source(source_of(name))


def compile_source(source: Path) -> Path:
    """Compile a program of one file unless the same text was compiled before, and return the executable.

    Two test processes may ask for the same program at once: each compiles into a file of its own and renames it
    over the final name, so a reader sees a whole executable or none. Raises CompileError if the compiler is missing
    or fails.
    """
    name = source.stem
    target = cache_directory() / _key(source) / name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=f"{name}.")
    # Closed before the compiler runs: a descriptor open for writing would make exec fail with ETXTBSY.
    os.close(descriptor)
    try:
        _run_compiler([*_command(source), "-o", scratch, str(source)])
        Path(scratch).chmod(0o755)
        Path(scratch).replace(target)
    finally:
        Path(scratch).unlink(missing_ok=True)
    return target


def _run_compiler(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        raise CompileError(f"{command[0]} is not installed: install Debian packages gcc, g++ and libc6-dev")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def cache_directory() -> Path:
    """Where compiled programs are kept, which programs behind walls see."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "picobox-tests"


def _command(source: Path) -> list[str]:
    return [COMPILERS[source.suffix], STANDARDS[source.suffix], *FLAGS]


@functools.cache
def _compiler_version(compiler: str) -> bytes:
    if shutil.which(compiler) is None:
        return b""
    return subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout


def _key(source: Path) -> str:
    command = _command(source)
    digest = hashlib.sha256(_compiler_version(command[0]) + " ".join(command).encode())
    headers = {*PROGRAMS.glob("*.h"), *source.parent.glob("*.h")}
    for path in (source, *sorted(headers)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
