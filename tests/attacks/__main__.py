"""Runs the attacks and writes docs/attacks.md: `python -m tests.attacks [--rounds N] [NAME...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from .catalogue import attacks
from .runs import modes, run
from .table import PAGE, page


def main() -> int:
    """Runs what is named, or all; gives 1 if an attack got something."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=1, help="how long races last, and how often what may fail is tried"
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a program of tests/attacks/programs; without any: all"
    )
    options = parser.parse_args()
    wanted = [attack for attack in attacks() if not options.names or attack.name in options.names]
    results = {mode.name: run(wanted, mode, rounds=options.rounds, seconds=25 * options.rounds) for mode in modes()}
    failed = False
    for column, outcomes in results.items():
        for name, outcome in outcomes.items():
            failed |= not outcome.is_stopped
            told = "stopped" if outcome.is_stopped else f"{'; '.join(outcome.got) or outcome.ended}"
            sys.stdout.write(f"{column:15} {name:25} {told}\n")
    if not options.names:
        PAGE.write_text(page(results))
    return failed


if __name__ == "__main__":
    sys.exit(main())
