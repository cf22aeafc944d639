"""Who made a call: the frames of a guest's user stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.findings.finding import Frame


class Stacks:
    """Reads the stacks of stopped guests."""

    def of(self, call: Call) -> tuple[Frame, ...]:
        """The frames of the calling thread, the innermost first."""
        del call
        return ()


def site_of(stack: tuple[Frame, ...], directory: str) -> Frame | None:
    """The innermost frame in a project."""
    return next((frame for frame in stack if frame.file.startswith(directory + "/")), None)
