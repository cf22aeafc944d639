"""Which frame of a stack is the place in a project that is to be changed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from picobox.platform.host import is_file, located

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.findings.finding import Frame

# Directories in a project whose files others have written.
_FOREIGN = frozenset(("site-packages", "dist-packages", ".tox", ".nox", "node_modules"))
_STANDARD_LIBRARY = re.compile(r"(^|/)lib(64)?/(python|pypy)\d(\.\d+)?t?/")
_ENVIRONMENT = "pyvenv.cfg"
# What compilers write for their own libraries: no project has these files.
_COMPILERS = ("/rustc/", "/usr/local/go/", "/usr/lib/go")
_SOURCES_OF_PYTHON = (".py", ".pyw", ".pyi")


def site_of(stack: Sequence[Frame], directory: str) -> Frame | None:
    """The innermost frame of a source file in a project, with its path there; else that of a module; else None.

    `directory` is the project's, absolute and without links. What was installed into it, standard libraries and
    virtual environments are not the project's.
    """
    for is_module in (False, True):
        for frame in stack:
            if (frame.offset is not None) == is_module:
                file = _file_in(frame.file, directory.rstrip("/"))
                if file is not None:
                    return frame if file == frame.file else frame._replace(file=file)
    return None


@lru_cache(maxsize=4096)
def _file_in(file: str, directory: str) -> str | None:
    """Where a file that a stack names lies in the project; None if it does not."""
    if file.startswith("<"):
        return None  # CPython's names of what has no file
    return next((place for place in _places(file, directory) if _is_own(place, directory)), None)


def _places(file: str, directory: str) -> Iterator[str]:
    """Where in the project it may be."""
    path = os.fsencode(file)
    if not file.startswith("/"):
        if is_file(os.fsencode(f"{directory}/{file}")):
            yield f"{directory}/{file}"
        return
    if file.startswith(directory + "/"):
        yield file
        return
    if is_file(path):
        with suppress(OSError):
            yield os.fsdecode(located(path))
    elif not file.startswith(_COMPILERS) and not file.endswith(_SOURCES_OF_PYTHON):
        yield from _elsewhere_built(file, directory)


def _elsewhere_built(file: str, directory: str) -> Iterator[str]:
    """What was compiled elsewhere: the longest end of its path that is in the project, of two names or more."""
    parts = file.strip("/").split("/")
    for first in range(1, len(parts) - 1):
        place = "/".join((directory, *parts[first:]))
        if is_file(os.fsencode(place)):
            yield place
            return


def _is_own(file: str, directory: str) -> bool:
    if not file.startswith(directory + "/"):
        return False
    within = file[len(directory) + 1 :]
    *parents, _ = within.split("/")
    if not _FOREIGN.isdisjoint(parents) or _STANDARD_LIBRARY.search(within):
        return False
    places = ("/".join((directory, *parents[:depth], _ENVIRONMENT)) for depth in range(1, len(parents) + 1))
    return not any(is_file(os.fsencode(place)) for place in places)
