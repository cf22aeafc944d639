"""Oplocks: their kinds, when one may be granted beside others, and what an operation leaves of one.

Sources: facts/nt.md section 3.10; [MS-FSA] 2.1.4.12, 2.1.5.18 and 2.1.5.19; WDK, granting and breaking oplocks.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

from ntshim import status as st
from ntshim.io.file import (
    FILE_EXECUTE,
    FILE_READ_ATTRIBUTES,
    FILE_READ_DATA,
    FILE_READ_EA,
    FILE_WRITE_ATTRIBUTES,
)
from ntshim.ob.object import READ_CONTROL, SYNCHRONIZE

OPLOCK_LEVEL_CACHE_READ = 1
OPLOCK_LEVEL_CACHE_HANDLE = 2
OPLOCK_LEVEL_CACHE_WRITE = 4
REQUEST_OPLOCK_INPUT_FLAG_REQUEST = 1
REQUEST_OPLOCK_INPUT_FLAG_ACK = 2
REQUEST_OPLOCK_INPUT_FLAG_COMPLETE_ACK_ON_CLOSE = 4
REQUEST_OPLOCK_OUTPUT_FLAG_ACK_REQUIRED = 1
REQUEST_OPLOCK_OUTPUT_FLAG_MODES_PROVIDED = 2
OUTPUT_BYTES = 24  # REQUEST_OPLOCK_OUTPUT_BUFFER

# Information of a level 1, 2, batch or filter request that is broken.
FILE_OPLOCK_BROKEN_TO_LEVEL_2 = 7
FILE_OPLOCK_BROKEN_TO_NONE = 8

_READ, _HANDLE, _WRITE = OPLOCK_LEVEL_CACHE_READ, OPLOCK_LEVEL_CACHE_HANDLE, OPLOCK_LEVEL_CACHE_WRITE
_ALL = _READ | _HANDLE | _WRITE
LEGAL_CACHING = (_READ, _READ | _HANDLE, _READ | _WRITE, _ALL)
_VERSION = 1
_INPUT = struct.Struct("<HHII")
_OUTPUT = struct.Struct("<HHIIIIH2x")
# An open with no other access than this disturbs no oplock, or not one of kind filter.
_QUIET_ACCESS = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE
_FILTER_QUIET_ACCESS = _QUIET_ACCESS | FILE_READ_DATA | FILE_READ_EA | FILE_EXECUTE | READ_CONTROL


class OplockKind(Enum):
    """What was asked for; GRANULAR are the combinations of caching flags since Windows 7."""

    LEVEL_1 = "level 1"
    LEVEL_2 = "level 2"
    BATCH = "batch"
    FILTER = "filter"
    GRANULAR = "granular"


class Operation(Enum):
    """What is done to a stream as far as oplocks are concerned."""

    OPEN = "open"
    REPLACE = "overwrite or supersede"
    SHARING_VIOLATION = "open that the share rule would refuse"
    READ = "read"
    WRITE = "write, lock, change of size"
    RENAME = "rename, link"
    DELETE = "disposition"


class Level(NamedTuple):
    """An oplock's kind and what its holder may cache."""

    kind: OplockKind
    caching: int

    @property
    def is_exclusive(self) -> bool:
        """Whether no other oplock is beside it; its holder has always to acknowledge."""
        return bool(self.caching & _WRITE)

    @property
    def breaks_before_sharing(self) -> bool:
        """Whether an open breaks it before it is asked whether the share rule lets it be."""
        return self.kind in (OplockKind.BATCH, OplockKind.FILTER)


LEVEL_1 = Level(OplockKind.LEVEL_1, _READ | _WRITE)
LEVEL_2 = Level(OplockKind.LEVEL_2, _READ)
BATCH = Level(OplockKind.BATCH, _ALL)
FILTER = Level(OplockKind.FILTER, _ALL)

# What each operation leaves.
_LEFT = {
    Operation.OPEN: _READ | _HANDLE,
    Operation.REPLACE: 0,
    Operation.SHARING_VIOLATION: _READ | _WRITE,
    Operation.READ: _READ | _HANDLE,
    Operation.WRITE: 0,
    Operation.RENAME: _READ | _WRITE,
    Operation.DELETE: _READ | _WRITE,
}
_TO_LEVEL_2 = {Operation.OPEN: _READ, Operation.REPLACE: 0, Operation.READ: _READ, Operation.WRITE: 0}
_LEFT_OF_LEGACY = {
    OplockKind.LEVEL_1: _TO_LEVEL_2,
    OplockKind.LEVEL_2: {Operation.REPLACE: 0, Operation.WRITE: 0},
    OplockKind.BATCH: {**_TO_LEVEL_2, Operation.RENAME: 0},
    OplockKind.FILTER: dict.fromkeys((Operation.OPEN, Operation.REPLACE, Operation.WRITE, Operation.RENAME), 0),
}


