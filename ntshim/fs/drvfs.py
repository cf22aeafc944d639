"""DrvFs: a Windows drive as WSL shows it (facts/wsl1.md sections 4.5 and 4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.fs.rules import FORBIDDEN, CaseMode, VolumeRules

if TYPE_CHECKING:
    from collections.abc import Callable

_PRIVATE = 0xF000
_ESCAPES = {unit: _PRIVATE + unit for unit in FORBIDDEN}
_ORIGINALS = {_PRIVATE + unit: unit for unit in FORBIDDEN}


class DrvFs(VolumeRules):
    """A drive, mounted in one of the case modes; forbidden characters are stored in Unicode's private use area."""

    __slots__ = ("mode",)

    flags_empty_only = True

    def __init__(self, mode: CaseMode = CaseMode.INSENSITIVE) -> None:
        """Mount in a mode."""
        self.mode = mode

    def is_case_sensitive(self, flagged: Callable[[], bool], *, is_root: bool) -> bool:
        """Go by the mode."""
        if self.mode in (CaseMode.PER_DIRECTORY, CaseMode.FLAGGED):
            return flagged()
        return self.mode is CaseMode.SENSITIVE and not is_root

    def flags_new(self, flagged: Callable[[], bool]) -> bool:  # noqa: ARG002 - here nothing is inherited
        """Every directory that is made under WSL gets the flag in the modes dir and force."""
        return self.mode in (CaseMode.PER_DIRECTORY, CaseMode.SENSITIVE)

    def escape(self, name: str) -> str:
        """Move what is forbidden to U+F000 and what follows, one unit for one."""
        return name.translate(_ESCAPES)

    def unescape(self, name: str) -> str:
        """Move back what was forbidden; the rest of the private use area stays."""
        return name.translate(_ORIGINALS)
