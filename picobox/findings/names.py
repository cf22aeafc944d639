"""What Windows would make of names, by themselves and beside each other: rules PB001 to PB008."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.fs.names import (
    COMPONENT_UNITS,
    WINDOWS_10,
    WINDOWS_11,
    device_of,
    from_host,
    reaches_device,
    split_stream,
    units,
    win32_component,
)
from ntshim.status import NtError
from ntshim.upcase import upcase
from ntshim.win32.paths import MAX_DIRECTORY, MAX_PATH, check_length

if TYPE_CHECKING:
    from collections.abc import Iterable

# How a name comes to be: by an open, as a directory, or as an entry that no open makes (link, symlink, rename, node).
FILE = "file"
DIRECTORY = "directory"
ENTRY = "entry"

_ILLEGAL = re.compile(r'[\x00-\x1f"*<>?\\|]')
_ILLEGAL_IN_STREAM = re.compile(r"[\x00\\]")
_NO_UTF8 = re.compile("[\udc80-\udcff]")
# Those that are there on every machine: an open of the name succeeds, and what is written goes to them.
_PRESENT_DEVICES = frozenset(("NUL", "CON", "CONIN$", "CONOUT$"))


class Judgement(NamedTuple):
    """What is wrong with a name: the rule, the status with which NT answers, the part that is to blame, and why.

    `message` goes on from the path.
    """

    rule: str
    status: int
    part: str
    message: str


def judge_path(
    path: str, *, version: int = WINDOWS_11, prefix: str = "", kind: str = FILE, long_paths: bool = False
) -> list[Judgement]:
    """Judge a path and each component of it by PB003 to PB008.

    `path` is relative, its separator `/`; bytes that are no UTF-8 are surrogates, as os.fsdecode gives them. `version`
    of Windows is 10 or 11, `prefix` the Windows path that it is relative to. `kind` is how its last component is made;
    those before it are directories. `long_paths`: the program writes them so that Win32 takes them.
    """
    components = components_of(path)
    found = [each for component in components[:-1] for each in judge_name(component, version, DIRECTORY)]
    for component in components[-1:]:
        found += judge_name(component, version, kind)
    return found if long_paths else [*found, *judge_length(windows_path(prefix, path), kind)]


def components_of(path: str) -> list[str]:
    """The components of a relative path that are names."""
    return [part for part in path.split("/") if part not in {"", ".", ".."}]


def windows_path(prefix: str, path: str) -> str:
    """What a relative path is called on Windows below `prefix`."""
    return "\\".join([prefix, *map(_as_nt, components_of(path))])


def judge_name(component: str, version: int = WINDOWS_11, kind: str = FILE) -> list[Judgement]:
    """Judge one component by PB003 to PB006 and PB008, as `judge_path` does."""
    name = _as_nt(component)
    judged = (_device(name, version, kind), _illegal(name), _stream(name, kind), _trailing(name, kind), _long(name))
    return [each for each in judged if each is not None]


def judge_length(full: str, kind: str = FILE) -> list[Judgement]:
    """Judge the length of a whole Windows path by PB007."""
    try:
        check_length(full, makes_directory=kind == DIRECTORY)
    except NtError as error:
        most = (MAX_DIRECTORY if kind == DIRECTORY else MAX_PATH) - 1
        message = f"has {units(full)} characters on Windows, where Win32 takes {most} for a {_noun(kind)}"
        return [Judgement("PB007", error.status, full, message)]
    return []


def differ_in_case(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The groups of names that are one name for NTFS, each in order, for PB001.

    A name that is given twice counts once. A name may also be a path: it is folded as a whole.
    """
    names = list(names)
    # Python's folding joins at least what NTFS's does, and is fast; what it joins is looked at again.
    coarse = [name.upper() for name in names]
    if len(set(coarse)) == len(names):
        return []
    by_coarse: dict[str, set[str]] = {}
    for name, key in zip(names, coarse, strict=True):
        by_coarse.setdefault(key, set()).add(name)
    groups: dict[str, list[str]] = {}
    for alike in by_coarse.values():
        for name in sorted(alike) if len(alike) > 1 else ():
            groups.setdefault(upcase(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def judge_twin(other: str) -> Judgement:
    """Judge a name beside another one that differs only in case, by PB001."""
    message = f"differs only in case from {other}: on Windows the two are one"
    return Judgement("PB001", st.STATUS_OBJECT_NAME_COLLISION, other, message)


def judge_link(target: str, stored: str) -> Judgement:
    """Judge a link that leads to `target`, which is stored in another case, by PB002."""
    message = f"leads to {target}, which is stored as {stored}: Windows finds it, Linux does not"
    return Judgement("PB002", st.STATUS_SUCCESS, target, message)


def _as_nt(component: str) -> str:
    """A component with the units that NT has for it: a surrogate in three bytes is one (facts/nt.md section 4.2)."""
    if component.isascii():
        return component
    try:
        return from_host(component.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return component  # it comes from Windows, which knows no bytes


def _device(name: str, version: int, kind: str) -> Judgement | None:
    spelled = device_of(name)
    if spelled is None:
        return None
    device = upcase(spelled)
    if kind != FILE:
        status = st.STATUS_OBJECT_NAME_INVALID
    else:
        status = st.STATUS_SUCCESS if device in _PRESENT_DEVICES else st.STATUS_OBJECT_NAME_NOT_FOUND
    message = f"means the device {device}: no {_noun(kind)} can have the name"
    if not reaches_device(name, version):
        message = f"means the device {device} up to Windows {WINDOWS_10}, though not on Windows {version}"
    return Judgement("PB003", status, name, message)


def _illegal(name: str) -> Judgement | None:
    file, _, stream = name.partition(":")
    if _NO_UTF8.search(name):
        message = "has bytes in its name that are no UTF-8: Windows cannot write it"
        return Judgement("PB004", st.STATUS_OBJECT_NAME_INVALID, name, message)
    found = dict.fromkeys(_ILLEGAL.findall(file) + _ILLEGAL_IN_STREAM.findall(stream))
    if not found:
        return None
    signs = " ".join(sign if sign > " " else f"U+{ord(sign):04X}" for sign in found)
    message = f"has {signs} in its name, which no name of Windows can hold"
    return Judgement("PB004", st.STATUS_OBJECT_NAME_INVALID, "".join(found), message)


def _stream(name: str, kind: str) -> Judgement | None:
    stored = win32_component(name)
    if ":" not in stored:
        return None
    file, _, stream = stored.partition(":")
    try:
        parts = split_stream(stored)
    except NtError as error:
        return Judgement("PB005", error.status, name, "has a colon in its name, behind which a stream is named")
    what = "the file" if parts.is_main_stream else f"the stream {stream} of the file"
    message = f"means {what} {file}: a directory shows that name only"
    if kind == FILE:
        return Judgement("PB005", st.STATUS_SUCCESS, name, message)
    status = st.STATUS_NOT_A_DIRECTORY if kind == DIRECTORY else st.STATUS_OBJECT_NAME_INVALID
    return Judgement("PB005", status, name, f"has a colon in its name, which would mean {what} {file}")


def _trailing(name: str, kind: str) -> Judgement | None:
    stored = win32_component(name)
    if stored == name:
        return None
    if stored:
        message = f"is made as {stored} on Windows: dots and spaces at the end of a name do not count"
        return Judgement("PB006", st.STATUS_SUCCESS, name, message)
    status = st.STATUS_FILE_IS_A_DIRECTORY if kind == FILE else st.STATUS_OBJECT_NAME_COLLISION
    message = "means its own directory on Windows: dots and spaces at the end of a name do not count"
    return Judgement("PB006", status, name, message)


def _long(name: str) -> Judgement | None:
    longest = max(map(units, name.split(":", 1)))
    if longest <= COMPONENT_UNITS:
        return None
    message = f"has a name of {longest} UTF-16 units, and NTFS takes {COMPONENT_UNITS}"
    return Judgement("PB008", st.STATUS_OBJECT_NAME_INVALID, name, message)


def _noun(kind: str) -> str:
    return DIRECTORY if kind == DIRECTORY else FILE
