"""A limit on the handles of a process, beyond which its opens fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.status import STATUS_TOO_MANY_OPENED_FILES, NtError
from picobox.abi.table import ROWS
from picobox.abi.types import Fd

if TYPE_CHECKING:
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.windows import WindowsRules

_F_DUPFD = 0
_F_DUPFD_CLOEXEC = 1030
_PAIRS = frozenset(("pipe", "pipe2", "socketpair"))
# They may put the new descriptor in the place of another one.
_REPLACING = frozenset(("dup2", "dup3"))


class HandleLimit:
    """Refuses what would give a process more descriptors than it may have, by the kernel's own count."""

    rows = frozenset(row.name for row in ROWS if row.returns is Fd and not row.do.errno) | _PAIRS | {"fcntl"}

    def __init__(self, limit: int) -> None:
        """Let each process have `limit` descriptors."""
        self._limit = limit

    def meet(self, call: Call, row: Row, windows: WindowsRules) -> None:
        """Raises NtError for one too many."""
        del windows
        if row.name == "fcntl" and call.stop.args[1] not in (_F_DUPFD, _F_DUPFD_CLOEXEC):
            return
        present = call.platform.descriptors(call.stop.tid)
        if row.name in _REPLACING and call.stop.args[1] in present:
            return
        if len(present) + (2 if row.name in _PAIRS else 1) > self._limit:
            raise NtError(STATUS_TOO_MANY_OPENED_FILES)

    def begins_anew(self, call: Call) -> None:
        """Nothing was counted."""
