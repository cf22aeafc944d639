"""The verb diff: what runs with --overlay have changed, as lines, as a patch, or for programs."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from picobox.cli.layers import (
    layer_meant,
    line_of,
    name_option,
    readable_or_told,
    real_paths,
    shown_changes,
    split,
    type_of,
)
from picobox.cli.options import Option, Usage
from picobox.confine import journal
from picobox.confine.changes import changes_of, join
from picobox.confine.closed import readable
from picobox.confine.commit import selection
from picobox.confine.conflicts import conflicts_of
from picobox.confine.layers import LayerInUseError

if TYPE_CHECKING:
    from picobox.confine.changes import Change
    from picobox.confine.layers import Layer

SCHEMA = "picobox.diff/1"

_DESCRIPTION = """Tell what runs with --overlay have changed: A added, M changed, D deleted, R renamed, T of another
type. What stands against it, because the host has changed the same, comes after an exclamation mark."""

_EXAMPLES = """examples:
  picobox diff                    what runs in this directory changed
  picobox diff try1 -- src        of layer try1 what is below src
  picobox diff --patch | git apply --check
  picobox diff --format json

exit status: 0; 125 picobox itself"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    arguments, paths = split(arguments)
    usage = Usage("diff", _DESCRIPTION, _EXAMPLES)
    options = usage.read(
        (
            Option("--patch", action="store_true", help="write a patch in git's format"),
            Option("--format", choices=("text", "json"), default="text", help="json: one object, for programs"),
            name_option(),
        ),
        arguments,
    )
    if options.patch and options.format == "json":
        usage.error("--patch is a format of its own: leave out --format json")
    layer, wanted = layer_meant(options.name), real_paths(paths)
    with readable_or_told(), ExitStack() as stack:
        try:
            stack.enter_context(layer)
            stack.enter_context(readable(layer))
        except LayerInUseError:
            # What there is up to now.
            layer.read()
        if options.patch:
            _write_patch(layer, wanted)
        else:
            _write_changes(layer, wanted, options.format)
    return 0


def _write_changes(layer: Layer, wanted: list[bytes], form: str) -> None:
    resumed = journal.read(layer)
    if resumed is not None:
        sys.stderr.write(f"picobox: a commit of layer {layer.name} was interrupted: `picobox commit` finishes it.\n")
    told: list[tuple[Change, str | None]] = []
    for number, part in enumerate(layer.parts):
        present = changes_of(part, layer.prefix)
        changes = selection(present, wanted)
        checked = resumed.times.get(number, {}) if resumed is not None else ()
        conflicts = conflicts_of(changes, present, layer.prefix, checked, resumed=resumed is not None)
        told += [(change, conflicts.get(change.entry.path)) for change in shown_changes(changes)]
    if form == "json":
        sys.stdout.write(json.dumps(_as_object(layer, told), indent=1) + "\n")
    else:
        sys.stdout.write("".join(line_of(change, conflict) + "\n" for change, conflict in told))


def _write_patch(layer: Layer, wanted: list[bytes]) -> None:
    from picobox.confine.patch import patch_of

    for part in layer.parts:
        for text in patch_of(selection(changes_of(part, layer.prefix), wanted)):
            sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def _as_object(layer: Layer, told: list[tuple[Change, str | None]]) -> dict[str, Any]:
    directories = [os.fsdecode(part.directory) for part in layer.parts]
    changes = [_change_as_object(change, conflict) for change, conflict in told]
    return {"schema": SCHEMA, "layer": layer.name, "directories": directories, "changes": changes}


def _change_as_object(change: Change, conflict: str | None) -> dict[str, Any]:
    entry = change.entry
    source = None if change.source is None else os.fsdecode(join(entry.part.directory, change.source))
    return {
        "status": change.kind,
        "path": os.fsdecode(change.path),
        "from": source,
        "type": type_of(change),
        "what": list(change.what),
        "old_mode": None if entry.old is None else f"{entry.old.st_mode:o}",
        "new_mode": None if entry.is_whiteout else f"{entry.new.st_mode:o}",
        "conflict": conflict,
    }
