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
from ntshim.cm.node import Hive, KeyNode, Value
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def whole(hive: Hive) -> Iterator[tuple[Any, ...]]:
    """The changes that make a hive what it is now, volatile keys left out."""
    yield TIME, [], hive.root.last_write_time
    waiting = [hive.root]
    while waiting:
        node = waiting.pop()
        path = node.path()
        if node is not hive.root:
            yield CREATE, path, node.class_name, node.last_write_time, node.is_link
        if node.security is not None:
            yield SECURITY, path, node.security.to_bytes().hex()
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
    except ValueError:
        return None
    return fields[1:] if isinstance(fields, list) and fields and (not number or fields[0] == number) else None


def _was_flushed(rest: bytes) -> bool:
    """Whether a line behind one that is not whole says that both had reached the medium."""
    return any((_fields(written, 0) or [""])[0] == FLUSHED for written in rest.split(b"\n")[1:-1])


def _apply(hive: Hive, fields: list[Any]) -> bool:
    """Make a change; False if the hive is not such that it could have been made."""
    what, *rest = fields
    if what == FLUSHED:
        return True
    try:
        return _MAKE[what](hive, *rest)
    except (KeyError, TypeError, ValueError, IndexError, st.NtError):
        return False


def _find(hive: Hive, path: list[str]) -> KeyNode | None:
    """Give a key by its path."""
    node: KeyNode | None = hive.root
    for component in path:
        node = None if node is None else node.find(component)
    return node


def _create(hive: Hive, path: list[str], class_name: str, last_write_time: int, is_link: bool) -> bool:
    above = _find(hive, path[:-1])
    if above is None or above.find(path[-1]) is not None:
        return False
    made = KeyNode(path[-1], above, hive, class_name, is_link=is_link)
    made.last_write_time = last_write_time
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
    if node is None or node.parent is None or node.parent.find(name) is not None:
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
    if node is None:
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
    from ntshim.se.descriptor import SecurityDescriptor

    node.security = SecurityDescriptor.from_bytes(bytes.fromhex(descriptor))
    return True


_MAKE: dict[str, Callable[..., bool]] = {
    CREATE: _create,
    DELETE: _delete,
    RENAME: _rename,
    SET: _set,
    UNSET: _unset,
    TIME: _time,
    SECURITY: _security,
}
