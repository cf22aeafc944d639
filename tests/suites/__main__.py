"""Runs suites of other projects natively and under `picobox check`: `python -m tests.suites [--table] [NAME...]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from .lock import lock
from .suite import load
from .table import both, write_table


def tell(*lines: str) -> None:
    """Write lines to the standard output."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run what was asked for; the status is 1 if a suite shows what it must not."""
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a suite (default: all)")
    parser.add_argument("--table", action="store_true", help="write what the last runs have shown to docs/corpus.md")
    parser.add_argument("--lock", action="store_true", help="pin the files that suites.toml asks for")
    options = parser.parse_args(arguments)
    if options.lock:
        lock()
        return 0
    suites = load()
    status = 0
    if options.names or not options.table:
        for name in options.names or suites:
            with tempfile.TemporaryDirectory(prefix="s") as folder:
                verdict = both(suites[name], Path(folder).resolve())
            tell(f"{name}: {verdict.tests} tests, {verdict.native:.1f} s, under check {verdict.check:.1f} s")
            first = verdict.first_check / verdict.native
            tell(f"    {verdict.ratio:.2f} times as long, {first:.2f} times without caches")
            tell(*verdict.differing, *verdict.false_alarms)
            status |= bool(verdict.differing or len(verdict.false_alarms) > 1)
    if options.table:
        write_table(suites)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
