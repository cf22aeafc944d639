"""The verb locks: which locks the processes under picobox hold, and for which they wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.cli.inspect_common import inspect_options, show, shown
from picobox.cli.options import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.inspection.wire import Json

_DESCRIPTION = """List locks: the kernel's (posix, ofdlck, flock, lease) by each descriptor through which somebody has
them, and NT's byte ranges on drives (nt), which keep others from reading and writing. Who waits has an arrow."""

_EXAMPLES = """examples:
  picobox locks
  picobox locks --json

exit status: 0; 1 if there is none, or a run did not answer; 125 picobox itself"""
_HEADINGS = ("PID", "PROGRAM", "KIND", "MODE", "FIRST", "LAST", "NAME")


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    options = Usage("locks", _DESCRIPTION, _EXAMPLES).read(inspect_options(), arguments)
    return show(options, {"ask": "locks"}, _HEADINGS, _rows, right=frozenset({1, 5, 6}))


def _rows(answer: Json) -> Iterator[Sequence[str]]:
    for lock in answer["locks"]:
        yield (
            "-" if lock["pid"] is None else str(lock["pid"]),
            shown(lock["name"]) or "-",
            ("-> " if lock["waits"] else "") + lock["kind"],
            "exclusive" if lock["exclusive"] else "shared",
            str(lock["first"]),
            "end" if lock["last"] is None else str(lock["last"]),
            shown(lock["path"]) or f"inode {lock['inode']}",
        )
