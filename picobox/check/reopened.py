"""Temporary files that Python deletes when they are closed, opened a second time before that: Windows refuses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io.share import FILE_SHARE_DELETE
from picobox.check import origins
from picobox.findings.finding import Side
from picobox.platform.sources import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ntshim.io.file import File
    from picobox.call import Call
    from picobox.check.judge import Judge
    from picobox.findings.finding import Frame
    from picobox.platform.identity import Key

_MODULE, _FUNCTION = "/tempfile.py", "NamedTemporaryFile"
_MOST_DRAFTS = 256
_LINES_AFTER = 6
# Who chooses whether the file is deleted may choose otherwise on Windows.
_CHOOSES = re.compile(r"\bdelete(?:_on_close)?\s*=(?!\s*True\b)")


class Reopened:
    """Opens of files that tempfile.NamedTemporaryFile still has open.

    On Windows it opens them with O_TEMPORARY, for deletion: whoever opens them as well has to share that, which most
    runtimes do not (facts/nt.md section 3.4). Linux shows only at the end that the file was one to be deleted: then it
    is told, unless its deletion is a finding itself.
    """

    def __init__(self, judge: Judge) -> None:
        """Tell `judge` what is found."""
        self._judge = judge
        self._drafts: dict[Key, Callable[[], None]] = {}
        # Told of a file whose removal may tell something from now on.
        self.told: Callable[[Key], None] | None = None

    def opened(self, call: Call, file: File, path: bytes) -> None:
        """A file was opened, in whatever way."""
        node = file.context.node
        key = node.inode.key
        if node.open_count < 2 or file.context.share & FILE_SHARE_DELETE or key in self._drafts:
            return
        others = [side for side in self._judge.holders.of(node) if _is_temporary(side.stack)]
        if not others or (isinstance(file.origin, Side) and _is_temporary(file.origin.stack)):
            return
        if len(self._drafts) >= _MOST_DRAFTS:
            del self._drafts[next(iter(self._drafts))]
        message = "is opened while tempfile.NamedTemporaryFile, which deletes it, still has it open"
        self._drafts[key] = self._judge.draft(call, "PB009", st.STATUS_SHARING_VIOLATION, path, message, others=others)
        if self.told is not None:
            self.told(key)

    def awaits(self, key: Key | None) -> bool:
        """Whether the removal of a file's name may tell something."""
        return key in self._drafts

    def removed(self, call: Call, key: Key | None, *, is_told: bool) -> None:
        """A file's name is gone; `is_told`: that is a finding itself."""
        draft = self._drafts.pop(key, None) if key is not None else None
        if draft is not None and not is_told and origins.passes_through(self._judge.stacks.of(call), _MODULE):
            draft()


def _is_temporary(stack: Sequence[Frame]) -> bool:
    """Whether the project has a file by NamedTemporaryFile that is deleted when it is closed."""
    made = any(frame.function == _FUNCTION and frame.file.endswith(_MODULE) for frame in stack)
    caller = origins.caller(stack) if made else None
    if caller is None or caller.line is None or not origins.is_project(stack):
        return False
    return _CHOOSES.search(lines_of(caller.file, caller.line, caller.line + _LINES_AFTER)) is None
