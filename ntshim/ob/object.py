"""What every object has: a type, a count of references, a count of handles, and the hooks at the end of each."""

from __future__ import annotations

from typing import NamedTuple

from ntshim import status as st

DELETE = 0x10000
READ_CONTROL = 0x20000
WRITE_DAC = 0x40000
WRITE_OWNER = 0x80000
SYNCHRONIZE = 0x100000
MAXIMUM_ALLOWED = 0x2000000
GENERIC_ALL = 0x10000000
GENERIC_EXECUTE = 0x20000000
GENERIC_WRITE = 0x40000000
GENERIC_READ = 0x80000000


class GenericMapping(NamedTuple):
    """The specific rights that stand behind the four generic ones, as GENERIC_MAPPING."""

    read: int
    write: int
    execute: int
    all: int


class ObjectType:
    """A type of objects: what its rights are, and what happens when the last handle and the last reference go."""

    __slots__ = ("default_security", "generic_mapping", "name", "valid_mask")

    def __init__(self, name: str, mapping: GenericMapping, valid_mask: int, *, default_security: bool = True) -> None:
        """Describe a type.

        `default_security` says that the type keeps its security descriptor in the usual way; only then may a
        duplicate be granted more than its source was (facts/nt.md section 2, widening).
        """
        self.name = name
        self.generic_mapping = mapping
        self.valid_mask = valid_mask
        self.default_security = default_security

    def map_generic(self, access: int) -> int:
        """Replace the generic rights in an access mask by the specific ones, as RtlMapGenericMask."""
        if not access & 0xF0000000:
            return access
        mapping = self.generic_mapping
        specific = access & 0x0FFFFFFF
        if access & GENERIC_READ:
            specific |= mapping.read
        if access & GENERIC_WRITE:
            specific |= mapping.write
        if access & GENERIC_EXECUTE:
            specific |= mapping.execute
        if access & GENERIC_ALL:
            specific |= mapping.all
        return specific

    def maximum_access(self, target: Object, opener: Object | None) -> int:  # noqa: ARG002 - the types that look override
        """Give the most that `opener`, a process or None for the executive, may be granted on `target`."""
        return self.valid_mask

    def close(self, target: Object) -> None:
        """Clean up: the last handle to `target` is gone, references may remain."""

    def delete(self, target: Object) -> None:
        """Free what `target` holds: its last reference is gone."""


class Object:
    """The common head of all objects. A new one has one reference, its creator's, and no handle."""

    __slots__ = ("handle_count", "pointer_count", "type")

    def __init__(self, object_type: ObjectType) -> None:
        """Make an object of a type."""
        self.type = object_type
        self.pointer_count = 1
        self.handle_count = 0

    def reference(self) -> None:
        """Take a reference, as ObReferenceObject."""
        self.pointer_count += 1

    def dereference(self) -> None:
        """Give a reference back; the last one deletes the object, as ObDereferenceObject."""
        if self.pointer_count <= 0:
            raise RuntimeError(f"{self.type.name} dereferenced more often than referenced")
        self.pointer_count -= 1
        if self.pointer_count == 0:
            self.type.delete(self)

    def handle_opened(self) -> None:
        """Count a new handle, which holds a reference too."""
        self.handle_count += 1
        self.pointer_count += 1

    def handle_closed(self) -> None:
        """Count a closed handle; the last one cleans up before its reference goes (facts/nt.md section 2)."""
        if self.handle_count <= 0:
            raise RuntimeError(f"{self.type.name} has no handle left to close")
        self.handle_count -= 1
        try:
            if self.handle_count == 0:
                self.type.close(self)
        finally:
            self.dereference()


def grant_access(target: Object, opener: Object | None, desired_access: int) -> int:
    """Give the access mask that `opener` gets when it opens an existing object.

    Raises STATUS_ACCESS_DENIED for an empty mask, for bits that the type does not know, and for what it keeps from
    this opener (facts/nt.md sections 1.1 and 2).
    """
    access = target.type.map_generic(desired_access)
    maximum = target.type.maximum_access(target, opener)
    if access & MAXIMUM_ALLOWED:
        access = (access & ~MAXIMUM_ALLOWED) | maximum
    if not access or access & ~maximum:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    return access
