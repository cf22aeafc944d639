"""What the registry's services tell of keys and values, and the bytes that each record takes (WDK, KEY_ structures)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.fs.names import units
from ntshim.service import TooSmall

if TYPE_CHECKING:
    from ntshim.cm.node import KeyNode, Value

KEY_BASIC_INFORMATION = 0  # KEY_INFORMATION_CLASS
KEY_NODE_INFORMATION = 1
KEY_FULL_INFORMATION = 2
KEY_NAME_INFORMATION = 3
KEY_CACHED_INFORMATION = 4
KEY_CLASSES = range(5)

KEY_VALUE_BASIC_INFORMATION = 0  # KEY_VALUE_INFORMATION_CLASS
KEY_VALUE_FULL_INFORMATION = 1
KEY_VALUE_PARTIAL_INFORMATION = 2
VALUE_CLASSES = range(3)


class KeyBasicInformation(NamedTuple):
    """Time in 100 ns since 1601, and the name alone."""

    last_write_time: int
    name: str


class KeyNodeInformation(NamedTuple):
    """The name alone, and the class that the creator gave."""

    last_write_time: int
    class_name: str
    name: str


class KeyFullInformation(NamedTuple):
    """Counts, and the longest of each in bytes."""

    last_write_time: int
    class_name: str
    sub_keys: int
    max_name_length: int
    max_class_length: int
    values: int
    max_value_name_length: int
    max_value_data_length: int


class KeyNameInformation(NamedTuple):
    r"""The absolute name, from `\REGISTRY`."""

    name: str


class KeyCachedInformation(NamedTuple):
    """Counts, the longest of each in bytes, and the length of the name in bytes."""

    last_write_time: int
    sub_keys: int
    max_name_length: int
    values: int
    max_value_name_length: int
    max_value_data_length: int
    name_length: int


class KeyValueBasicInformation(NamedTuple):
    """Type and name."""

    type: int
    name: str


class KeyValueFullInformation(NamedTuple):
    """Type, name and data."""

    type: int
    name: str
    data: bytes


class KeyValuePartialInformation(NamedTuple):
    """Type and data."""

    type: int
    data: bytes


class Record(NamedTuple):
    """A record with the bytes of its fixed part and of all of it, as the structure is laid out."""

    told: Any
    fixed: int
    size: int


def key_record(node: KeyNode, information_class: int, full_name: str) -> Record:
    """Tell of a key."""
    name, class_name = 2 * units(node.name), 2 * units(node.class_name)
    if information_class == KEY_BASIC_INFORMATION:
        return Record(KeyBasicInformation(node.last_write_time, node.name), 16, 16 + name)
    if information_class == KEY_NODE_INFORMATION:
        told = KeyNodeInformation(node.last_write_time, node.class_name, node.name)
        return Record(told, 24, 24 + name + class_name)
    if information_class == KEY_NAME_INFORMATION:
        return Record(KeyNameInformation(full_name), 4, 4 + 2 * units(full_name))
    longest_name, longest_class, longest_value, longest_data = node.longest()
    if information_class == KEY_FULL_INFORMATION:
        full = KeyFullInformation(
            node.last_write_time,
            node.class_name,
            len(node),
            longest_name,
            longest_class,
            len(node.values),
            longest_value,
            longest_data,
        )
        return Record(full, 44, 44 + class_name)
    cached = KeyCachedInformation(
        node.last_write_time, len(node), longest_name, len(node.values), longest_value, longest_data, name
    )
    return Record(cached, 40, 40)


def value_record(value: Value, information_class: int) -> Record:
    """Tell of a value."""
    name, data = 2 * units(value.name), len(value.data)
    if information_class == KEY_VALUE_BASIC_INFORMATION:
        return Record(KeyValueBasicInformation(value.type, value.name), 12, 12 + name)
    if information_class == KEY_VALUE_FULL_INFORMATION:
        start = -(-(20 + name) // 4) * 4 if data else 20 + name
        return Record(KeyValueFullInformation(value.type, value.name, value.data), 20, start + data)
    return Record(KeyValuePartialInformation(value.type, value.data), 12, 12 + data)


def fit(record: Record, length: int | None) -> Any:
    """Give what a record tells if it fits into `length` bytes, None is any number.

    TooSmall with STATUS_BUFFER_TOO_SMALL if not even its fixed part does, else with STATUS_BUFFER_OVERFLOW.
    """
    if length is not None and length < record.size:
        short = length < record.fixed
        raise TooSmall(st.STATUS_BUFFER_TOO_SMALL if short else st.STATUS_BUFFER_OVERFLOW, record.size)
    return record.told
