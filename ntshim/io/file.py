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


class FileType(ObjectType):
    """The type File."""

    __slots__ = ()

    def delete(self, target: Object) -> None:
        """Tell the host that nobody refers to the instance any more."""
        if isinstance(target, File) and target.on_delete is not None:
            target.on_delete(target)


FILE = make_type("File", FileType)


class File(Object):
    """An open instance; `host_key` is what the host knows it by, `on_delete` is called with its last reference."""

    __slots__ = ("host_key", "on_delete")

    def __init__(self, host_key: Any = None, on_delete: Callable[[File], None] | None = None) -> None:
        """Make an instance that has its creator's reference."""
        super().__init__(FILE)
        self.host_key = host_key
        self.on_delete = on_delete
