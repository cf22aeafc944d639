"""The verb ps: the processes that run under picobox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from picobox.cli.inspect_common import command_shown, inspect_options, show
from picobox.cli.options import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.inspection.wire import Json

_DESCRIPTION = """List the processes that run under picobox: of each run of yours, whatever started it. RUN is the pid
of its picobox, PID the number that a process has here, GUEST the one that it has for itself, NT its process id
there, if NT knows it already, S its state as in ps(1), THR its threads."""

_EXAMPLES = """examples:
  picobox ps              everything
  picobox ps --run 4711   of one run
  picobox ps --json       with threads and start times

exit status: 0; 1 if there is nothing, or a run did not answer; 125 picobox itself"""
_HEADINGS = ("PID", "GUEST", "PARENT", "NT", "S", "THR", "TIME", "COMMAND")


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("ps", _DESCRIPTION, _EXAMPLES)
    options = usage.read(inspect_options(), arguments)
    return show(options, {"ask": "ps"}, _HEADINGS, _rows, right=frozenset(range(1, 5)) | {6, 7})


def _rows(answer: Json) -> Iterator[Sequence[str]]:
    now = time.time()
    for process in answer["processes"]:
        nt = process["nt_pid"]
        yield (
            str(process["pid"]),
            str(process["guest_pid"]),
            str(process["parent"]),
            "-" if nt is None else str(nt),
            process["state"],
            str(len(process["threads"])),
            _age(now - process["started"]),
            command_shown(process["command"], process["name"]),
        )


def _age(seconds: float) -> str:
    whole = max(int(seconds), 0)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}"
