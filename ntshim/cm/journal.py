"""How a hive is written down: one line for each change, each with its number and its checksum.

The first line is the header. Every other is the CRC-32 of the rest in eight hexadecimal digits, a space, and a JSON
array: a number that counts up from 1, what was done, and to which key. `flushed` says that everything before has
reached the medium. What follows the last such line may be torn by a crash, and is dropped from the first line that is
not whole; a line before it that is not whole means that the file was damaged.
"""

from __future__ import annotations

import binascii
import json
import zlib
from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.cm.node import MAXIMUM_DEPTH, Hive, KeyNode, Value
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ntshim.se.descriptor import SecurityDescriptor

HEADER = b"ntshim hive 1\n"
CREATE, DELETE, RENAME, SET, UNSET, TIME, SECURITY, FLUSHED = (
    "create",
    "delete",
    "rename",
    "set",
    "unset",
    "time",
    "security",
    "flushed",
)


def line(number: int, *fields: Any) -> bytes:
    """Write one change down."""
    text = json.dumps([number, *fields], separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def set_fields(path: list[str], value: Value, last_write_time: int) -> tuple[Any, ...]:
    """The fields that tell of a value."""
    return SET, path, value.name, value.type, binascii.b2a_base64(value.data, newline=False).decode(), last_write_time


def saved(root: KeyNode) -> tuple[bytes, int]:
    """Write a key with all below it down as a hive, whose root it is; gives the number of the last line too."""
    changes = [*_whole(root), (FLUSHED,)]
    lines = [line(number, *fields) for number, fields in enumerate(changes, 1)]
    return HEADER + b"".join(lines), len(lines)


def _whole(root: KeyNode) -> Iterator[tuple[Any, ...]]:
    """The changes that make a key and all below it what they are now, volatile keys left out."""
    depth = len(root.path())
    yield TIME, [], root.last_write_time
    waiting = [root]
    while waiting:
        node = waiting.pop()
        path = node.path()[depth:]
        security = "" if node.security is None else node.security.to_bytes().hex()
        if node is not root:
            yield CREATE, path, node.class_name, node.last_write_time, node.is_link, security
        elif security:
            yield SECURITY, path, security
        for value in node.values.values():
            yield set_fields(path, value, node.last_write_time)
        waiting += [subkey for subkey in node.subkeys() if not subkey.volatile]


def read(content: bytes) -> tuple[Hive, int, int]:
    """Make a hive of what was written; gives it, how many bytes of the content count, and the last number.

    STATUS_NOT_REGISTRY_FILE for another kind of file, STATUS_REGISTRY_CORRUPT for one that was damaged.
    """
    hive = Hive("")
    if not content.startswith(HEADER):
        if HEADER.startswith(content):
            return hive, 0, 0
        raise st.NtError(st.STATUS_NOT_REGISTRY_FILE)
    position, number = len(HEADER), 0
    while True:
        end = content.find(b"\n", position) + 1
        fields = _fields(content[position:end], number + 1) if end else None
        if fields is None or not _apply(hive, fields):
            break
        position, number = end, number + 1
    if _was_flushed(content[position:]):
        raise st.NtError(st.STATUS_REGISTRY_CORRUPT)
    return hive, position, number


def _fields(written: bytes, number: int) -> list[Any] | None:
    """Read a line, which must have this number if one is given; None if it is not whole."""
    checksum, _, text = written.rstrip(b"\n").partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields[1:] if isinstance(fields, list) and fields and (not number or fields[0] == number) else None


def ends_flushed(content: bytes) -> bool:
    """Whether the last line of whole ones says that everything before has reached the medium."""
    written = content[content.rfind(b"\n", 0, -1) + 1 :]
    return bool((_fields(written, 0) or [""])[0] == FLUSHED)


def _was_flushed(rest: bytes) -> bool:
    """Whether a line behind one that is not whole says that both had reached the medium."""
    return any((_fields(written, 0) or [""])[0] == FLUSHED for written in rest.split(b"\n")[1:-1])


def _apply(hive: Hive, fields: list[Any]) -> bool:
    """Make a change; False if the hive is not such that it could have been made."""
    what, *rest = fields or [None]
    if what == FLUSHED:
        return True
    form = _FORMS.get(what) if isinstance(what, str) else None
    if form is None or [type(field) for field in rest] != list(form) or not _is_path(rest[0]):
        return False
    try:
        return _MAKE[what](hive, *rest)
    except (ValueError, st.NtError):
        return False


def _is_path(components: list[Any]) -> bool:
    """Whether what stands for a path is one: names that keys can have."""
    return len(components) < MAXIMUM_DEPTH and all(
        isinstance(component, str) and component and "\\" not in component for component in components
    )


def _find(hive: Hive, path: list[str]) -> KeyNode | None:
    """Give a key by its path."""
    node: KeyNode | None = hive.root
    for component in path:
        node = None if node is None else node.find(component)
    return node


def _create(hive: Hive, path: list[str], class_name: str, last_write_time: int, is_link: bool, security: str) -> bool:
    above = _find(hive, path[:-1])
    if not path or above is None or above.find(path[-1]) is not None:
        return False
    made = KeyNode(path[-1], above, hive, class_name, is_link=is_link)
    made.last_write_time = last_write_time
    if security:
        made.security = _descriptor(security)
    above.add(made)
    return True


def _delete(hive: Hive, path: list[str]) -> bool:
    node = _find(hive, path)
    if node is None or node.parent is None or len(node):
        return False
    node.parent.remove(node)
    return True


def _rename(hive: Hive, path: list[str], name: str) -> bool:
    node = _find(hive, path)
    if node is None or node.parent is None or node.parent.find(name) is not None or not _is_path([name]):
        return False
    node.parent.remove(node)
    node.name = name
    node.parent.add(node)
    return True


def _set(hive: Hive, path: list[str], name: str, type_: int, data: str, last_write_time: int) -> bool:
    node = _find(hive, path)
    if node is None:
        return False
    folded = upcase(name)
    known = node.values.get(folded)
    node.values[folded] = Value(name if known is None else known.name, type_, binascii.a2b_base64(data))
    node.last_write_time = last_write_time
    return True


def _unset(hive: Hive, path: list[str], name: str, last_write_time: int) -> bool:
    node = _find(hive, path)
    if node is None or upcase(name) not in node.values:
        return False
    del node.values[upcase(name)]
    node.last_write_time = last_write_time
    return True


def _time(hive: Hive, path: list[str], last_write_time: int) -> bool:
    node = _find(hive, path)
    if node is None:
        return False
    node.last_write_time = last_write_time
    return True


def _security(hive: Hive, path: list[str], descriptor: str) -> bool:
    node = _find(hive, path)
    if node is None:
        return False
    node.security = _descriptor(descriptor)
    return True


def _descriptor(digits: str) -> SecurityDescriptor:
    """Read a descriptor; what is none raises ValueError or NtError."""
    from ntshim.se.descriptor import SecurityDescriptor

    return SecurityDescriptor.from_bytes(bytes.fromhex(digits))


# The types of what follows in a line.
_FORMS: dict[str, tuple[type, ...]] = {
    CREATE: (list, str, int, bool, str),
    DELETE: (list,),
    RENAME: (list, str),
    SET: (list, str, int, str, int),
    UNSET: (list, str, int),
    TIME: (list, int),
    SECURITY: (list, str),
}


_MAKE: dict[str, Callable[..., bool]] = {
    CREATE: _create,
    DELETE: _delete,
    RENAME: _rename,
    SET: _set,
    UNSET: _unset,
    TIME: _time,
    SECURITY: _security,
}
