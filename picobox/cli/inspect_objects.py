r"""The verb objects: the namespace of the executive behind a run, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.cli.inspect_common import inspect_options, show, shown
from picobox.cli.options import Option, Usage
from picobox.findings.visible import visible
from picobox.inspection.wire import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.inspection.wire import Json

_DESCRIPTION = r"""Show the objects that have names in a run's executive: their types, how many handles are open to each
and how many references it has, and where a link leads. With PATH (as \BaseNamedObjects, or with slashes) what stands
there and below."""

_EXAMPLES = """examples:
  picobox objects                       everything
  picobox objects /BaseNamedObjects     events, mutants and their kin that programs have named
  picobox objects --run 4711 --json

exit status: 0; 1 if nothing runs, or there is no such object; 125 picobox itself"""
_HEADINGS = ("HANDLES", "REFS", "TYPE", "NAME")


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("objects", _DESCRIPTION, _EXAMPLES)
    path = Option("path", nargs="?", metavar="PATH", default="\\", help="a directory or another object")
    options = usage.read((path, *inspect_options()), arguments)
    return show(options, {"ask": "objects", "path": options.path}, _HEADINGS, rows_of, right=frozenset({1, 2}))


def rows_of(answer: Json) -> Iterator[Sequence[str]]:
    """The lines of the table: handles, references, type, and the name, which stands below its directory's."""
    for target in answer["objects"]:
        name = plain(target["path"])
        if target["depth"]:
            # Before it is made visible: an escape has a backslash too.
            name = name.rpartition("\\")[2]
        name = "  " * target["depth"] + visible(name)
        link = "" if target["target"] is None else f" -> {shown(target['target'])}"
        yield str(target["handles"]), str(target["references"]), target["type"], name + link
