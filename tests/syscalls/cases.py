"""A guest: does each operation on another spelling of a name that is there, in each directory, and tells what came."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STORED = "name"
ASKED = "NAME"


def same_file(path: str) -> str:
    """Whether an open that may make the file has found the stored one."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return "stored" if os.path.samefile(path, path.replace(ASKED, STORED)) else "new"


def made(path: str, make: Callable[[str], object]) -> str:
    try:
        make(path)
    except FileExistsError:
        return "stored"
    return "new"


def look_up(path: str) -> str:
    return "stored" if os.path.lexists(path) else "new"


OPERATIONS: dict[str, Callable[[str], str]] = {
    "create exclusively": lambda path: made(path, lambda new: os.close(os.open(new, os.O_CREAT | os.O_EXCL))),
    "create": same_file,
    "mkdir": lambda path: made(path, os.mkdir),
    "symlink": lambda path: made(path, lambda new: os.symlink("target", new)),
    "link": lambda path: made(path, lambda new: os.link(new.replace(ASKED, STORED), new)),
    "mknod": lambda path: made(path, lambda new: os.mknod(new, 0o600)),
    "look up": look_up,
}


def remove(path: str) -> None:
    if ASKED in os.listdir(os.path.dirname(path)):
        (os.rmdir if os.path.isdir(path) else os.unlink)(path)


def main() -> None:
    """The directories are this program's arguments."""
    found: dict[str, dict[str, str]] = {}
    for directory in sys.argv[1:]:
        path = os.path.join(directory, ASKED)
        found[directory] = {}
        for name, operation in OPERATIONS.items():
            found[directory][name] = operation(path)
            remove(path)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
