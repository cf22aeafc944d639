"""Gives the kernel, instead of the names that guests write, those that are stored (design sections 5 and 6)."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from errno import ENOTDIR, EPERM
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ntshim.fs.rules import CaseMode
from ntshim.status import NtError
from picobox.abi.row import CASE_FLAGS, CHECK, NAMES, OBSERVERS, WINDOWS, WSL
from picobox.abi.types import Flags, OpenFlags
from picobox.errors import Errno
from picobox.platform.drives import Drives
from picobox.platform.host import AT_FDCWD, as_ours, shares_root
from picobox.platform.lookup import Lookup, Place, Start, start_of
from picobox.profile import NT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ntshim.fs.view import DirectoryIndex
    from picobox.abi.row import PathArgument, Row
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.platform.name_table import NameTable
    from picobox.platform.names import NativeIndex
    from picobox.profile import Profile
    from picobox.windows import WindowsRules
    from picobox.wsl import Wsl

AT_SYMLINK_NOFOLLOW = 0x100
AT_SYMLINK_FOLLOW = 0x400
PATH_SIZE = 4096
_STRUCTURE_PLACE = 2 * PATH_SIZE  # in an argument slot
_LARGEST_OPEN_HOW = 4096  # linux/openat2.h: a page
_OPEN_HOW = struct.Struct("<3Q")
_CHANGES_ROOT = frozenset(("chroot", "pivot_root"))
MAKES_DIRECTORIES = frozenset(("mkdir", "mkdirat"))
_CHANGES_MOUNTS = frozenset(("mount", "umount2", "move_mount"))

# Calls with a flag of their own against following a last link: where it is, and which bit.
_NO_FOLLOW = {
    "inotify_add_watch": (2, 0x0200_0000),
    "fanotify_mark": (1, 4),
    "umount2": (1, 8),
    "open_tree": (2, 0x100),
    "fspick": (2, 2),
}
# linux/openat2.h
RESOLVE_NO_SYMLINKS = 4
RESOLVE_IN_ROOT = 16

Key = tuple[int, int, "str | bytes"]


# So often is it looked again what a name means that somebody makes and takes away all the time.
_MOST_LOOKS = 8


class Meaning(NamedTuple):
    """What a path may mean; see Lookup.find. `resolve` are the restrictions of openat2."""

    follow: bool
    creates: bool = False
    entry: bool = False
    resolve: int = 0


class Making:
    """A name that a call is about to make: whoever wants to make a variant of it waits until the call is over."""

    __slots__ = ("_waiting", "free", "place")

    def __init__(self, place: Place) -> None:
        """`free` ends it, once; whoever reserves the name says how."""
        self.place = place
        self.free: Callable[[], None] = self.over
        self._waiting: list[Callable[[], None]] = []

    def when_over(self, routine: Callable[[], None]) -> None:
        """Calls a routine once the name is free again."""
        self._waiting.append(routine)

    def over(self) -> None:
        """The call has made the name, or failed."""
        self.place.close()
        for routine in self._waiting:
            routine()


class Resolver(Protocol):
    """Who finds out by itself what some names mean, without being shown here; see TracePlatform."""

    def resolve_names(self, table: NameTable, /) -> None: ...

    def stop_resolving(self) -> None: ...

    def begin_making(self, tid: HostTid, directory: int, name: bytes, /, *, is_any: bool) -> None: ...

    def end_making(self, tid: HostTid, /) -> None: ...

    def watch_mounts(self) -> None: ...

    def forget_credentials(self) -> None: ...


class Names:
    """The paths of calls, approved one call at a time."""

    def __init__(
        self,
        index: DirectoryIndex,
        drives: Drives | None = None,
        profile: Profile = NT,
        wsl: Wsl | None = None,
    ) -> None:
        """Without `drives` the whole tree is one volume on which case counts nowhere. `wsl`: only where WSL rules."""
        self.profile = profile
        self.wsl = wsl
        self.windows: WindowsRules | None = None
        # A check looks at more calls; one that only observes lets each name mean what it means on Linux.
        self.checked = self.as_written = False
        self.seen = frozenset[str]()
        # The index, if it can spare guests that watch directories the sight of its listings.
        self.sparing: NativeIndex | None = None
        self.drives = Drives({}, CaseMode.INSENSITIVE) if drives is None else drives
        self._index = index
        self._lookup = Lookup(index, self.drives)
        self.pseudo = self._lookup.pseudo
        self._making: dict[Key, Making] = {}
        # Some guest's root may not be ours any more: then each is asked for its own.
        self._roots_differ = False
        # Guests behind walls have a root of their own that is as ours is, and may not leave it.
        self.walled = False
        self.resolver: Resolver | None = None

    @property
    def features(self) -> frozenset[str]:
        """The features of the table that are active with it."""
        if self.as_written:
            return frozenset((WINDOWS, CHECK, OBSERVERS)) | self.seen
        active = {NAMES, OBSERVERS, CASE_FLAGS} if self.drives.keep_flags else {NAMES, OBSERVERS}
        if self.windows is not None:
            active.add(WINDOWS)
        if self.checked:
            active |= {CHECK, *self.seen}
        return frozenset(active if self.wsl is None else active | {WSL} | self.wsl.faults)

    def root_may_change(self) -> None:
        """A guest is about to leave the root or the mounts that it shares with us."""
        self._roots_differ = not self.walled
        if self.resolver is not None and self._roots_differ:
            self.resolver.stop_resolving()

    def credentials_may_change(self) -> None:
        """See Lookup.forget_credentials. An image that a task begins to run may be what changes them."""
        self._lookup.forget_credentials()
        if self.windows is not None:
            self.windows.runtimes.forget_tasks()
        if self.resolver is not None:
            self.resolver.forget_credentials()

    def resolve_by(self, resolver: Resolver) -> None:
        """Have a platform find out by itself what names mean, if that is no more than what the index says of them."""
        permissive = self.windows is None and self.wsl is None and not self.checked and not self.as_written
        if permissive and not self.seen and self.drives.folds_all and self.sparing is not None:
            self.resolver = resolver
            resolver.resolve_names(self.sparing.table)

    def approve(self, call: Call, row: Row, arguments: Sequence[object]) -> Sequence[object]:
        """The arguments with the names that are stored, which the kernel gets too.

        `call.restart` is set if the call needs an argument page first, `call.wait` if it has to wait for another one,
        `call.made` to the place of a name that it makes.
        """
        if self.wsl is not None and self.wsl.faults:
            from picobox.faults.files import refuse_absent

            refuse_absent(self, call, row, arguments)
        if row.name in _CHANGES_ROOT:
            self.root_may_change()
        elif row.name in _CHANGES_MOUNTS:
            self.pseudo.forget()
        if self.as_written:
            return arguments
        if row.name == "openat2" and not _copy_open_how(call):
            return arguments
        places = self.settle(call, lambda: [self._find(call, row, argument, arguments) for argument in row.paths()])
        if places is None:
            return arguments
        # Where more than the spelling is decided, and for a name that is reserved, the kernel reads our copy in any
        # case: whoever else writes to the guest's memory must not choose another name now.
        decides = self.windows is not None and not self.root_moved(call.stop.tid)
        approved = list(arguments)
        for slot, (argument, place) in enumerate(zip(row.paths(), places, strict=True)):
            index = argument.position
            path = arguments[index] if place.path is None and (decides or place.parent >= 0) else place.path
            if isinstance(path, bytes):
                approved[index] = path
                if not call.put(index, slot * PATH_SIZE, path + b"\0"):
                    break
        return approved

    def settle(self, call: Call, find: Callable[[], list[Place]]) -> list[Place] | None:
        """What the paths of a call mean, by `find`, with the name that it makes reserved; None: the call has to wait.

        Where guests make names that only the core sees, what was found before a name was reserved may be otherwise now.
        """
        places, looks = find(), 1
        while True:
            made = next((place for place in places if place.parent >= 0), None)
            if made is None:
                return places
            if not self.reserve(call, made):
                return None
            if self.resolver is None or looks == _MOST_LOOKS:
                return places
            again, looks = find(), looks + 1
            if _meanings(again) == _meanings(places):
                _close(again)
                return places
            # What else the call has it keeps.
            self._making[made.key()].free()
            call.made, places = None, again

    def find(self, tid: HostTid, dirfd: int, path: bytes, meaning: Meaning) -> Place:
        """What a path of a task means; see Lookup."""
        if self.as_written:
            return Place()
        start = start_of(tid, dirfd, moved=self.root_moved(tid))
        if self._is_served(start, path):
            return Place()
        if self.wsl is not None and not start.moved and not meaning.creates and not meaning.entry:
            path_of_ours = self.wsl.program(path)
            if path_of_ours is not None:
                return Place(path_of_ours)
        if meaning.resolve & RESOLVE_IN_ROOT:
            start = start._replace(root=start.directory, moved=True)
        return self._lookup.find(
            start,
            path,
            follow=meaning.follow,
            creates=meaning.creates,
            entry=meaning.entry,
            expand=not meaning.resolve & RESOLVE_NO_SYMLINKS,
        )

    def stored_otherwise(self, directory: bytes, name: bytes) -> bytes | None:
        """Another spelling of a name that a directory of ours holds; None if it holds the name itself, or neither."""
        return self._lookup.stored_otherwise(directory, name)

    def expect_observer(self, tid: HostTid, dirfd: int, path: bytes, *, follow: bool) -> None:
        """A guest is about to see who lists a directory; see NativeIndex. What is none is nothing to us."""
        if self.sparing is not None:
            self.sparing.expect_observer(self.on_host(tid, dirfd, path), follow=follow)

    def spare_inotify_instance(self) -> None:
        """A guest is about to make an inotify instance; see NativeIndex."""
        if self.sparing is not None:
            self.sparing.spare_instance()

    def in_stored_spelling(self, tid: HostTid, dirfd: int, path: bytes, *, follow: bool) -> bytes | None:
        """A path of a task that leads nowhere as it is, in the spellings that drives hold; None if it is right."""
        start = start_of(tid, dirfd, moved=self.root_moved(tid))
        return (
            None if self._is_served(start, path) else self._lookup.find(start, path, follow=follow, creates=False).path
        )

    def is_served(self, tid: HostTid, dirfd: int, path: bytes) -> bool:
        """Whether a path of a task leads where this process must not look; see PseudoDevices."""
        return self._is_served(start_of(tid, dirfd, moved=not self.walled), path)

    def _is_served(self, start: Start, path: bytes) -> bool:
        return self.pseudo.is_served(start.root + path if path.startswith(b"/") else start.directory + path)

    def on_host(self, tid: HostTid, dirfd: int, path: bytes) -> bytes:
        """A path of a task as a path of ours; links in it count as from our root.

        It is empty, which leads nowhere, where this process must not look: see PseudoDevices.
        """
        start = start_of(tid, dirfd, moved=self.root_moved(tid))
        is_absolute = path.startswith(b"/")
        ours = start.root + as_ours(tid, path).lstrip(b"/") if is_absolute else start.directory + path
        return b"" if self.pseudo.is_served(ours) else ours

    def root_moved(self, tid: HostTid) -> bool:
        """Whether a task's root is not ours, so that its absolute paths mean something else to us."""
        return self._roots_differ and not shares_root(tid)

    def _find(self, call: Call, row: Row, argument: PathArgument, arguments: Sequence[object]) -> Place:
        path = arguments[argument.position]
        dirfd = arguments[argument.dirfd] if argument.dirfd >= 0 else AT_FDCWD
        if not isinstance(path, bytes) or not isinstance(dirfd, int):
            return Place()
        meaning = meaning_of(call, row, argument, arguments)
        if self.windows is None or self.root_moved(call.stop.tid):
            return self.find(call.stop.tid, dirfd, path, meaning)
        return self._find_as_win32(self.windows, call, dirfd, path, meaning)

    def _find_as_win32(self, windows: WindowsRules, call: Call, dirfd: int, path: bytes, meaning: Meaning) -> Place:
        """What a path means once Win32 has read it."""
        tid = call.stop.tid
        makes_directory = call.row is not None and call.row.name in MAKES_DIRECTORIES
        try:
            read = windows.path(self, tid, dirfd, path, meaning, directory=makes_directory)
            place = self.find(tid, dirfd, read, meaning)
            if place.error == ENOTDIR:
                windows.check_way(tid, dirfd, read)
        except NtError:
            call.shown_by = windows.runtimes.of(tid)
            raise
        return place._replace(path=read) if place.path is None and read != path else place

    def reserve(self, call: Call, place: Place) -> bool:
        """Whether the name that the call makes is the call's now; else it waits for the one that has it."""
        key = place.key()
        other = self._making.get(key)
        if other is not None:
            place.close()
            call.wait = other.when_over
            return False
        making = self._making[key] = Making(place)
        if self.resolver is not None:
            # What is there in another spelling may be gone when the call comes to it: then it makes that one.
            self.resolver.begin_making(call.stop.tid, place.parent, place.asked, is_any=place.stored is not None)

        def free() -> None:
            if self._making.get(key) is not making:
                return
            # Where the index cannot see changes it has to be told of ours.
            with suppress(OSError):
                self._index.told_changed(place.parent)
            del self._making[key]
            if self.resolver is not None:
                self.resolver.end_making(call.stop.tid)
            making.over()

        making.free = free
        call.made = place
        call.when_over(free)
        return True


