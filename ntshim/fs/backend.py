"""What performs a volume's operations: the contract between the rules and a file system that knows none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from ntshim.io.ea import FileFullEaInformation


class Inode:
    """A file or directory of a backend, which extends this class.

    `key` is equal for two objects if and only if they are the same file, so hard links share it.
    """

    __slots__ = ("is_directory", "is_reparse_point", "key")

    def __init__(self, key: Hashable, *, is_directory: bool, is_reparse_point: bool = False) -> None:
        """Stand for a file."""
        self.key = key
        self.is_directory = is_directory
        self.is_reparse_point = is_reparse_point


class Facts(NamedTuple):
    """What a backend knows of a file. Times count 100 ns since 1601 (facts/nt.md section 3.10), sizes bytes."""

    attributes: int
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    size: int
    allocation_size: int
    links: int
    file_id: int


class Space(NamedTuple):
    """The room of a medium in bytes: all of it, what is free, and what of that the caller may use."""

    total: int
    free: int
    available: int


class Medium(NamedTuple):
    """What a medium says of itself: a serial number of 32 bits, and when it was made (100 ns since 1601)."""

    serial_number: int
    creation_time: int


class Backend(Protocol):
    """Finds, makes, changes and removes files; it never decides whether it may.

    Names are single components in the stored spelling; a stream is named as in `names.FileName`, "" is the file's
    own data. Failures are those of the medium, as NtError.
    """

    @property
    def root(self) -> Inode:
        """The root directory."""

    @property
    def has_streams(self) -> bool:
        """Whether files can have named streams."""

    @property
    def keeps_all_times(self) -> bool:
        """Whether creation and change time can be set; otherwise the medium keeps them by itself."""

    def find(self, directory: Inode, name: str, *, ignore_case: bool) -> tuple[str, Inode] | None:
        """Give stored spelling and file of a name: the exact one, else one that folds to the same, else None."""

    def key_of_id(self, file_id: int) -> Hashable:
        """Give the key that the file of an id has, whether or not there is such a file."""

    def find_by_id(self, file_id: int) -> tuple[Inode | None, str, Inode] | None:
        """Give a name of the file of an id, and the file; the root's directory is None. None if nothing is found."""

    def links(self, inode: Inode) -> list[tuple[Inode, str]]:
        """Give all names of a file that is not the root, each with its directory."""

    def is_case_sensitive(self, directory: Inode) -> bool:
        """Tell the flag that is kept for a directory; what it means is the volume's rule."""

    def set_case_sensitive(self, directory: Inode, sensitive: bool) -> None:
        """Change the flag; STATUS_CASE_DIFFERING_NAMES_IN_DIR, or STATUS_NOT_SUPPORTED where it cannot be kept."""

    def is_below(self, directory: Inode, ancestor: Inode) -> bool:
        """Whether a directory is another one or lies below it."""

    def names(self, directory: Inode) -> Iterable[tuple[str, Inode]]:
        """Give the entries of a directory without `.` and `..`, in the order of `names.order_key`."""

    def version(self, directory: Inode) -> Hashable | None:
        """Give what changes whenever the names of a directory do; None if that cannot be told."""

    def is_empty(self, directory: Inode) -> bool:
        """Whether a directory has no entries."""

    def parent(self, directory: Inode) -> tuple[Inode, str]:
        """Give the directory above one that is not the root, and its name there."""

    def open(self, inode: Inode) -> None:
        """Hold on to a file until `close`, also when its last name is gone."""

    def close(self, inode: Inode) -> None:
        """Let go of a file once."""

    def facts(self, inode: Inode, stream: str = "") -> Facts:
        """Tell of a file; `size` is the stream's."""

    def attributes(self, inode: Inode) -> int:
        """Give the attributes alone."""

    def set_basic(self, inode: Inode, times: tuple[int, int, int, int], attributes: int | None) -> None:
        """Set creation, access, write and change time where they are not 0, and attributes if given.

        STATUS_NOT_SUPPORTED for what the medium cannot keep.
        """

    def stamp(self, inode: Inode, *, access: bool = False, change: bool = False) -> None:
        """Note now as a file's access or change time, unless the medium keeps that time by itself."""

    def space(self) -> Space:
        """Tell the room there is."""

    def medium(self) -> Medium:
        """Tell what tells this medium from others."""

    def make(self, directory: Inode, name: str, attributes: int, *, is_directory: bool) -> Inode:
        """Make an empty file or directory."""

    def replace_contents(self, inode: Inode, stream: str, attributes: int) -> None:
        """Empty a file or stream and, of a file, set attributes."""

    def unlink(self, directory: Inode, name: str, inode: Inode) -> None:
        """Remove a name."""

    def rename(
        self, inode: Inode, source: tuple[Inode, str], target: tuple[Inode, str], replaced: tuple[str, Inode] | None
    ) -> None:
        """Give a file another name, instead of `replaced`, which may be spelled otherwise and loses it."""

    def link(
        self, inode: Inode, source: tuple[Inode, str], target: tuple[Inode, str], replaced: tuple[str, Inode] | None
    ) -> None:
        """Give a file that is named `source` one more name, instead of `replaced`, which may be spelled otherwise."""

    def streams(self, inode: Inode) -> list[str]:
        """Give the stored spellings of a file's named streams."""

    def make_stream(self, inode: Inode, stream: str) -> None:
        """Make an empty stream."""

    def remove_stream(self, inode: Inode, stream: str) -> None:
        """Remove a stream."""

    def rename_stream(self, inode: Inode, old: str, new: str) -> None:
        """Give a stream another name, instead of one that has it; the file's own data is left empty if it gets one."""

    def extended_attributes(self, inode: Inode) -> list[FileFullEaInformation]:
        """Give a file's EAs in the order in which they were set; STATUS_EA_CORRUPT_ERROR."""

    def set_extended_attributes(self, inode: Inode, attributes: list[FileFullEaInformation]) -> None:
        """Keep these EAs and no others; STATUS_EAS_NOT_SUPPORTED where there is no place for them."""

    def security(self, inode: Inode) -> bytes | None:
        """Give the self-relative security descriptor that is kept with a file, None if there is none."""

    def set_security(self, inode: Inode, descriptor: bytes) -> None:
        """Keep a security descriptor with a file; STATUS_NOT_SUPPORTED where there is no place for it."""

    def reparse_point(self, inode: Inode) -> bytes:
        """Give the REPARSE_DATA_BUFFER of a file that is a reparse point."""

    def set_reparse_point(self, inode: Inode, buffer: bytes | None) -> None:
        """Make a file a reparse point, or with None an ordinary file; `is_reparse_point` and even `key` may change."""

    def read(self, inode: Inode, stream: str, offset: int, length: int) -> bytes:
        """Read; b"" at the end."""

    def write(self, inode: Inode, stream: str, offset: int, data: bytes) -> None:
        """Write all of it; a gap reads as zeros."""

    def set_end(self, inode: Inode, stream: str, size: int) -> None:
        """Cut or extend with zeros."""

    def flush(self, inode: Inode) -> None:
        """Bring what was written to the medium."""
