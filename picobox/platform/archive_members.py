"""What a reader of archives tells of each member, and how it says that an archive cannot be read."""

from __future__ import annotations

from typing import NamedTuple

from picobox.findings.names import DIRECTORY, ENTRY, FILE

CUT_OFF = "it ends in the middle"


class ArchiveError(Exception):
    """An archive is damaged, or made to do harm; the text says why it cannot be read."""


class Member(NamedTuple):
    """A member by its name as it is written in the archive, and how it is made.

    `target`: where a link leads, from its own directory; "" for what is none, or where nobody knows.
    """

    name: str
    kind: str = FILE
    target: str = ""


def member(name: bytes | str, *, directory: bool = False, link: bool = False, target: bytes = b"") -> Member:
    """A member of that name; a separator at the end makes a directory of it."""
    text = name if isinstance(name, str) else _text(name)
    if directory or text.endswith("/"):
        return Member(text.rstrip("/"), DIRECTORY)
    return Member(text, ENTRY, _text(target)) if link else Member(text)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
