"""Directories of named objects, with and without regard to case."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from ntshim import status as st
from ntshim.ob.listing import Listing
from ntshim.ob.object import Object, ObjectName, ObjectType
from ntshim.ob.types import make_type
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DIRECTORY_QUERY = 0x1
DIRECTORY_TRAVERSE = 0x2
DIRECTORY_CREATE_OBJECT = 0x4
DIRECTORY_CREATE_SUBDIRECTORY = 0x8


class DirectoryType(ObjectType):
    """The type Directory."""

    __slots__ = ()

    def keeps_name(self, target: Object) -> bool:
        """Whether something is in the directory: then it keeps its name (facts/nt.md section 1.3)."""
        return isinstance(target, Directory) and bool(target.entries())

    def is_container(self, target: Object) -> bool:  # noqa: ARG002 - all are
        """Objects are made in a directory."""
        return True

    def query_name(self, target: Object) -> str:
        r"""Give the full name; that of the root is `\`."""
        if isinstance(target, Directory) and target.is_root:
            return "\\"
        return super().query_name(target)


DIRECTORY = make_type("Directory", DirectoryType)


class Directory(Object):
    """Objects by name; each entry holds a reference on its object, and each object one on its directory."""

    __slots__ = ("_entries", "_folded", "_listing")

    is_root: ClassVar[bool] = False

    def __init__(self) -> None:
        """Make an empty directory."""
        super().__init__(DIRECTORY)
        self._entries: dict[str, Object] = {}
        # Upcased name -> the names that fold to it, oldest first; None until somebody ignores case.
        self._folded: dict[str, list[str]] | None = None
        # None until somebody lists the directory piece by piece.
        self._listing: Listing | None = None

    def entries(self) -> Mapping[str, Object]:
        """Give what the directory holds now, oldest first; not to be kept, it changes."""
        return self._entries

    def following(self, place: int) -> Iterator[tuple[int, str]]:
        """Give the names from a place on, oldest first, each with its place; 0 is the first."""
        if not place:
            return enumerate(self._entries)
        if self._listing is None:
            self._listing = Listing(self._entries)
        return self._listing.following(place)

    def find(self, name: str, ignore_case: bool = False) -> Object | None:
        """Give the object of a name, borrowed, or None; of several that differ in case the exact one, or the oldest."""
        found = self._entries.get(name)
        if found is not None or not ignore_case:
            return found
        if self._folded is None:
            self._folded = {}
            for present in self._entries:
                self._folded.setdefault(upcase(present), []).append(present)
        spellings = self._folded.get(upcase(name))
        return self._entries[spellings[0]] if spellings else None

    def find_rival(self, name: str, ignore_case: bool = False) -> Object | None:
        """Give what keeps a new object from having a name, borrowed, or None."""
        return self.find(name, ignore_case)

    def confirm(self, name: str) -> None:
        """Find out whether an entry is still true, where somebody else decides about that."""

    def insert(self, name: str, target: Object) -> None:
        """Name an object that has no name yet; the name must be free, which the look-up before has found out."""
        if name in self._entries or target.name is not None:
            raise RuntimeError(f"{name!r} is taken, or its object has another name")
        self._entries[name] = target
        if self._listing is not None:
            self._listing.add(name)
        if self._folded is not None:
            self._folded.setdefault(upcase(name), []).append(name)
        target.reference()
        self.reference()
        target.name = ObjectName(self, name)

    def remove(self, name: str) -> None:
        """Take an entry out and give its reference back; only `Object.release_name` calls it."""
        target = self._entries.pop(name)
        if self._listing is not None:
            self._listing.remove(name)
        if self._folded is not None:
            key = upcase(name)
            spellings = self._folded[key]
            spellings.remove(name)
            if not spellings:
                del self._folded[key]
        target.dereference()


class RootDirectory(Directory):
    r"""The directory `\`, which is in no other."""

    __slots__ = ()

    is_root = True


class ReadOnlyDirectory(Directory):
    """A directory whose entries somebody else keeps: a subclass answers `entries`, nobody inserts."""

    __slots__ = ()

    def find(self, name: str, ignore_case: bool = False) -> Object | None:
        """Give the object of a name, borrowed, or None."""
        entries = self.entries()
        found = entries.get(name)
        if found is not None or not ignore_case:
            return found
        wanted = upcase(name)
        return next((entry for present, entry in entries.items() if upcase(present) == wanted), None)

    def following(self, place: int) -> Iterator[tuple[int, str]]:
        """Give the names from a place on, as they are now."""
        return islice(enumerate(self.entries()), place, None)

    def insert(self, name: str, target: Object) -> None:  # noqa: ARG002 - nobody may
        """Refuse: STATUS_ACCESS_DENIED."""
        raise st.NtError(st.STATUS_ACCESS_DENIED)
