"""For each service on keys and values the arguments that a fuzz calls it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuzz_world import ODD_TEXTS, Fuzz

from ntshim.cm.node import REG_DWORD, REG_SZ, Hive, Value
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.object import GENERIC_ALL

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = tuple[tuple[Any, ...], dict[str, Any]]

KEYS = r"\REGISTRY\MACHINE\SOFTWARE"
NAMES = ("Value", "OTHER", "third")


class Forgetful:
    """A store that keeps nothing."""

    def __init__(self) -> None:
        self.hive = Hive("loaded", self)

    def create(
        self, path: list[str], class_name: str, last_write_time: int, *, is_link: bool, security: bytes | None
    ) -> None:
        pass

    def delete(self, path: list[str]) -> None:
        pass

    def rename(self, path: list[str], name: str) -> None:
        pass

    def set_value(self, path: list[str], value: Value, last_write_time: int) -> None:
        pass

    def delete_value(self, path: list[str], name: str, last_write_time: int) -> None:
        pass

    def set_time(self, path: list[str], last_write_time: int) -> None:
        pass

    def set_security(self, path: list[str], descriptor: bytes) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def call(*args: Any) -> Call:
    return args, {}


def key_name(f: Fuzz) -> Any:
    """Give attributes for a key that is there, or below which one is to be made."""
    return f.attributes(f.one([KEYS, rf"{KEYS}\There", rf"{KEYS.upper()}\THERE\Below"]), OBJ_CASE_INSENSITIVE)


def new_key(f: Fuzz) -> int:
    """Make a key with values and a subkey; gives a handle of the caller."""
    f.count += 1
    made: int = f.nt.NtCreateKey(f.process, GENERIC_ALL, ObjectAttributes(rf"{KEYS}\key {f.count}")).handle
    f.nt.NtSetValueKey(f.process, made, NAMES[0], REG_SZ, b"a\0\0\0")
    f.nt.NtSetValueKey(f.process, made, NAMES[1], REG_DWORD, bytes(4))
    below = ObjectAttributes("below", made)
    f.nt.NtClose(f.process, f.nt.NtCreateKey(f.process, GENERIC_ALL, below).handle)
    return made


def key(f: Fuzz) -> int:
    """Give a handle to a key: one that is as it was made, unless the call is to be wrong."""
    return f.handle("Key") if f.odd() else new_key(f)


def text(f: Fuzz, *good: str) -> str:
    return f.one(ODD_TEXTS) if f.odd() else f.one(good)


def length(f: Fuzz) -> int | None:
    return f.one([None, f.number(1000)])


def leaf(f: Fuzz) -> Call:
    """A key without subkeys, to be deleted."""
    f.count += 1
    made = f.nt.NtCreateKey(f.process, GENERIC_ALL, ObjectAttributes(rf"{KEYS}\leaf {f.count}")).handle
    return call(f.handle("Key") if f.odd() else made)


def create_key(f: Fuzz) -> Call:
    f.count += 1
    name = f.one([rf"{KEYS}\There", rf"{KEYS}\made {f.count}"])
    options = f.number(0, 0, 1, 8)
    return call(f.access("Key"), f.attributes(name, OBJ_CASE_INSENSITIVE), text(f, "", "class"), options)


def load(f: Fuzz) -> Call:
    f.count += 1
    return call(f.attributes(rf"\REGISTRY\{f.one(('USER', 'MACHINE'))}\hive {f.count}"), Forgetful())


def unload(f: Fuzz) -> Call:
    f.count += 1
    name = rf"\REGISTRY\USER\hive {f.count}"
    f.nt.NtLoadKey(f.keeper, ObjectAttributes(name), Forgetful())
    return call(f.attributes(name))


REGISTRY_CALLS: dict[str, Callable[[Fuzz], Call]] = {
    "NtCreateKey": create_key,
    "NtDeleteKey": leaf,
    "NtDeleteValueKey": lambda f: call(key(f), text(f, *NAMES[:2])),
    "NtEnumerateKey": lambda f: call(key(f), f.number(0), f.number(*range(5)), length(f)),
    "NtEnumerateValueKey": lambda f: call(key(f), f.number(0, 1), f.number(*range(3)), length(f)),
    "NtFlushKey": lambda f: call(key(f)),
    "NtLoadKey": load,
    "NtNotifyChangeKey": lambda f: call(key(f), f.number(*range(1, 16)), f.truth(), f.handle("Event") * f.truth()),
    "NtOpenKey": lambda f: call(f.access("Key"), key_name(f)),
    "NtOpenKeyEx": lambda f: call(f.access("Key"), key_name(f), f.number(0, 4, 8)),
    "NtQueryKey": lambda f: call(key(f), f.number(*range(5)), length(f)),
    "NtQueryMultipleValueKey": lambda f: call(key(f), f.some(lambda: text(f, *NAMES[:2])), length(f)),
    "NtQueryValueKey": lambda f: call(key(f), text(f, *NAMES[:2]), f.number(*range(3)), length(f)),
    "NtRenameKey": lambda f: call(key(f), text(f, f"renamed {f.count}")),
    "NtSaveKey": lambda f: call(key(f), f.handle("File") if f.odd() else f.file()),
    "NtSetInformationKey": lambda f: call(key(f), f.number(0), f.number(0, 1 << 50)),
    "NtSetValueKey": lambda f: call(key(f), text(f, *NAMES), f.number(1, 4, 7), f.data()),
    "NtUnloadKey": unload,
}
