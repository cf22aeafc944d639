"""The files that the workloads work on, made anew for each run of the benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from bench.runner import environment

if TYPE_CHECKING:
    from pathlib import Path

OLD = 1_600_000_000  # older than six months: ls prints the year, git trusts the index without reading the file again
FILES_PER_DIRECTORY = 20

MAKEFILE = """\
OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))
program: $(OBJECTS)
\tgcc -o $@ $(OBJECTS)
%.o: %.c
\tgcc -O1 -c -o $@ $<
"""


class Scale(NamedTuple):
    """How much work each workload does."""

    budget_ms: int
    files: int
    sources: int
    inserts: int
    loop: int
    forks: int
    blocks: int
    cpu_steps: int
    marks: tuple[int, int]
    names: int
    crowds: tuple[int, int]
    scanned: int
    built: int
    longer: int  # how many times as much the long workloads do
    longest: int  # and those that are done soonest


FULL = Scale(
    budget_ms=200,
    files=2_000,
    sources=30,
    inserts=1_000,
    loop=20_000,
    forks=200,
    blocks=16_384,
    cpu_steps=300_000_000,
    marks=(10_000, 100_000),
    names=10_000,
    crowds=(1_000, 1_000_000),
    scanned=1_000_000,
    built=10_000,
    longer=10,
    longest=40,
)
SMOKE = Scale(
    budget_ms=10,
    files=200,
    sources=2,
    inserts=50,
    loop=2_000,
    forks=20,
    blocks=512,
    cpu_steps=20_000_000,
    marks=(200, 2_000),
    names=200,
    crowds=(400, 4_000),
    scanned=4_000,
    built=100,
    longer=1,
    longest=1,
)


def tree(root: Path, files: int) -> None:
    """A tree like /usr/share/doc: many directories with some small files in each."""
    for number in range(files):
        directory = root / f"package-{number // FILES_PER_DIRECTORY:03}" / "examples"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"file-{number % FILES_PER_DIRECTORY:02}.txt"
        path.write_text(f"line {number}\n" * (number % 50 + 1), encoding="ascii")
    for path in sorted(root.rglob("*"), reverse=True):
        os.utime(path, (OLD, OLD))
    os.utime(root, (OLD, OLD))


def repository(root: Path, files: int) -> None:
    """A git repository with everything committed, made without a network."""
    tree(root, files)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "all")):
        subprocess.run(["git", *words], cwd=root, env=environment(root.parent), check=True)


def python_package(root: Path, modules: int) -> None:
    """A package of many modules that has never been compiled."""
    root.mkdir()
    for number in range(modules):
        body = f"VALUES = [{number}, 'text']\n\n\ndef part(x: int) -> int:\n    return x + {number}\n\n\n" * 20
        (root / f"part_{number}.py").write_text(body, encoding="ascii")


def remove_compiled(root: Path) -> None:
    """Takes away what Python made of a package."""
    shutil.rmtree(root / "__pycache__", ignore_errors=True)


def c_project(root: Path, sources: int) -> None:
    """A program of many small C files and its Makefile."""
    root.mkdir()
    for number in range(sources):
        body = f"#include <stdio.h>\nint part_{number}(int x)\n{{\n    return x + {number};\n}}\n"
        (root / f"part_{number}.c").write_text(body, encoding="ascii")
    (root / "main.c").write_text("int main(void)\n{\n    return 0;\n}\n", encoding="ascii")
    (root / "Makefile").write_text(MAKEFILE, encoding="ascii")


def sql_script(path: Path, inserts: int) -> None:
    """Inserts that each commit on their own; without fsync, which would measure the disk."""
    lines = ["PRAGMA synchronous = OFF;", "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);"]
    lines += [f"INSERT INTO t (text) VALUES ('row {number}');" for number in range(inserts)]
    lines.append("SELECT count(*), sum(id) FROM t;")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def remove_products(root: Path) -> None:
    """Takes away what make made."""
    for path in root.iterdir():
        if path.suffix == ".o" or path.name == "program":
            path.unlink()
