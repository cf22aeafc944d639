"""Where a finding is shown: paths as a user of the project writes them, and the one place to point at."""

from __future__ import annotations

from posixpath import join, normpath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.findings.finding import Finding


class Place(NamedTuple):
    """A file by its path relative to the project, and a line in it, None if the file as a whole is meant."""

    path: str
    line: int | None


def below(path: str, directory: str) -> str | None:
    """The path relative to a directory, "." for itself; None if it lies elsewhere. A relative path begins there."""
    root = normpath(directory)
    whole = normpath(join(root, path))
    if whole == root:
        return "."
    prefix = root.rstrip("/") + "/"
    return whole[len(prefix) :] if whole.startswith(prefix) else None


def shown_path(path: str, directory: str) -> str:
    """The path as a user of the project in a directory writes it: relative if it lies there, else as it is."""
    return below(path, directory) or path


def place_of(finding: Finding, directory: str) -> Place | None:
    """What can be pointed at: the site in the project, else the file concerned, else the test's file, else nothing.

    Nothing outside the project is pointed at, since no reader of the project could open it.
    """
    if finding.site is not None and (inside := _file_below(finding.site.file, directory)):
        return Place(inside, finding.site.line or None)
    if inside := _file_below(finding.path, directory):
        return Place(inside, None)
    file, colons, _ = finding.test.partition("::")
    inside = _file_below(file, directory) if colons else None
    return Place(inside, None) if inside else None


def _file_below(path: str, directory: str) -> str | None:
    inside = below(path, directory) if path and "\0" not in path else None
    return None if inside == "." else inside
