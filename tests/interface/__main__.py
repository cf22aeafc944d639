"""Writes what picobox/share holds: completions and pages of the manual."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SHARE = TESTS.parent / "picobox" / "share"


def main() -> None:
    """Writes every file, and takes away what is none of them."""
    sys.path.insert(0, str(TESTS))
    from interface import completions, manual

    for directory, made in (("completions", completions.all_written()), ("man", manual.all_pages())):
        (SHARE / directory).mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (SHARE / directory / name).write_text(text)
        for path in set((SHARE / directory).iterdir()) - {SHARE / directory / name for name in made}:
            path.unlink()


if __name__ == "__main__":
    main()
