"""Page protections: what each lets a view do, and the rights on section and file that it takes."""

from __future__ import annotations

from typing import NamedTuple

from ntshim import status as st
from ntshim.io.file import FILE_EXECUTE, FILE_READ_DATA, FILE_WRITE_DATA

SECTION_QUERY = 0x1
SECTION_MAP_WRITE = 0x2
SECTION_MAP_READ = 0x4
SECTION_MAP_EXECUTE = 0x8
SECTION_EXTEND_SIZE = 0x10

PAGE_SIZE = 0x1000

PAGE_NOACCESS = 0x01
PAGE_READONLY = 0x02
PAGE_READWRITE = 0x04
PAGE_WRITECOPY = 0x08
PAGE_EXECUTE = 0x10
PAGE_EXECUTE_READ = 0x20
PAGE_EXECUTE_READWRITE = 0x40
PAGE_EXECUTE_WRITECOPY = 0x80

_READ, _WRITE, _EXECUTE = 1, 2, 4


class Protection(NamedTuple):
    """One page protection. `uses` are the ways to use pages; writing to a copy is reading for whom they belong to."""

    uses: int
    section_access: int
    file_access: int

    @property
    def is_writable(self) -> bool:
        """Whether what is written reaches the section."""
        return bool(self.uses & _WRITE)

    @property
    def is_readable(self) -> bool:
        """Whether pages can be looked at; what can be executed can be read."""
        return bool(self.uses)

    def allows(self, view: Protection) -> bool:
        """Whether a section of this protection can be mapped with another one."""
        return not view.uses & ~self.uses


# Access of W32's CreateFileMapping and MapViewOfFile; which view a section allows: ReactOS, kmtests, ZwCreateSection.
_PROTECTIONS = {
    PAGE_NOACCESS: Protection(0, SECTION_MAP_READ, FILE_READ_DATA),
    PAGE_READONLY: Protection(_READ, SECTION_MAP_READ, FILE_READ_DATA),
    PAGE_READWRITE: Protection(_READ | _WRITE, SECTION_MAP_WRITE, FILE_READ_DATA | FILE_WRITE_DATA),
    PAGE_WRITECOPY: Protection(_READ, SECTION_MAP_READ, FILE_READ_DATA),
    PAGE_EXECUTE: Protection(_EXECUTE, SECTION_MAP_EXECUTE, FILE_EXECUTE),
    PAGE_EXECUTE_READ: Protection(
        _READ | _EXECUTE, SECTION_MAP_EXECUTE | SECTION_MAP_READ, FILE_EXECUTE | FILE_READ_DATA
    ),
    PAGE_EXECUTE_READWRITE: Protection(
        _READ | _WRITE | _EXECUTE,
        SECTION_MAP_EXECUTE | SECTION_MAP_WRITE,
        FILE_EXECUTE | FILE_READ_DATA | FILE_WRITE_DATA,
    ),
    PAGE_EXECUTE_WRITECOPY: Protection(
        _READ | _EXECUTE, SECTION_MAP_EXECUTE | SECTION_MAP_READ, FILE_EXECUTE | FILE_READ_DATA
    ),
}


def protection_of(value: int) -> Protection:
    """Give what a PAGE_ constant means; STATUS_INVALID_PAGE_PROTECTION for any other number."""
    protection = _PROTECTIONS.get(value)
    if protection is None:
        raise st.NtError(st.STATUS_INVALID_PAGE_PROTECTION)
    return protection
