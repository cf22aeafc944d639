"""File objects: one for each open instance of a file, pipe or socket, however many handles lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim.ob.object import Object, ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_READ_DATA = 0x1
FILE_WRITE_DATA = 0x2
FILE_APPEND_DATA = 0x4
FILE_READ_ATTRIBUTES = 0x80


class FileType(ObjectType):
    """The type File."""

    __slots__ = ()

    def close(self, target: Object) -> None:
        """Tell the maker that the last handle is gone, as IRP_MJ_CLEANUP does."""
        if isinstance(target, File) and target.on_cleanup is not None:
            target.on_cleanup(target)


FILE = make_type("File", FileType)


class File(Object):
    """An open instance; `host_key` is what the host knows it by, `on_cleanup` is called when its last handle closes."""

    __slots__ = ("host_key", "on_cleanup")

    def __init__(self, host_key: Any = None, on_cleanup: Callable[[File], None] | None = None) -> None:
        """Make an instance that has its creator's reference."""
        super().__init__(FILE)
        self.host_key = host_key
        self.on_cleanup = on_cleanup
