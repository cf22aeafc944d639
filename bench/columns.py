"""The ways of running a command that the benchmarks compare, and what is missing for each."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.machine import picobox_version

if TYPE_CHECKING:
    from bench.build import Programs

NAMES = (
    "native",
    "bare",
    "bare-pinned",
    "trace+linux",
    "trace+nt",
    "walls+nt",
    "gate+nt",
    "traced+nt",
    "reference+linux",
    "reference+nt",
    "strace",
    "proot",
    "runsc",
)
PEERS = ("strace", "proot", "runsc")
WEIGHED = "trace+linux"
# What long workloads are run under: what a user would choose between.
CHOICES = ("native", "walls+nt", "gate+nt", "traced+nt", *PEERS)
# Where a name is found in another case.
FOLDING = ("trace+nt", "walls+nt", "gate+nt", "reference+nt")


class Column(NamedTuple):
    """One way of running a command: words put in front of it, or the reason why it cannot be run so here."""

    name: str
    prefix: tuple[str, ...]
    missing: str | None = None
    pinned: bool = False

    def command(self, words: tuple[str, ...]) -> list[str]:
        """The command as this column runs it."""
        return [*self.prefix, *words]


def picobox_program() -> Path | None:
    """The `picobox` command of the Python that runs us: another project of that name may be on the path."""
    script = Path(sysconfig.get_path("scripts")) / "picobox"
    return script if picobox_version() is not None and script.exists() else None


def not_installed() -> str | None:
    """Why nothing of this project can be run, if so."""
    return "picobox-nt is not installed for this Python: pip install -e ." if picobox_program() is None else None


def picobox_column(
    name: str, *options: str, command: tuple[str, ...] = (), module: str | None = None, package: str = ""
) -> Column:
    """A column PLATFORM+PROFILE that runs this project, on a platform that may need a package of its own."""
    program = picobox_program()
    if program is None:
        return Column(name, (), not_installed())
    if module is not None and importlib.util.find_spec(module) is None:
        return Column(name, (), f"{package} is not installed: pip install -e '.[reference]'")
    return Column(name, (str(program), *command, "-q", "--profile", name.rpartition("+")[2], *options, "--"))


def peer_column(program: str, *options: str) -> Column:
    """A column that runs another project's program of the same name."""
    found = shutil.which(program)
    if found is None:
        return Column(program, (), f"{program} is not installed: install the package {program}")
    return Column(program, (found, *options))


def versions(columns: list[Column]) -> dict[str, str]:
    """The version that each installed peer prints of itself."""
    asked = {"strace": "-V", "proot": "--version", "runsc": "--version"}
    found = {}
    for column in columns:
        if column.name in asked and column.missing is None:
            words = [column.prefix[0], asked[column.name]]
            text = subprocess.run(words, capture_output=True, text=True, check=False).stdout
            numbers = [word for word in text.split() if word[:1].isdigit() and "." in word]
            found[column.name] = numbers[0] if numbers else "unknown"
    return found


def find(programs: Programs, names: tuple[str, ...] = NAMES) -> list[Column]:
    """The named columns in the order of NAMES; what is not installed says so in `missing`."""
    bare = (str(programs.bare_loop),)
    # What is measured may lie among temporary files, which would be private.
    confined = ("--policy", "default", "--write", tempfile.gettempdir())
    every = (
        Column("native", ()),
        Column("bare", bare),
        Column("bare-pinned", bare, pinned=True),
        picobox_column("trace+linux", "--unconfined", "--no-gate"),
        picobox_column("trace+nt", "--unconfined", "--no-gate"),
        picobox_column("walls+nt", *confined, "--no-gate"),
        picobox_column("gate+nt", *confined),
        picobox_column("traced+nt", *confined, "-o", str(programs.bare_loop.with_name("traced")), command=("trace",)),
        picobox_column(
            "reference+linux", "--unconfined", "--platform", "reference", module="ptrace", package="python-ptrace"
        ),
        picobox_column(
            "reference+nt", "--unconfined", "--platform", "reference", module="ptrace", package="python-ptrace"
        ),
        peer_column("strace", "-f", "-o", "/dev/null", "--"),
        peer_column("proot"),
        # The platform that Debian's version can use everywhere; a network of its own needs more than one command.
        peer_column("runsc", "--network=none", "--platform=ptrace", "do"),
    )
    return [column for column in every if column.name in names]
