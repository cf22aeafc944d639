"""The services on values of keys."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.cm import walk
from ntshim.cm.key import KEY, KEY_QUERY_VALUE, KEY_SET_VALUE, Key
from ntshim.cm.node import MAXIMUM_VALUE_NAME_UNITS, REG_LINK, SYMBOLIC_LINK_VALUE, Value, now
from ntshim.cm.notify import REG_NOTIFY_CHANGE_LAST_SET, report
from ntshim.cm.records import VALUE_CLASSES, fit, value_record
from ntshim.fs.names import units
from ntshim.service import ServiceFamily, TooSmall, service
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from ntshim.cm.node import KeyNode
    from ntshim.ps.process import Process, Thread

_ULONG = 0xFFFFFFFF


class ValueServices(ServiceFamily):
    """Values of keys. Their names do not depend on case; the name "" is the key's default value."""

    __slots__ = ()

    @service
    def NtSetValueKey(self, caller: Process | Thread, handle: int, value_name: str, type_: int, data: bytes) -> None:
        """Set a value, whose type can be any 32-bit number; needs KEY_SET_VALUE.

        STATUS_INVALID_PARAMETER for a name of more than 16,383 units or another type; STATUS_ACCESS_DENIED for any but
        the target of a link, which is REG_LINK with an absolute name.
        """
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY_SET_VALUE))
        if units(value_name) > MAXIMUM_VALUE_NAME_UNITS or not 0 <= type_ <= _ULONG:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if node.is_link:
            _check_target(value_name, type_, data)
        value, time = Value(value_name, type_, bytes(data)), now()
        if node.store is not None:
            node.store.set_value(node.path(), value, time)
        folded = upcase(value_name)
        known = node.values.get(folded)
        # The spelling of a name is that of its first use.
        node.values[folded] = value if known is None else value._replace(name=known.name)
        node.last_write_time = time
        report(node, REG_NOTIFY_CHANGE_LAST_SET)

    @service
    def NtDeleteValueKey(self, caller: Process | Thread, handle: int, value_name: str) -> None:
        """Delete a value; STATUS_OBJECT_NAME_NOT_FOUND. Needs KEY_SET_VALUE."""
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY_SET_VALUE))
        value, time = _find(node, value_name), now()
        if node.store is not None:
            node.store.delete_value(node.path(), value.name, time)
        del node.values[upcase(value_name)]
        node.last_write_time = time
        report(node, REG_NOTIFY_CHANGE_LAST_SET)

    @service
    def NtQueryValueKey(
        self,
        caller: Process | Thread,
        handle: int,
        value_name: str,
        information_class: int,
        length: int | None = None,
    ) -> Any:
        """Give a value as a record of `cm.records`; needs KEY_QUERY_VALUE.

        STATUS_OBJECT_NAME_NOT_FOUND; STATUS_INVALID_PARAMETER for an unknown class; for a buffer of `length` bytes, if
        one is named, TooSmall with STATUS_BUFFER_TOO_SMALL or _OVERFLOW.
        """
        if information_class not in VALUE_CLASSES:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY_QUERY_VALUE))
        return fit(value_record(_find(node, value_name), information_class), length)

    @service
    def NtQueryMultipleValueKey(
        self, caller: Process | Thread, handle: int, value_names: list[str], length: int | None = None
    ) -> list[Value]:
        """Give several values of one moment; needs KEY_QUERY_VALUE.

        STATUS_OBJECT_NAME_NOT_FOUND if one is missing; TooSmall with STATUS_BUFFER_OVERFLOW if their data does not fit
        into `length` bytes.
        """
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY_QUERY_VALUE))
        values = [_find(node, name) for name in value_names]
        needed = sum(-(-len(value.data) // 4) * 4 for value in values)
        if length is not None and length < needed:
            raise TooSmall(st.STATUS_BUFFER_OVERFLOW, needed)
        return values

    @service
    def NtEnumerateValueKey(
        self, caller: Process | Thread, handle: int, index: int, information_class: int, length: int | None = None
    ) -> Any:
        """Give the value with a number from 0; STATUS_NO_MORE_ENTRIES behind the last. Needs KEY_QUERY_VALUE."""
        if information_class not in VALUE_CLASSES:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY_QUERY_VALUE))
        if not 0 <= index < len(node.values):
            raise st.NtError(st.STATUS_NO_MORE_ENTRIES)
        value = next(islice(node.values.values(), index, None))
        return fit(value_record(value, information_class), length)


def _find(node: KeyNode, value_name: str) -> Value:
    """Give a value by its name."""
    value = node.values.get(upcase(value_name))
    if value is None:
        raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
    return value


def _check_target(value_name: str, type_: int, data: bytes) -> None:
    """Let a link have nothing but a target."""
    if upcase(value_name) != upcase(SYMBOLIC_LINK_VALUE) or type_ != REG_LINK:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if len(data) % 2 or not data.startswith("\\".encode("utf-16-le")):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
