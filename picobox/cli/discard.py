"""The verb discard: throws away what runs with --overlay have changed."""

from __future__ import annotations

from picobox.cli.layers import layer_meant, name_option, readable_or_told, split
from picobox.cli.options import Usage
from picobox.confine.commit import leftovers

_DESCRIPTION = "Throw away what runs with --overlay have changed. The host's files stay as they are."

_EXAMPLES = """examples:
  picobox discard            the layer of this directory
  picobox discard try1

exit status: 0; 125 picobox itself"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    arguments, paths = split(arguments)
    usage = Usage("discard", _DESCRIPTION, _EXAMPLES)
    options = usage.read((name_option(),), arguments)
    if paths:
        usage.error("a layer goes as a whole: leave out what comes after --")
    with readable_or_told(), layer_meant(options.name) as layer:
        leftovers(layer)
        layer.discard()
    return 0
