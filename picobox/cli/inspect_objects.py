r"""The verb objects: the namespace of the executive behind a run, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.cli.inspect_common import inspect_options, show, shown
from picobox.cli.options import Option, Usage

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
    return show(options, {"ask": "objects", "path": options.path}, _HEADINGS, _rows, right=frozenset({1, 2}))


def _rows(answer: Json) -> Iterator[Sequence[str]]:
    for target in answer["objects"]:
        name = shown(target["path"])
        if target["depth"]:
            name = "  " * target["depth"] + name.rpartition("\\")[2]
        link = "" if target["target"] is None else f" -> {shown(target['target'])}"
        yield str(target["handles"]), str(target["references"]), target["type"], name + link
