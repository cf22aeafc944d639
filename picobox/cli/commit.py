"""The verb commit: makes what runs with --overlay have changed the host's own."""

from __future__ import annotations

import sys

from picobox.cli.layers import (
    as_shown,
    layer_meant,
    line_of,
    name_option,
    readable_or_told,
    real_paths,
    shown_changes,
    split,
)
from picobox.cli.options import Option, Usage, output_options
from picobox.confine.commit import ConflictError, commit
from picobox.errors import PicoboxError

_DESCRIPTION = """Make what runs with --overlay have changed the host's own, and empty the layer. Each file comes at
once or not at all. Nothing is done if the host has changed any of it since. The same command finishes what was
interrupted."""

_EXAMPLES = """examples:
  picobox commit                  all that runs in this directory changed
  picobox commit try1 -- src      of layer try1 what is below src; the rest stays in the layer
  picobox commit --force          also what the host has changed since: the layer's counts

exit status: 0; 1 the host has changed the same: nothing was done; 125 picobox itself"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    arguments, paths = split(arguments)
    usage = Usage("commit", _DESCRIPTION, _EXAMPLES)
    force = Option("--force", action="store_true", help="take the layer's where the host has changed the same")
    options = usage.read((force, *output_options()[:2], name_option()), arguments)
    wanted = real_paths(paths)
    with readable_or_told(), layer_meant(options.name) as layer:
        for path in wanted:
            if not any(path == part.directory or path.startswith(part.directory + b"/") for part in layer.parts):
                raise PicoboxError(
                    f"{as_shown(path)} is in no directory of layer {layer.name}; `picobox diff {layer.name}` shows all"
                )
        try:
            done = shown_changes(commit(layer, wanted, force=options.force))
        except ConflictError as error:
            for conflict in error.conflicts:
                sys.stderr.write(f"picobox: {as_shown(conflict.path)}: {conflict.reason}\n")
            sys.stderr.write(
                "picobox: nothing was committed. Commit other paths, or --force takes the layer's; "
                "`picobox diff --patch` shows what that is.\n"
            )
            return 1
    if options.verbose:
        sys.stdout.write("".join(line_of(change) + "\n" for change in done))
    if not options.quiet:
        what = "nothing" if not done else "1 change" if len(done) == 1 else f"{len(done)} changes"
        sys.stderr.write(f"picobox: committed {what} of layer {layer.name}.\n")
    return 0
