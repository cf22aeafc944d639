"""Makes portable executables that are just good enough to be mapped."""

from __future__ import annotations

from struct import pack
from typing import NamedTuple

I386, AMD64 = 0x14C, 0x8664
FILE_ALIGNMENT, SECTION_ALIGNMENT = 0x200, 0x1000
CODE, DATA = 0x60000020, 0xC0000040  # characteristics: code that is run and read; data that are read and written


class Part(NamedTuple):
    """A section of an image."""

    content: bytes
    characteristics: int = DATA
    virtual_size: int = 0


def image(
    *parts: Part,
    machine: int = I386,
    base: int = 0x10000000,
    entry: int = 0x1000,
    characteristics: int = 0x2,
    signature: bytes = b"PE\0\0",
    section_alignment: int = SECTION_ALIGNMENT,
    gap: int = 0,
) -> bytes:
    """Build an image; `gap` is how far its second section lies from where it should."""
    magic = 0x20B if machine == AMD64 else 0x10B
    headers_size = _aligned(64 + 24 + (240 if magic == 0x20B else 224) + 40 * len(parts), FILE_ALIGNMENT)
    address, offset, table, body = _aligned(headers_size, section_alignment), headers_size, b"", b""
    for content, flags, virtual_size in parts:
        raw = content.ljust(_aligned(len(content), FILE_ALIGNMENT), b"\0")
        size = virtual_size or len(content)
        table += pack("<8sIIIIIIHHI", b".part", size, address, len(raw), offset if raw else 0, 0, 0, 0, 0, flags)
        body += raw
        offset += len(raw)
        address += _aligned(size, section_alignment) + gap
    optional = pack("<HBBIIIII", magic, 2, 35, 0, 0, 0, entry, 0x1000)
    optional += pack("<Q", base) if magic == 0x20B else pack("<II", 0x1000, base)
    optional += pack("<IIHHHHHHIIII", section_alignment, FILE_ALIGNMENT, 4, 0, 0, 0, 5, 2, 0, address, headers_size, 77)
    optional += pack(
        "<HHQQQQII" if magic == 0x20B else "<HHIIIIII", 3, 0x140, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16
    )
    optional += bytes(16 * 8)
    file_header = pack("<HHIIIHH", machine, len(parts), 0, 0, 0, len(optional), characteristics)
    dos = b"MZ".ljust(0x3C, b"\0") + pack("<I", 64)
    return (dos + signature + file_header + optional + table).ljust(headers_size, b"\0") + body


def _aligned(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
