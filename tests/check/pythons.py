"""The CPythons of this machine whose frames picobox can read."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def find_pythons() -> dict[str, Path]:
    """Every interpreter by a name: our own, those of the search path, those of pyenv; a file is named once."""
    places = [
        Path(sys.executable),
        *(Path(directory) / f"python{v}" for directory in os.get_exec_path() for v in VERSIONS),
    ]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places += [path for v in VERSIONS for path in sorted(root.glob(f"versions/{v}.*/bin/python{v}"))]
    found: dict[Path, Path] = {}
    for place in places:
        path = place.resolve()
        if path.is_file() and re.fullmatch(r"python3\.\d+t?", path.name) and not _is_script(path):
            found.setdefault(path, path)
    return {f"{path.name[6:]}-{number}" if number else "own": path for number, path in enumerate(found)}


def _is_script(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"


PYTHONS = find_pythons()
