"""What the registry holds: keys in trees, values in keys, and the hive that a tree belongs to."""

from __future__ import annotations

import bisect
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ntshim.fs.names import order_key, units
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ntshim.cm.notify import KeyWatch
    from ntshim.se.descriptor import SecurityDescriptor

REG_NONE = 0
REG_SZ = 1
REG_EXPAND_SZ = 2
REG_BINARY = 3
REG_DWORD = 4
REG_LINK = 6
REG_MULTI_SZ = 7
REG_QWORD = 11

MAXIMUM_NAME_UNITS = 255  # UTF-16 units of a key's name
MAXIMUM_VALUE_NAME_UNITS = 16383
MAXIMUM_DEPTH = 512  # levels of a tree
SYMBOLIC_LINK_VALUE = "SymbolicLinkValue"

_EPOCH = 116444736000000000  # 1970 in units of 100 ns since 1601


def now() -> int:
    """Give the time as NT counts it."""
    return _EPOCH + time.time_ns() // 100


class Value(NamedTuple):
    """A value of a key; `type` is one of REG_ or any other 32-bit number."""

    name: str
    type: int
    data: bytes


class Store(Protocol):
    """Where a hive is kept; each change is told before it is made, and one that cannot be kept raises NtError.

    `path` names a key by its components below the hive's root.
    """

    @property
    def hive(self) -> Hive:
        """The hive as it was read, whose store this is."""

    def create(
        self, path: list[str], class_name: str, last_write_time: int, *, is_link: bool, security: bytes | None
    ) -> None:
        """A key was made, at once with the self-relative security descriptor that it has, if any."""

    def delete(self, path: list[str]) -> None:
        """A key, which has no subkeys, was deleted."""

    def rename(self, path: list[str], name: str) -> None:
        """A key got another name."""

    def set_value(self, path: list[str], value: Value, last_write_time: int) -> None:
        """A value was set."""

    def delete_value(self, path: list[str], name: str, last_write_time: int) -> None:
        """A value was deleted."""

    def set_time(self, path: list[str], last_write_time: int) -> None:
        """A key's time was set."""

    def set_security(self, path: list[str], descriptor: bytes) -> None:
        """A key got a security descriptor, in its self-relative form."""

    def flush(self) -> None:
        """What was told must outlive a crash once this returns."""

    def close(self) -> None:
        """The hive is unloaded."""


class Hive:
    """A tree of keys that is loaded, kept and unloaded as one; without a store it lives as long as the executive."""

    __slots__ = ("root", "store")

    def __init__(self, name: str, store: Store | None = None) -> None:
        """Make a hive that holds an empty root key."""
        self.store = store
        self.root = KeyNode(name, None, self)


class KeyNode:
    """A key, whoever has it open.

    `store` is that of its hive, None for a volatile key. `open_count` counts the key objects that lead here.
    """

    __slots__ = (
        "_order",
        "_subkeys",
        "class_name",
        "deleted",
        "hive",
        "is_link",
        "last_write_time",
        "name",
        "open_count",
        "parent",
        "security",
        "values",
        "volatile",
        "watches",
    )

    def __init__(
        self,
        name: str,
        parent: KeyNode | None,
        hive: Hive,
        class_name: str = "",
        *,
        volatile: bool = False,
        is_link: bool = False,
    ) -> None:
        """Make an empty key; `add` enters it below its parent."""
        self.name = name
        self.parent = parent
        self.hive = hive
        self.class_name = class_name
        self.volatile = volatile
        self.is_link = is_link
        self.deleted = False
        self.last_write_time = now()
        self.open_count = 0
        self.security: SecurityDescriptor | None = None
        self.watches: list[KeyWatch] | None = None
        # By upcased name, oldest first.
        self.values: dict[str, Value] = {}
        self._subkeys: dict[str, KeyNode] = {}
        # Sort keys and upcased names of the subkeys, in the order in which they are enumerated.
        self._order: list[tuple[bytes, str]] = []

    def __len__(self) -> int:
        """Count the subkeys."""
        return len(self._subkeys)

    @property
    def store(self) -> Store | None:
        """Where changes of this key are kept."""
        return None if self.volatile else self.hive.store

    @property
    def is_hive_root(self) -> bool:
        """Whether this is the topmost key of its hive."""
        return self.hive.root is self

    def path(self) -> list[str]:
        """Give the components below the hive's root."""
        components: list[str] = []
        at: KeyNode | None = self
        while at is not None and not at.is_hive_root:
            components.append(at.name)
            at = at.parent
        return components[::-1]

    def ancestors(self) -> Iterator[KeyNode]:
        """Give the keys above, the nearest first."""
        at = self.parent
        while at is not None:
            yield at
            at = at.parent

    def find(self, name: str) -> KeyNode | None:
        """Give a subkey; case does not count."""
        return self._subkeys.get(upcase(name))

    def subkey(self, index: int) -> KeyNode | None:
        """Give the subkey at a place of the enumeration, which is by upcased name."""
        return self._subkeys[self._order[index][1]] if 0 <= index < len(self._order) else None

    def subkeys(self) -> Iterator[KeyNode]:
        """Give the subkeys in order."""
        for _, folded in self._order:
            yield self._subkeys[folded]

    def add(self, subkey: KeyNode) -> None:
        """Enter a subkey, whose name is free."""
        folded = upcase(subkey.name)
        self._subkeys[folded] = subkey
        bisect.insort(self._order, (order_key(subkey.name), folded))

    def remove(self, subkey: KeyNode) -> None:
        """Take a subkey out."""
        folded = upcase(subkey.name)
        del self._subkeys[folded]
        del self._order[bisect.bisect_left(self._order, (order_key(subkey.name), folded))]

    def longest(self) -> tuple[int, int, int, int]:
        """Give the bytes of the longest subkey name, subkey class, value name and value data."""
        return (
            max((2 * units(key.name) for key in self._subkeys.values()), default=0),
            max((2 * units(key.class_name) for key in self._subkeys.values()), default=0),
            max((2 * units(value.name) for value in self.values.values()), default=0),
            max((len(value.data) for value in self.values.values()), default=0),
        )
