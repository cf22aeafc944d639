"""What tells one kind of volume from another: which names it stores in another form, and where case counts."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What NTFS forbids in a name and Linux allows (facts/wsl1.md section 4.6); a separator is never part of a component.
FORBIDDEN = (*range(1, 32), *map(ord, '"*:<>?\\|'))


class CaseMode(Enum):
    """Where names of a drive are exact (facts/wsl1.md section 4.5, mount modes off, dir and force)."""

    INSENSITIVE = "insensitive"  # nowhere
    FLAGGED = "flagged"  # where the directory's flag says so, which only who sets it gives it
    PER_DIRECTORY = "per-directory"  # the same, and every new directory gets the flag
    SENSITIVE = "sensitive"  # everywhere but in the drive's root


class VolumeRules:
    """NTFS as Windows has it: case counts where a directory's flag says so; names are stored as they are."""

    __slots__ = ()

    # Whether only an empty directory can be made case-sensitive.
    flags_empty_only = False

    def is_case_sensitive(self, flagged: Callable[[], bool], *, is_root: bool) -> bool:  # noqa: ARG002
        """Whether names in a directory are exact. `flagged` reads its flag, `is_root` is true of the volume's root."""
        return flagged()

    def flags_new(self, flagged: Callable[[], bool]) -> bool:
        """Whether a new directory gets the flag; `flagged` reads its parent's (facts/nt.md section 4.5)."""
        return flagged()

    def escape(self, name: str) -> str:
        """The name by which NT knows a file that has this name under Linux; a single component."""
        return name

    def unescape(self, name: str) -> str:
        """The name under Linux of a file that NT knows by this name."""
        return name


NTFS = VolumeRules()