def _meanings(places: Sequence[Place]) -> list[object]:
    return [(place._replace(parent=-1), place.key() if place.parent >= 0 else None) for place in places]


def _close(places: Sequence[Place]) -> None:
    for place in places:
        if place.parent >= 0:
            place.close()


def meaning_of(call: Call, row: Row, argument: PathArgument, arguments: Sequence[object]) -> Meaning:
    """What a path argument may mean, by its class and the flags of the call."""
    meaning = Meaning(argument.follow, argument.creates, argument.entry)
    if row.name == "openat2":
        flags, _, resolve = _OPEN_HOW.unpack(call.structure(2, _OPEN_HOW.size))
        return _open_meaning(flags)._replace(resolve=resolve)
    if row.name in _NO_FOLLOW:
        index, bit = _NO_FOLLOW[row.name]
        return meaning._replace(follow=not call.stop.args[index] & bit)
    for other, value in zip(row.args, arguments, strict=False):
        if not isinstance(value, int) or argument.entry:
            continue
        if isinstance(other, OpenFlags):
            return _open_meaning(value)
        if isinstance(other, Flags) and other.vocabulary.startswith("AT"):
            bit = AT_SYMLINK_NOFOLLOW if argument.follow else AT_SYMLINK_FOLLOW
            return meaning._replace(follow=bool(value & bit) != argument.follow)
    return meaning


def _copy_open_how(call: Call) -> bool:
    """Have the kernel read a copy of the structure.

    False if nothing is to be decided: the kernel refuses its size, or can read it and we may not, or the call comes
    again with an argument page.
    """
    size = call.stop.args[3]
    if not _OPEN_HOW.size <= size <= _LARGEST_OPEN_HOW:
        return False
    try:
        how = call.memory.read(call.stop.args[2], size)
    except Errno as error:
        if error.errno != EPERM:
            raise
        return False
    call.copied = how
    return call.put(2, _STRUCTURE_PLACE, how)


def _open_meaning(flags: int) -> Meaning:
    creates = bool(flags & os.O_CREAT)
    return Meaning(not flags & os.O_NOFOLLOW and not (creates and flags & os.O_EXCL), creates)
