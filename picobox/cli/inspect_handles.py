"""The verb handles: what the processes under picobox have open, and who holds a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.cli.inspect_common import inspect_options, show, shown
from picobox.cli.options import Option, Usage
from picobox.inspection.asking import file_asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.inspection.wire import Json

_DESCRIPTION = """List what the processes that run under picobox have open: descriptors, working directories (cwd),
programs (exe), mapped files (map) and NT objects. With NAME: who holds that file open, by whichever of its names.
SHARE tells what a Windows open would leave to others (r, w, d for delete), where NT counts the open already."""

_EXAMPLES = r"""examples:
  picobox handles build/app.db   who holds it open
  picobox handles -p 4711        what a process has open, by its number here or among guests
  picobox handles 'C:\build\app.db'    as a run's drives have it; also \??\C:\..., \Device\HarddiskVolume2\...
  picobox handles --json

exit status: 0; 1 if nothing is open so, or a run did not answer; 125 picobox itself"""
_HEADINGS = ("PID", "PROGRAM", "FD", "ACCESS", "SHARE", "NAME")


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("handles", _DESCRIPTION, _EXAMPLES)
    own = (
        Option("name", nargs="?", metavar="NAME", help="a file, by any of its names"),
        Option("-p", "--pid", type=int, metavar="PID", help="of this process alone"),
    )
    options = usage.read((*own, *inspect_options()), arguments)
    request: Json = {"ask": "handles", "pid": options.pid}
    if options.name is not None:
        request |= file_asked(options.name)
    return show(options, request, _HEADINGS, _rows, right=frozenset({1, 3}))


def _rows(answer: Json) -> Iterator[Sequence[str]]:
    for handle in answer["handles"]:
        nt = handle["nt"]
        place = f"{handle['fd']}" if handle["fd"] is not None else handle["kind"]
        access, name = handle["access"] or "-", handle["path"]
        if handle["kind"] == "object":
            place, access = f"{nt['handle']:#x}", f"{nt['access']:#x}"
            name = f"{nt['type']} {nt['name']}".rstrip()
        share = nt["share"] if nt else None
        removed = " (deleted)" if handle["links"] == 0 and not str(name).endswith(" (deleted)") else ""
        yield (
            str(handle["pid"]),
            shown(handle["name"]),
            place,
            access,
            "-" if share is None else share or "none",
            shown(name) + removed,
        )
