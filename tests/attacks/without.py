"""Runs picobox with walls left out, so that an attack succeeds: `python -m tests.attacks.without WALL,... ARGS`."""

from __future__ import annotations

import sys

from picobox.cli import main
from picobox.platform.forms import KeptForms

from .walls import WALLS


def run() -> int:
    """Takes the walls off and runs picobox's command line with the rest of the arguments."""
    for name in sys.argv[1].split(","):
        take_off = WALLS[name].take_off
        if take_off is None:
            raise ValueError(f"{name} is in the C core: the mutant {WALLS[name].mutant} leaves it out")
        take_off()
    # What is made without a wall must not be kept for runs that have it, nor what was made with it be found.
    for name in ("find", "keep"):
        setattr(KeptForms, name, lambda *_arguments, **_settings: None)
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(run())
