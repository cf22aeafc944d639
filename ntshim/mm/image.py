"""Images: what the headers of a portable executable say, and how its parts lie in memory (W32, PE format)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.mm.protection import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

_BASE_GRANULARITY = 0x10000
_DOS_HEADER_SIZE = 64
_NEW_HEADER_AT = 0x3C
_OLD_SIGNATURES = {
    b"NE": st.STATUS_INVALID_IMAGE_NE_FORMAT,
    b"LE": st.STATUS_INVALID_IMAGE_LE_FORMAT,
    b"LX": st.STATUS_INVALID_IMAGE_LE_FORMAT,
}
_FILE_HEADER = Struct("<HHIIIHH")
_PE32, _PE32_PLUS = 0x10B, 0x20B
# The optional header up to the data directories, of which only the number is looked at.
_OPTIONAL_HEADERS = {
    _PE32: Struct("<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII"),
    _PE32_PLUS: Struct("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII"),
}
_MACHINES = {0x14C: _PE32, 0x1C4: _PE32, 0x8664: _PE32_PLUS, 0xAA64: _PE32_PLUS}
_SECTION_HEADER = Struct("<8sIIIIIIHHI")
_MOST_SECTIONS = 96
_EXECUTABLE_IMAGE = 0x2
_CONTAINS_CODE = 0x20
_MEMORY_WRITE = 0x80000000
_BASE_LIMIT = 1 << 47


class Segment(NamedTuple):
    """A part of an image: `size` bytes at `address` from its base, the first `file_size` from `file_offset` on."""

    address: int
    size: int
    file_offset: int
    file_size: int
    is_writable: bool


class SectionImageInformation(NamedTuple):
    """What NtQuerySection tells of an image (SECTION_IMAGE_INFORMATION); addresses and sizes in bytes."""

    transfer_address: int
    zero_bits: int
    maximum_stack_size: int
    committed_stack_size: int
    sub_system_type: int
    sub_system_minor_version: int
    sub_system_major_version: int
    image_characteristics: int
    dll_characteristics: int
    machine: int
    image_contains_code: bool
    loader_flags: int
    image_file_size: int
    check_sum: int


class Image(NamedTuple):
    """An image that can be mapped: where it wants to lie, how large it is in memory, its parts."""

    base: int
    size: int
    segments: tuple[Segment, ...]
    information: SectionImageInformation

    def is_writable(self, offset: int, length: int) -> bool:
        """Whether all pages of a range are of parts that programs may write to."""
        end = offset + length
        for segment in self.segments:
            if segment.is_writable and segment.address <= offset < segment.address + _aligned(segment.size, PAGE_SIZE):
                offset = segment.address + _aligned(segment.size, PAGE_SIZE)
        return offset >= end


class _Optional(NamedTuple):
    """The fields of an optional header that are looked at."""

    entry_point: int
    base: int
    section_alignment: int
    file_alignment: int
    minor_subsystem: int
    major_subsystem: int
    image_size: int
    headers_size: int
    check_sum: int
    subsystem: int
    dll_characteristics: int
    stack_reserve: int
    stack_commit: int
    loader_flags: int


def read_image(read: Callable[[int, int], bytes], file_size: int) -> Image:
    """Read the headers of an image; `read` gives the bytes of the file from an offset on, fewer at its end.

    STATUS_INVALID_IMAGE_NOT_MZ for what is no program of DOS or Windows; STATUS_INVALID_IMAGE_NE_FORMAT,
    STATUS_INVALID_IMAGE_LE_FORMAT or STATUS_INVALID_IMAGE_PROTECT for one that is no portable executable;
    STATUS_INVALID_IMAGE_FORMAT for one whose headers contradict themselves or the file.
    """
    dos = read(0, _DOS_HEADER_SIZE)
    if len(dos) < _DOS_HEADER_SIZE or dos[:2] != b"MZ":
        raise st.NtError(st.STATUS_INVALID_IMAGE_NOT_MZ)
    at = int.from_bytes(dos[_NEW_HEADER_AT:], "little")
    signature = read(at, 4)
    if signature != b"PE\0\0":
        raise st.NtError(_OLD_SIGNATURES.get(signature[:2], st.STATUS_INVALID_IMAGE_PROTECT))
    at += 4
    machine, count, _, _, _, optional_size, characteristics = _FILE_HEADER.unpack(_exactly(read, at, _FILE_HEADER.size))
    at += _FILE_HEADER.size
    _require(bool(characteristics & _EXECUTABLE_IMAGE) and machine in _MACHINES and 0 < count <= _MOST_SECTIONS)
    optional = _optional_header(read, at, optional_size, _MACHINES[machine])
    table = _exactly(read, at + optional_size, count * _SECTION_HEADER.size)
    headers = list(_SECTION_HEADER.iter_unpack(table))
    if optional.section_alignment < PAGE_SIZE:
        # Aligned more finely than pages are, memory is as the file is.
        _require(optional.section_alignment == optional.file_alignment)
        segments: tuple[Segment, ...] = (
            Segment(0, optional.image_size, 0, min(file_size, optional.image_size), False),
        )
    else:
        segments = _segments(optional, headers, file_size)
    has_code = any(header[-1] & _CONTAINS_CODE for header in headers)
    return Image(
        optional.base,
        _aligned(optional.image_size, PAGE_SIZE),
        segments,
        _information(optional, machine, characteristics, file_size, has_code=has_code),
    )


def _optional_header(read: Callable[[int, int], bytes], at: int, size: int, magic: int) -> _Optional:
    """Read the optional header; it must be of the kind that goes with the machine."""
    form = _OPTIONAL_HEADERS[magic]
    _require(size >= form.size)
    fields = list(form.unpack(_exactly(read, at, form.size)))
    _require(fields[0] == magic)
    if magic == _PE32:
        del fields[8]  # BaseOfData, which the larger form does not have
    (_, _, _, _, _, _, entry, _, base, section_alignment, file_alignment, _, _, _, _, major, minor, _,
     image_size, headers_size, check_sum, subsystem, dll, reserve, commit, _, _, loader_flags, _) = fields  # fmt: skip
    _require(
        _is_power(section_alignment)
        and _is_power(file_alignment)
        and file_alignment <= section_alignment
        and base % _BASE_GRANULARITY == 0
        and base < _BASE_LIMIT
        and 0 < headers_size <= image_size
    )
    return _Optional(
        entry, base, section_alignment, file_alignment, minor, major, image_size, headers_size,
        check_sum, subsystem, dll, reserve, commit, loader_flags,
    )  # fmt: skip


def _segments(optional: _Optional, headers: list[tuple[int, ...]], file_size: int) -> tuple[Segment, ...]:
    """Lay out headers and sections, which must follow each other and be in the file."""
    segments = [Segment(0, optional.headers_size, 0, min(optional.headers_size, file_size), False)]
    end = _aligned(optional.headers_size, optional.section_alignment)
    for _, virtual_size, address, raw_size, raw_offset, _, _, _, _, flags in headers:
        size = virtual_size or raw_size
        _require(address == end and (not raw_size or raw_offset + raw_size <= file_size))
        segments.append(Segment(address, size, raw_offset, min(raw_size, size), bool(flags & _MEMORY_WRITE)))
        end = address + _aligned(size, optional.section_alignment)
    _require(end <= _aligned(optional.image_size, optional.section_alignment))
    return tuple(segments)


def _information(
    optional: _Optional, machine: int, characteristics: int, file_size: int, *, has_code: bool
) -> SectionImageInformation:
    """Put together what NtQuerySection tells."""
    return SectionImageInformation(
        optional.base + optional.entry_point,
        0,
        optional.stack_reserve,
        optional.stack_commit,
        optional.subsystem,
        optional.minor_subsystem,
        optional.major_subsystem,
        characteristics,
        optional.dll_characteristics,
        machine,
        has_code,
        optional.loader_flags,
        file_size,
        optional.check_sum,
    )


def _exactly(read: Callable[[int, int], bytes], at: int, length: int) -> bytes:
    """Read bytes that must be there."""
    data = read(at, length)
    _require(len(data) == length)
    return data


def _require(condition: bool) -> None:
    """Refuse the image otherwise."""
    if not condition:
        raise st.NtError(st.STATUS_INVALID_IMAGE_FORMAT)


def _is_power(number: int) -> bool:
    """Whether a number is a power of two."""
    return number > 0 and not number & (number - 1)


def _aligned(number: int, alignment: int) -> int:
    """Round up."""
    return -(-number // alignment) * alignment
