"""The table of object types: generic mapping and valid access mask of each (facts/nt.md section 1.5)."""

from __future__ import annotations

from ntshim.ob.object import GenericMapping, ObjectType

# name: read, write, execute, all, valid mask
ROWS: dict[str, tuple[int, int, int, int, int]] = {
    "Type": (0x20000, 0x20000, 0x20000, 0xF0001, 0x1F0001),
    "Directory": (0x20003, 0x2000C, 0x20003, 0xF000F, 0xF000F),
    "SymbolicLink": (0x20001, 0x20000, 0x20001, 0xF0001, 0xF0001),
    "Token": (0x2001A, 0x201E0, 0x20005, 0xF01FF, 0x1F01FF),
    "Job": (0x20004, 0x2000B, 0x120000, 0x1F003F, 0x1F003F),
    "Process": (0x20410, 0x20BEA, 0x121001, 0x1FFFFF, 0x1FFFFF),
    "Thread": (0x20048, 0x20437, 0x121800, 0x1FFFFF, 0x1FFFFF),
    "DebugObject": (0x20001, 0x20002, 0x120000, 0x1F000F, 0x1F000F),
    "Event": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "Mutant": (0x20001, 0x20000, 0x120000, 0x1F0001, 0x1F0001),
    "Semaphore": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "Timer": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "KeyedEvent": (0x20001, 0x20002, 0x20000, 0xF0003, 0x1F0003),
    "IoCompletion": (0x20001, 0x20002, 0x120000, 0x1F0003, 0x1F0003),
    "File": (0x120089, 0x120116, 0x1200A0, 0x1F01FF, 0x1F01FF),
    "Device": (0x120089, 0x120116, 0x1200A0, 0x1F01FF, 0x1F01FF),
    "Section": (0x20005, 0x20002, 0x20008, 0xF001F, 0x1F001F),
    "Key": (0x20019, 0x20006, 0x20039, 0xF003F, 0x1F003F),
    "WindowStation": (0x20303, 0x2001C, 0x20060, 0xF037F, 0xF037F),
    "Desktop": (0x20041, 0x200BE, 0x20100, 0xF01FF, 0xF01FF),
    "UserApcReserve": (0x20001, 0x20002, 0x20000, 0xF0003, 0xF0003),
    "IoCompletionReserve": (0x20001, 0x20002, 0x20000, 0xF0003, 0xF0003),
}

# File, Device and Key objects answer security questions themselves, so a duplicate of them cannot be widened.
OWN_SECURITY = ("File", "Device", "Key")


def make_type(name: str, base: type[ObjectType] = ObjectType) -> ObjectType:
    """Make the type of that name; `base` is the class that holds its hooks."""
    read, write, execute, everything, valid = ROWS[name]
    mapping = GenericMapping(read, write, execute, everything)
    return base(name, mapping, valid, default_security=name not in OWN_SECURITY)
