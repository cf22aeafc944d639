"""The share rule: which opens of one stream may be there together (facts/nt.md section 3.4)."""

from __future__ import annotations

from ntshim.io.file import FILE_APPEND_DATA, FILE_EXECUTE, FILE_READ_DATA, FILE_WRITE_DATA
from ntshim.ob.object import DELETE

FILE_SHARE_READ = 0x1
FILE_SHARE_WRITE = 0x2
FILE_SHARE_DELETE = 0x4
FILE_SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE

READ_CLASS = FILE_READ_DATA | FILE_EXECUTE
WRITE_CLASS = FILE_WRITE_DATA | FILE_APPEND_DATA
DELETE_CLASS = DELETE
VISIBLE = READ_CLASS | WRITE_CLASS | DELETE_CLASS


class ShareAccess:
    """The opens of one stream, counted: how many there are, what they do, what they share (SHARE_ACCESS).

    An open whose access touches none of the three classes is in no counter and conflicts with nothing.
    """

    __slots__ = ("deleters", "open_count", "readers", "shared_delete", "shared_read", "shared_write", "writers")

    def __init__(self) -> None:
        """Count nothing."""
        self.open_count = 0
        self.readers = 0
        self.writers = 0
        self.deleters = 0
        self.shared_read = 0
        self.shared_write = 0
        self.shared_delete = 0

    def allows(self, access: int, share: int) -> bool:
        """Whether an open with this granted access and share mode may join those counted, as IoCheckShareAccess."""
        count = self.open_count
        if not count or not access & VISIBLE:
            return True
        return not (
            (access & READ_CLASS and self.shared_read < count)
            or (access & WRITE_CLASS and self.shared_write < count)
            or (access & DELETE_CLASS and self.shared_delete < count)
            or (self.readers and not share & FILE_SHARE_READ)
            or (self.writers and not share & FILE_SHARE_WRITE)
            or (self.deleters and not share & FILE_SHARE_DELETE)
        )

    def lacks_delete_sharing(self, access: int) -> bool:
        """Whether `access` is to delete and somebody counted does not share that."""
        return bool(access & DELETE_CLASS) and self.shared_delete < self.open_count

    def add(self, access: int, share: int) -> None:
        """Count an open in."""
        if access & VISIBLE:
            self._count(access, share, 1)

    def remove(self, access: int, share: int) -> None:
        """Count an open out again, as IoRemoveShareAccess."""
        if access & VISIBLE:
            self._count(access, share, -1)

    def _count(self, access: int, share: int, step: int) -> None:
        """Change the counters that an open touches."""
        self.open_count += step
        if access & READ_CLASS:
            self.readers += step
        if access & WRITE_CLASS:
            self.writers += step
        if access & DELETE_CLASS:
            self.deleters += step
        if share & FILE_SHARE_READ:
            self.shared_read += step
        if share & FILE_SHARE_WRITE:
            self.shared_write += step
        if share & FILE_SHARE_DELETE:
            self.shared_delete += step
