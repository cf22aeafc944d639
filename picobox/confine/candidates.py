"""Makes the parts of a policy out of what a run used: files become the hierarchies that they belong to."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine.accesses import CHANGED, FILLED, LISTED, SEEN, USED
from picobox.confine.place import is_below
from picobox.confine.policy import READ, STANDARD_DEVICES, TEMPORARY, WRITE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.confine.accesses import Accesses, Use
    from picobox.confine.place import Place

FILE, DEVICE, VARIABLE, NETWORK, SESSION, PRIVATE_TMP = (
    "file", "device", "variable", "network", "session", "private-tmp",
)  # fmt: skip

# Where what is installed lies: a hierarchy is the directory with so many names more than this one has (hier(7)).
_INSTALLED = {
    b"/": 1, b"/usr": 1, b"/usr/local": 1, b"/opt": 1, b"/nix": 1, b"/gnu": 1, b"/etc": 1, b"/var/lib": 1, b"/sys": 0,
}  # fmt: skip
# Of these in the root only what is named here is one hierarchy; the others hold what belongs to people.
_IN_ROOT = frozenset((b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32"))
# From this many entries of a directory on that are used, all of it is given.
_MANY = 4
# The guest's own in any case.
_OWN = ("/proc", "/dev/pts", "/dev/shm", "/dev/mqueue")  # noqa: S108 - a guest's, and only compared
_ALIASES = ("/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/core")


class Part(NamedTuple):
    """One thing that a policy may give. kind: FILE and so on. value: its path, or name. right: a FILE's."""

    kind: str
    value: bytes
    right: str = ""


def parts_of(accesses: Accesses, place: Place, environment: Iterable[bytes]) -> list[Part]:
    """What may be given to a program that used this, the widest first, in an order of its own."""
    used = _Used(accesses.uses)
    files = _changed(used, accesses, place)
    files |= {path: READ for path in _read(used, place) if not _covered(path, files)}
    parts = [Part(FILE, path, right) for path, right in sorted(files.items())]
    parts += [Part(DEVICE, path) for path in sorted(used.devices)]
    if accesses.speaks:
        parts += [Part(NETWORK, b"host"), Part(NETWORK, b"loopback")]
    if used.temporary:
        parts.append(Part(PRIVATE_TMP, b"true"))
    parts.append(Part(SESSION, b"kept"))
    names = {entry.partition(b"=")[0] for entry in environment}
    return parts + [Part(VARIABLE, name) for name in sorted(names) if _is_name(name)]


class _Used:
    """The uses of a run, sorted: `how` by path; what is no file of the host's is apart."""

    def __init__(self, uses: Iterable[Use]) -> None:
        self.how: dict[bytes, set[str]] = defaultdict(set)
        self.devices: set[bytes] = set()
        self.temporary = False
        for path, how in uses:
            self._sort(path, how)
            real = os.path.realpath(path)
            if real != path:
                # Where all of a directory is given, its links lead out of it.
                self._sort(real, how)

    def _sort(self, path: bytes, how: str) -> None:
        text = os.fsdecode(path)
        if any(is_below(text, own) for own in (*_OWN, *_ALIASES)) or path in (b"/dev", b"/dev/pts/ptmx"):
            return
        if is_below(text, "/dev"):
            if os.path.exists(path) and path not in STANDARD_DEVICES:
                self.devices.add(path)
            return
        # The run's changes are gone: what is not there was made by it.
        there = _existing(path)
        if there in TEMPORARY:
            self.temporary = True
        elif there == path or how in (FILLED, CHANGED):
            self.how[there].add(how if there == path else FILLED)


def _changed(used: _Used, accesses: Accesses, place: Place) -> dict[bytes, str]:
    """What has to be writable: the directory of each file that is changed, since most programs replace files."""
    found = set()
    for path, how in used.how.items():
        if FILLED in how:
            found.add(path)
        elif CHANGED in how:
            parent = os.path.dirname(path)
            found.add(path if _is_precious(parent, place) or not os.path.isfile(path) else parent)
    # A name moves within one mount alone, and each rule is one.
    for pair in accesses.together:
        both = [_existing(path) for path in pair]
        if both[0] != both[1] and all(_covered(path, found) for path in both):
            found.add(os.path.commonpath(both))
    return {path: WRITE for path in found if not _covered(os.path.dirname(path), found - {path})}


def _read(used: _Used, place: Place) -> set[bytes]:
    """The hierarchies of what was read, and of what was only asked for where nothing in it was used."""
    whole = {path for path, how in used.how.items() if LISTED in how}
    content = {_hierarchy(path) for path, how in used.how.items() if how & {USED, CHANGED, LISTED}}
    found = _gathered(content | whole, place)
    seen = [path for path, how in used.how.items() if how == {SEEN}]
    for path in sorted(seen, key=len, reverse=True):
        entered = any(is_below(os.fsdecode(other), os.fsdecode(path)) for other in found)
        if not entered and not _covered(path, found) and not _is_precious(path, place):
            found.add(_hierarchy(path))
    return {path for path in found if not _covered(os.path.dirname(path), found - {path})}


def _gathered(paths: set[bytes], place: Place) -> set[bytes]:
    """Paths, with a directory in place of its entries where many of them are used."""
    found = set(paths)
    for depth in range(max((path.count(b"/") for path in found), default=0), 1, -1):
        entries: dict[bytes, set[bytes]] = defaultdict(set)
        for path in found:
            if path.count(b"/") == depth:
                entries[os.path.dirname(path)].add(path)
        for directory, below in entries.items():
            if len(below) >= _MANY and not _is_precious(directory, place):
                found -= below
                found.add(directory)
    return found


def _hierarchy(path: bytes) -> bytes:
    """What a path belongs to, if that is installed; else the path itself."""
    for root in sorted(_INSTALLED, key=len, reverse=True):
        prefix = root.rstrip(b"/") + b"/"
        if path.startswith(prefix):
            names = path[len(prefix) :].split(b"/")
            if root == b"/" and names[0] not in _IN_ROOT:
                return path
            return prefix.rstrip(b"/") + b"".join(b"/" + name for name in names[: _INSTALLED[root]])
    return path


def _is_precious(directory: bytes, place: Place) -> bool:
    """Whether a directory holds more than one thing should have: the root, what is below it, and homes."""
    text = os.fsdecode(directory)
    return directory.count(b"/") < 2 or any(is_below(home, text) for home in place.homes)


def _existing(path: bytes) -> bytes:
    """The path, or the nearest directory above it that is there."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _covered(path: bytes, rules: Iterable[bytes]) -> bool:
    """Whether a rule gives a path already."""
    return any(is_below(os.fsdecode(path), os.fsdecode(rule)) for rule in rules)


def _is_name(name: bytes) -> bool:
    """Whether a variable's name can be written in a policy, and means itself there."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(each in "*?[\0" for each in text)
