"""VolFs: the volume of the Linux tree itself (facts/wsl1.md section 4.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ntshim.fs.rules import FORBIDDEN, CaseMode, VolumeRules

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPES = {unit: f"#{unit:04X}" for unit in (*FORBIDDEN, ord("#"))}
_ORIGINALS = {escape: chr(unit) for unit, escape in _ESCAPES.items()}
_ESCAPE = re.compile("#[0-9A-F]{4}")


class VolFs(VolumeRules):
    """The rest of a Linux tree: case always counts, unless the profile has the whole tree seen without it."""

    __slots__ = ("mode",)

    def __init__(self, mode: CaseMode = CaseMode.SENSITIVE) -> None:
        """Only CaseMode.INSENSITIVE makes a difference."""
        self.mode = mode

    def is_case_sensitive(self, flagged: Callable[[], bool], *, is_root: bool) -> bool:  # noqa: ARG002
        """No flag is asked."""
        return self.mode is not CaseMode.INSENSITIVE

    def flags_new(self, flagged: Callable[[], bool]) -> bool:  # noqa: ARG002
        """The flag is what makes Windows see the names as they are."""
        return self.mode is not CaseMode.INSENSITIVE

    def escape(self, name: str) -> str:
        """Write what is forbidden, and `#` itself, as `#` and four hexadecimal digits."""
        return name.translate(_ESCAPES)

    def unescape(self, name: str) -> str:
        """Take back what `escape` writes, and nothing else."""
        return _ESCAPE.sub(lambda found: _ORIGINALS.get(found[0], found[0]), name)