def left_by(level: Level, operation: Operation) -> int | None:
    """Give the caching that an operation leaves, 0 for none at all; None if it does not break the oplock."""
    if level.kind is not OplockKind.GRANULAR:
        return _LEFT_OF_LEGACY[level.kind].get(operation)
    left = level.caching & _LEFT[operation]
    return None if left == level.caching else left


def needs_acknowledgement(level: Level) -> bool:
    """Whether the holder of a broken oplock must answer; who has only read ahead need not."""
    return level.caching != _READ


def operation_waits(level: Level, operation: Operation) -> bool:
    """Whether what breaks an oplock waits for the holder's answer.

    One of Read-Handle has to answer, but data may be changed meanwhile.
    """
    if level.is_exclusive:
        return True
    changes_data = operation in (Operation.WRITE, Operation.REPLACE, Operation.READ, Operation.OPEN)
    return bool(level.caching & _HANDLE) and not changes_data


def disturbs(access: int, *, replaces: bool) -> bool:
    """Whether an open with this access can break anything."""
    return replaces or bool(access & ~_QUIET_ACCESS)


def disturbs_filter(access: int, *, replaces: bool) -> bool:
    """Whether an open with this access breaks a filter oplock."""
    return replaces or bool(access & ~_FILTER_QUIET_ACCESS)


def may_join(wanted: Level, held: Level) -> bool:
    """Whether an oplock may be granted beside one that another open holds."""
    if wanted.is_exclusive or held.is_exclusive:
        return False
    mixes = {wanted.kind, held.kind} == {OplockKind.LEVEL_2, OplockKind.GRANULAR}
    return not (mixes and (wanted.caching | held.caching) & _HANDLE)


def may_replace(wanted: Level, held: Level) -> bool:
    """Whether an open may exchange the oplock that it holds itself: one kind for what caches as much or more."""
    if held.kind is OplockKind.LEVEL_2:
        return wanted.kind is not OplockKind.GRANULAR
    both_granular = wanted.kind is OplockKind.GRANULAR and held.kind is OplockKind.GRANULAR
    return both_granular and not held.caching & ~wanted.caching


def read_request(buffer: bytes) -> tuple[int, int]:
    """Take a REQUEST_OPLOCK_INPUT_BUFFER apart: the caching flags, and which of request and acknowledgement it is.

    STATUS_BUFFER_TOO_SMALL; STATUS_INVALID_PARAMETER for another version, unknown flags, or caching that none has.
    """
    if len(buffer) < _INPUT.size:
        raise st.NtError(st.STATUS_BUFFER_TOO_SMALL)
    version, length, caching, flags = _INPUT.unpack_from(buffer)
    acknowledges = (
        REQUEST_OPLOCK_INPUT_FLAG_ACK,
        REQUEST_OPLOCK_INPUT_FLAG_ACK | REQUEST_OPLOCK_INPUT_FLAG_COMPLETE_ACK_ON_CLOSE,
    )
    legal = caching in LEGAL_CACHING or (not caching and flags in acknowledges)
    if version != _VERSION or length < _INPUT.size or flags not in (REQUEST_OPLOCK_INPUT_FLAG_REQUEST, *acknowledges):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if not legal:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    return caching, flags


def build_request(caching: int, flags: int = REQUEST_OPLOCK_INPUT_FLAG_REQUEST) -> bytes:
    """Make a REQUEST_OPLOCK_INPUT_BUFFER."""
    return _INPUT.pack(_VERSION, _INPUT.size, caching, flags)


def build_answer(original: int, new: int, flags: int, modes: tuple[int, int] | None = None) -> bytes:
    """Make the REQUEST_OPLOCK_OUTPUT_BUFFER of a break, with access and share mode of the open that causes it."""
    access, share = modes or (0, 0)
    if modes is not None:
        flags |= REQUEST_OPLOCK_OUTPUT_FLAG_MODES_PROVIDED
    return _OUTPUT.pack(_VERSION, OUTPUT_BYTES, original, new, flags, access, share)
