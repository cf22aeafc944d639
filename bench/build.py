"""Compiles the C programs of the benchmarks into a scratch directory."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parent
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")


class BuildError(Exception):
    """A program could not be compiled; the text says what to do."""


class Programs(NamedTuple):
    """Paths of the compiled programs."""

    calls: Path
    bare_loop: Path
    cpu: Path
    marks: Path
    true_static: Path
    true_dynamic: Path


def compile_program(source: str, target: Path, *flags: str) -> Path:
    """Compiles one source file of this directory; raises BuildError with the compiler's own words."""
    command = ["gcc", *FLAGS, *flags, str(SOURCES / source), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"cannot compile {source}:\n{done.stderr}")
    return target


def build(directory: Path) -> Programs:
    """Compiles everything into an existing directory; raises BuildError when gcc is missing or refuses."""
    if shutil.which("gcc") is None:
        raise BuildError("gcc is not installed: install the packages gcc and libc6-dev")
    return Programs(
        calls=compile_program("calls.c", directory / "calls"),
        bare_loop=compile_program("bare_loop.c", directory / "bare_loop"),
        cpu=compile_program("cpu.c", directory / "cpu"),
        marks=compile_program("marks.c", directory / "marks"),
        true_static=compile_program("true.c", directory / "true_static", "-static"),
        true_dynamic=compile_program("true.c", directory / "true_dynamic"),
    )
