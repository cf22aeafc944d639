"""Owns the registry's keys of instances, as WSL lays them out (facts wsl1.md 5.3): a transaction opens a Registry.

Each instance is a key that is named by its GUID below `Lxss`, in a hive that survives crashes. `State` is written last
when an instance is entered and deleted first when it goes: a key without one is what a crash has left of either.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from uuid import uuid4

from ntshim import status as st
from ntshim.cm.hive_file import open_hive
from ntshim.cm.node import REG_DWORD, REG_MULTI_SZ, REG_SZ
from ntshim.cm.records import KEY_BASIC_INFORMATION, KEY_VALUE_PARTIAL_INFORMATION
from ntshim.ob.attributes import ObjectAttributes
from ntshim.se.privileges import SE_RESTORE_PRIVILEGE
from ntshim.se.token import Token
from ntshim.system import System
from picobox.errors import PicoboxError
from picobox.session import locks
from picobox.session.states import WRITTEN, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.session.place import SessionPlace

_HIVE = r"\Registry\User\S-1-5-21"
_LXSS = _HIVE + r"\Software\Microsoft\Windows\CurrentVersion\Lxss"
_KEY_ALL_ACCESS = 0xF003F
_dword = Struct("<I")
_ABSENT = (st.STATUS_OBJECT_NAME_NOT_FOUND,)

# Values of `Lxss` and of an instance's key.
_DEFAULT = "DefaultDistribution"
_STATE = "State"

# Flags (facts wsl1.md 5.3): programs of the host, the host's PATH, drives.
INTEROP, APPEND_NT_PATH, DRIVE_MOUNTING = 1, 2, 4
ALL_FLAGS = INTEROP | APPEND_NT_PATH | DRIVE_MOUNTING
# How long an instance stays that nobody uses, in milliseconds (facts wsl1.md 5.4), and what stands for ever.
IDLE_TIMEOUT_MS = 15_000
NEVER_IDLE = 0xFFFF_FFFF
# Of instances whose files lie as WSL's second volume format has them.
VERSION_WSLFS = 2
DEFAULT_ENVIRONMENT = (
    "HOSTTYPE=x86_64",
    "LANG=en_US.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games",
    "TERM=xterm-256color",
)


class Instance(NamedTuple):
    """What is written down of an instance. base_path: a directory of the host's, whose `rootfs` is its tree.

    environment: entries NAME=VALUE; drives: entries LETTER=PATH; flags: INTEROP and so on. idle_timeout: milliseconds.
    nt_files: 1 if NT's namespace is in `/nt`, else 0.
    """

    guid: str
    name: str
    base_path: str
    state: State = State.INSTALLING
    default_uid: int = 0
    environment: tuple[str, ...] = DEFAULT_ENVIRONMENT
    drives: tuple[str, ...] = ()
    flags: int = ALL_FLAGS
    version: int = VERSION_WSLFS
    idle_timeout: int = IDLE_TIMEOUT_MS
    nt_files: int = 0

    @property
    def rootfs(self) -> str:
        """The directory that is its root."""
        return os.path.join(self.base_path, "rootfs")

    @property
    def temp(self) -> str:
        """A directory beside it for what does not last."""
        return os.path.join(self.base_path, "temp")


# The value of each field but the GUID, with how it is written.
_VALUES: dict[str, tuple[str, int]] = {
    "name": ("DistributionName", REG_SZ),
    "base_path": ("BasePath", REG_SZ),
    "default_uid": ("DefaultUid", REG_DWORD),
    "environment": ("DefaultEnvironment", REG_MULTI_SZ),
    "drives": ("Drives", REG_MULTI_SZ),
    "flags": ("Flags", REG_DWORD),
    "version": ("Version", REG_DWORD),
    "idle_timeout": ("IdleTimeout", REG_DWORD),
    "nt_files": ("NtFiles", REG_DWORD),
}
# What an instance may have been entered without.
_LATER = ("idle_timeout", "nt_files")


def new_guid() -> str:
    """A GUID as the registry writes one."""
    return f"{{{uuid4()}}}"


@contextmanager
def transaction(place: SessionPlace) -> Iterator[Registry]:
    """The registry, for this process alone meanwhile; what was written has reached the medium at the end.

    PicoboxError if it cannot be read or written.
    """
    place.make()
    try:
        with locks.held(place.transactions), Registry(place.registry) as registry:
            yield registry
            registry.flush()
    except (OSError, st.NtError) as error:
        raise PicoboxError(
            f"{place.registry}: {error}. The instances themselves are untouched; a damaged registry can be moved "
            "away, and each directory be imported again."
        ) from None


def changed_entries(entries: tuple[str, ...], given: list[str]) -> tuple[str, ...]:
    """Entries NAME=VALUE with others laid over them; one without a value takes its name away. PicoboxError."""
    for entry in given:
        if not entry.partition("=")[0] or "=" not in entry:
            raise PicoboxError(f"--env {entry}: write it as NAME=VALUE, or NAME= to take the variable away")
    values = dict(entry.partition("=")[::2] for entry in (*entries, *given))
    return tuple(f"{name}={value}" for name, value in values.items() if value)


def changed_drives(drives: tuple[str, ...], given: list[str]) -> tuple[str, ...]:
    """The drives with some of them changed, each directory without links."""
    changes = []
    for entry in given:
        letter, equals, path = entry.partition("=")
        if len(letter) != 1 or not letter.isascii() or not letter.isalpha() or not equals:
            raise PicoboxError(f"--drive {entry}: write it as LETTER=DIR, such as D=/srv/data")
        if path and not os.path.isdir(path):
            raise PicoboxError(f"--drive {entry}: name a directory that is there.")
        changes.append(f"{letter.upper()}={os.path.realpath(path) if path else ''}")
    return changed_entries(drives, changes)


class Registry:
    """The hive of one user, loaded. Its methods raise NtError, which `transaction` translates."""

    def __init__(self, path: str) -> None:
        """Loads it; it is made if it is not there."""
        system = System()
        self._nt = system.nt
        self._process = system.new_process("session")
        self._process.token = Token([SE_RESTORE_PRIVILEGE])
        self._nt.NtLoadKey(self._process, ObjectAttributes(_HIVE), open_hive(path))
        self._keys: dict[str, int] = {}
        self._lxss = self._make_path(_LXSS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle, _entry in list(self._process.handles.handles()):
            self._nt.NtClose(self._process, handle)
        self._nt.NtUnloadKey(self._process, ObjectAttributes(_HIVE))

    def flush(self) -> None:
        """Brings everything to the medium."""
        self._nt.NtFlushKey(self._process, self._lxss)

    def instances(self) -> list[Instance]:
        """Those that are entered, by GUID. What is damaged or half made is no instance."""
        found = []
        for guid in self._guids():
            instance = self._read(guid)
            if instance is not None:
                found.append(instance)
        return found

    def unfinished(self) -> list[str]:
        """GUIDs of keys that a crash has left without a state."""
        return [guid for guid in self._guids() if self._read(guid) is None]

    def enter(self, instance: Instance) -> None:
        """Writes an instance down that is not there yet."""
        key = self._open(instance.guid)
        for field, (name, kind) in _VALUES.items():
            self._set(key, name, kind, getattr(instance, field))
        self._set(key, _STATE, REG_DWORD, instance.state)

    def change(self, instance: Instance, **fields: Any) -> None:
        """Writes some fields of an instance anew."""
        key = self._open(instance.guid)
        for field, value in fields.items():
            name, kind = (_STATE, REG_DWORD) if field == "state" else _VALUES[field]
            self._set(key, name, kind, value)

    def drop(self, guid: str) -> None:
        """Deletes the key of an instance, its state first."""
        key = self._open(guid)
        for name in (_STATE, *(name for name, _ in _VALUES.values())):
            if self._get(key, name) is not None:
                self._nt.NtDeleteValueKey(self._process, key, name)
        self._nt.NtDeleteKey(self._process, key)
        self._nt.NtClose(self._process, self._keys.pop(guid))

    @property
    def default(self) -> str:
        """The GUID of the default instance, empty if none is named."""
        value = self._get(self._lxss, _DEFAULT)
        return "" if value is None else _text(value)

    @default.setter
    def default(self, guid: str) -> None:
        if guid:
            self._set(self._lxss, _DEFAULT, REG_SZ, guid)
        elif self._get(self._lxss, _DEFAULT) is not None:
            self._nt.NtDeleteValueKey(self._process, self._lxss, _DEFAULT)

    def _guids(self) -> list[str]:
        guids: list[str] = []
        while True:
            try:
                record = self._nt.NtEnumerateKey(self._process, self._lxss, len(guids), KEY_BASIC_INFORMATION)
            except st.NtError as error:
                if error.status != st.STATUS_NO_MORE_ENTRIES:
                    raise
                return guids
            guids.append(record.name)

    def _read(self, guid: str) -> Instance | None:
        key = self._open(guid)
        state = self._get(key, _STATE)
        if state is None:
            return None
        fields: dict[str, Any] = {"guid": guid, "state": State(_dword.unpack(state)[0])}
        for field, (name, kind) in _VALUES.items():
            value = self._get(key, name)
            if value is None and field in _LATER:
                continue
            if value is None:
                return None
            fields[field] = _DECODED[kind](value)
        return Instance(**fields) if fields["state"] in WRITTEN else None

    def _make_path(self, path: str) -> int:
        """Opens a key, and makes those above it that are missing."""
        handle = 0
        for end in [at for at, letter in enumerate(path) if letter == "\\" and at > len(_HIVE)] + [len(path)]:
            handle = self._create(path[:end])
        return handle

    def _open(self, guid: str) -> int:
        handle = self._keys.get(guid)
        if handle is None:
            handle = self._keys[guid] = self._create(f"{_LXSS}\\{guid}")
        return handle

    def _create(self, path: str) -> int:
        return self._nt.NtCreateKey(self._process, _KEY_ALL_ACCESS, ObjectAttributes(path)).handle

    def _get(self, key: int, name: str) -> bytes | None:
        try:
            record = self._nt.NtQueryValueKey(self._process, key, name, KEY_VALUE_PARTIAL_INFORMATION)
        except st.NtError as error:
            if error.status not in _ABSENT:
                raise
            return None
        return bytes(record.data)

    def _set(self, key: int, name: str, kind: int, value: Any) -> None:
        self._nt.NtSetValueKey(self._process, key, name, kind, _ENCODED[kind](value))


def _text(data: bytes) -> str:
    return data.decode("utf-16-le", errors="surrogatepass").rstrip("\0")


def _encoded_text(text: str) -> bytes:
    return f"{text}\0".encode("utf-16-le", errors="surrogatepass")


def _encoded_texts(texts: tuple[str, ...]) -> bytes:
    return b"".join(map(_encoded_text, texts)) + b"\0\0"


def _texts(data: bytes) -> tuple[str, ...]:
    return tuple(text for text in data.decode("utf-16-le", errors="surrogatepass").split("\0") if text)


def _encoded_number(number: int) -> bytes:
    return _dword.pack(number)


def _number(data: bytes) -> int:
    return int(_dword.unpack(data)[0])


_ENCODED: dict[int, Any] = {REG_SZ: _encoded_text, REG_MULTI_SZ: _encoded_texts, REG_DWORD: _encoded_number}
_DECODED: dict[int, Any] = {REG_SZ: _text, REG_MULTI_SZ: _texts, REG_DWORD: _number}
