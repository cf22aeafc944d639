"""What a call is about to do to which file, as far as a check judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from picobox.platform.identity import Identity

OPEN, DELETE, REMOVE_DIRECTORY, RENAME, LINK, MAKE, TRUNCATE, EXCHANGE, TRANSFER = range(9)
"""Opened; a name removed; a directory removed; renamed; linked; made without being open; cut; two names exchanged; read
or written."""


class Subject(NamedTuple):
    """The action, the file it is done to, and the new name of a rename or a link.

    `naming`: the file itself may be changed, it is the new name that is being decided about.
    """

    action: int
    file: Identity
    target: Identity | None = None
    naming: bool = False

    @property
    def made(self) -> Identity | None:
        """The name that comes into being, None if there is none or it is there already."""
        if self.action in (OPEN, MAKE):
            return self.file if self.file.file is None else None
        if self.action in (RENAME, LINK) and self.target is not None and self.target.file is None:
            return self.target
        return None
