"""Weighs a supervisor between numbers of opens and processes of its guest."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import Weight
from bench.runner import RunError, environment, last_line, progress

if TYPE_CHECKING:
    from bench.columns import Column

OPERATIONS = ("opens", "processes")
TIMEOUT_S = 600.0


def status_bytes(pid: int, key: str) -> int:
    """A size from /proc/PID/status in bytes (the kernel prints KiB); raises RunError if it is not there."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RunError(f"the supervisor is gone: {error}") from error
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    raise RunError(f"no {key} in /proc/{pid}/status")


def ask(process: subprocess.Popen[bytes], operation: str, count: int) -> None:
    """Has the guest do a number of operations; raises RunError unless it says that it did them."""
    if process.stdin is None or process.stdout is None:
        raise RunError("the guest has no pipes")
    process.stdin.write(f"{operation} {count}\n".encode())
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], TIMEOUT_S)
    answer = process.stdout.readline() if ready else b""
    if answer != b"done\n":
        raise RunError(f"{count} {operation}: the guest answered {answer!r}")


def weigh_operation(column: Column, program: Path, directory: Path, operation: str, marks: tuple[int, int]) -> Weight:
    """Runs one guest up to each mark and reads its supervisor's memory there."""
    weight = Weight(column.name, operation, marks)
    err = directory.parent / "stderr"
    with err.open("wb") as stderr:
        process = subprocess.Popen(
            column.command((str(program),)),
            cwd=directory,
            env=environment(directory),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        take_marks(process, weight)
    except (RunError, OSError) as error:
        weight.failed = f"{error}; {last_line(err)}"
    finally:
        end(process, keep=weight.peak is not None)
        progress("")
    if process.returncode != 0 and weight.failed is None:
        weight.failed = f"status {process.returncode}: {last_line(err)}"
    return weight


def take_marks(process: subprocess.Popen[bytes], weight: Weight) -> None:
    """Fills in a weight while its guest runs; raises RunError when the guest or its supervisor fails."""
    done = 0
    for mark in weight.marks:
        progress(f"memory of {weight.column}: {mark} {weight.operation}")
        ask(process, weight.operation, mark - done)
        done = mark
        weight.resident.append((mark, status_bytes(process.pid, "VmRSS")))
    weight.peak = status_bytes(process.pid, "VmHWM")


def end(process: subprocess.Popen[bytes], *, keep: bool) -> None:
    """Ends a guest by the end of its input if it may keep its status, otherwise or when late by a signal."""
    if not keep:
        os.killpg(process.pid, signal.SIGKILL)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def weigh(column: Column, probed: str | None, program: Path, directory: Path, marks: tuple[int, int]) -> list[Weight]:
    """The memory of a column's supervisor over opens and over processes."""
    if column.missing is not None:
        return [Weight(column.name, operation, marks, missing=column.missing) for operation in OPERATIONS]
    if probed is not None:
        return [Weight(column.name, operation, marks, failed=probed) for operation in OPERATIONS]
    return [weigh_operation(column, program, directory, operation, marks) for operation in OPERATIONS]
