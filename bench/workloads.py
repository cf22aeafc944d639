"""Whole programs, natively and translated: `python bench/workloads.py` runs alone."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import columns, inputs
from bench.runner import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.build import Programs
    from bench.inputs import Scale


def tree_rows(directory: Path, scale: Scale) -> list[Row]:
    """Programs that walk a tree of many files."""
    inputs.tree(directory / "tree", scale.files)
    # tar looks whether its output is /dev/null and then reads no file at all: the pipe keeps it honest.
    tar = "tar -cf - tree | cat > /dev/null"
    rows = [
        Row("ls-lR", f"ls -lR of {scale.files} files", "workload", ("ls", "-lR", "tree"), directory),
        Row("find", f"find -type f over {scale.files} files", "workload", ("find", "tree", "-type", "f"), directory),
        Row("tar", f"tar c of {scale.files} files into a pipe", "workload", ("sh", "-c", tar), directory),
    ]
    if shutil.which("git") is not None:
        inputs.repository(directory / "repository", scale.files)
    status = ("git", "-C", "repository", "status", "--porcelain")
    return [*rows, Row("git-status", f"git status, {scale.files} files", "workload", status, directory, needs=("git",))]


def long_rows(directory: Path, scale: Scale) -> list[Row]:
    """What takes a quarter of a second or more natively: start-up, which has a row of its own, does not decide here."""
    files, package, times = scale.files * scale.longest, directory / "package", scale.longer
    database = directory / "long.db"
    inputs.tree(directory / "long-tree", files)
    inputs.python_package(package, scale.sources * 2 * times)
    inputs.sql_script(directory / "long.sql", scale.inserts * times)
    copy = ("dd", "if=/dev/zero", "of=/dev/null", "bs=4k", f"count={scale.blocks * scale.longest}", "status=none")
    loop = f"for ((j = 0; j < {scale.forks * times}; j++)); do (:); done; echo $j"
    compile_all = (sys.executable, "-m", "compileall", "-q", "package")

    def row(name: str, what: str, *command: str, reset: Callable[[], None] | None = None) -> Row:
        return Row(
            f"long-{name}", what, "workload", command, directory, needs=command[:1], reset=reset, only=columns.CHOICES
        )

    rows = [
        row("ls-lR", f"ls -lR of {files} files", "ls", "-lR", "long-tree"),
        row("find", f"find by size among {files} files", "find", "long-tree", "-type", "f", "-size", "+0"),
        row("tar", f"tar c of {files} files into a pipe", "sh", "-c", "tar -cf - long-tree | cat > /dev/null"),
        row("dd", f"dd of {scale.blocks * scale.longest} blocks of 4 KiB", *copy),
        row("shell-loop", f"bash: {scale.forks * times} forks", "bash", "-c", loop),
        row(
            "sqlite",
            f"{scale.inserts * times} inserts",
            "sqlite3",
            str(database),
            ".read long.sql",
            reset=lambda: database.unlink(missing_ok=True),
        ),
        row("compileall", "python -m compileall", *compile_all, reset=lambda: inputs.remove_compiled(package)),
    ]
    if shutil.which("git") is not None:
        inputs.repository(directory / "long-repository", files)
    status = ("git", "-C", "long-repository", "status", "--porcelain")
    return [*rows, row("git-status", f"git status, {files} files", *status)]


def build_rows(directory: Path, scale: Scale) -> list[Row]:
    """Programs that start programs, and a database."""
    project = directory / "project"
    inputs.c_project(project, scale.sources)
    inputs.sql_script(directory / "inserts.sql", scale.inserts)
    database = directory / "inserts.db"
    # The first loop makes no call, the second forks a subshell each time.
    loop = (
        f"i=0; while ((i < {scale.loop})); do ((i += 1)); done; "
        f"for ((j = 0; j < {scale.forks}; j++)); do (:); done; echo $i $j"
    )
    return [
        Row(
            "make-j2",
            f"make -j2 of {scale.sources + 1} C files",
            "workload",
            ("make", "-s", "-j2", "-C", "project"),
            directory,
            needs=("make", "gcc"),
            reset=lambda: inputs.remove_products(project),
            made=project / "program",
            parallel=True,
        ),
        Row(
            "sqlite",
            f"{scale.inserts} inserts, each its own transaction",
            "workload",
            ("sqlite3", str(database), ".read inserts.sql"),
            directory,
            needs=("sqlite3",),
            reset=lambda: database.unlink(missing_ok=True),
            made=database,
        ),
        Row(
            "shell-loop",
            f"bash: {scale.loop} builtin steps, {scale.forks} forks",
            "workload",
            ("bash", "-c", loop),
            directory,
            needs=("bash",),
        ),
    ]


_CROWD = """
import os, sys, threading
def work():
    for _ in range(int(sys.argv[1])):
        with lock:
            os.close(os.open(".", os.O_RDONLY))
lock = threading.Lock()
threads = [threading.Thread(target=work) for _ in range(100)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def rows(programs: Programs, directory: Path, scale: Scale) -> list[Row]:
    """One row for each program; makes what they work on inside an existing empty directory."""
    copy = ("dd", "if=/dev/zero", "of=/dev/null", "bs=4k", f"count={scale.blocks}", "status=none")
    steps = str(scale.cpu_steps)

    def cpu(name: str, what: str, processes: str) -> Row:
        command = (str(programs.cpu), processes, steps)
        return Row(name, what, "workload", command, directory, clock="program", parallel=True)

    return [
        Row("true", "start-up: /bin/true", "workload", ("/bin/true",), directory),
        Row("python", "start-up: python -c pass", "workload", (sys.executable, "-c", "pass"), directory),
        *tree_rows(directory, scale),
        *build_rows(directory, scale),
        *long_rows(directory, scale),
        Row("dd", f"dd of {scale.blocks} blocks of 4 KiB", "workload", copy, directory),
        Row(
            "crowd",
            f"a hundred Python threads, a lock handed around {scale.loop} times",
            "workload",
            (sys.executable, "-c", _CROWD, str(scale.loop // 100)),
            directory,
            parallel=True,
        ),
        cpu("cpu-alone", "one CPU-bound process", "1"),
        cpu("cpu-together", "two CPU-bound processes at once", "2"),
    ]


if __name__ == "__main__":
    from bench.session import MEMORY, main

    sys.exit(main("bench/workloads.py", [rows], (MEMORY,)))
