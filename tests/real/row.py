"""Owns the form of a row of table R, and the Debian packages that rows may need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .terminal import Step

FAST, FULL = "fast", "full"

# Each Debian package a row may need, and a file of it whose absence fails the row.
PACKAGES = {
    "busybox-static": "/usr/bin/busybox",
    "default-jdk-headless": "/usr/bin/javac",
    "gcc": "/usr/bin/gcc",
    "gdb": "/usr/bin/gdb",
    "git": "/usr/bin/git",
    "golang-go": "/usr/bin/go",
    "libpython3.11-testsuite": "/usr/lib/python3.11/test/test_os.py",
    "make": "/usr/bin/make",
    "musl-tools": "/usr/bin/musl-gcc",
    "nodejs": "/usr/bin/node",
    "python3": "/usr/bin/python3",
    "python3-pip": "/usr/lib/python3/dist-packages/pip/__main__.py",
    "python3-venv": "/usr/lib/python3.11/ensurepip/__init__.py",
    "redis-server": "/usr/bin/redis-server",
    "redis-tools": "/usr/bin/redis-benchmark",
    "sqlite3": "/usr/bin/sqlite3",
    "strace": "/usr/bin/strace",
    "stress-ng": "/usr/bin/stress-ng",
    "tmux": "/usr/bin/tmux",
    "vim-tiny": "/usr/bin/vim.tiny",
    "xz-utils": "/usr/bin/xz",
}


class Row(NamedTuple):
    """One line of table R.

    `setup` is a shell command run natively before each of the two runs; `timeout` is in seconds and for one run;
    `status` is the exit status that shows the row to have done its work; `stderr` says whether it is compared.
    A row with `steps` runs in a terminal.
    """

    program: str
    name: str
    argv: tuple[str, ...]
    tier: str
    needs: tuple[str, ...]
    setup: str
    timeout: float
    status: bytes
    stderr: bool
    steps: tuple[Step, ...]


def row(
    program: str,
    name: str,
    command: str | tuple[str, ...],
    tier: str = FAST,
    needs: tuple[str, ...] = (),
    setup: str = "",
    timeout: float = 60,
    status: int = 0,
    stderr: bool = True,
    steps: tuple[Step, ...] = (),
) -> Row:
    """A row; a command given as text is run by `sh -ec`, one given as a tuple directly."""
    argv = ("/bin/sh", "-ec", command) if isinstance(command, str) else command
    return Row(program, name, argv, tier, needs, setup, timeout, str(status).encode(), stderr, steps)
