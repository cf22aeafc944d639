"""Sections: memory of a file or of the page file that several processes can map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io import query
from ntshim.mm.backing import FileData, ImageData, Pages, read_file
from ntshim.mm.image import read_image
from ntshim.mm.protection import PAGE_NOACCESS, PAGE_SIZE, Protection, protection_of
from ntshim.ob.object import Object, ObjectType
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.fs.mapped import SectionObjectPointers
    from ntshim.io.file import File
    from ntshim.mm.backing import Backing
    from ntshim.mm.image import Image

SEC_BASED = 0x200000
SEC_NO_CHANGE = 0x400000
SEC_FILE = 0x800000
SEC_IMAGE = 0x1000000
SEC_RESERVE = 0x4000000
SEC_COMMIT = 0x8000000
SEC_NOCACHE = 0x10000000
SEC_LARGE_PAGES = 0x80000000

_VALID = SEC_BASED | SEC_NO_CHANGE | SEC_IMAGE | SEC_RESERVE | SEC_COMMIT | SEC_NOCACHE | SEC_LARGE_PAGES
_NEVER_WITH_IMAGE = SEC_COMMIT | SEC_RESERVE | SEC_LARGE_PAGES | SEC_NOCACHE | SEC_NO_CHANGE

# Above it the prototype page table entries of a section would not fit (ReactOS, section.c).
SIZE_LIMIT = 1 << 54


class SectionType(ObjectType):
    """The type Section."""

    __slots__ = ()

    def delete(self, target: Object) -> None:
        """Let the file go, which a section keeps from its IRP_MJ_CLOSE (facts/nt.md section 2)."""
        if not isinstance(target, Section) or target.file is None:
            return
        if target.pointers is not None:
            target.pointers.remove_section(image=target.is_image)
        target.file.dereference()


SECTION = make_type("Section", SectionType)


class Section(Object):
    """A section of `size` bytes; `protection` is a PAGE_ constant, `allocation` are SEC_ bits.

    `file` is None if no file is behind it, otherwise the section holds a reference on it, and is counted among the
    sections of its stream, `pointers`. `backing` is what the pages hold, None if only the host knows that; `image` is
    what the headers of an image say.
    """

    __slots__ = ("allocation", "backing", "file", "image", "pointers", "protection", "size")

    def __init__(
        self,
        size: int,
        protection: int,
        allocation: int,
        backing: Backing | None = None,
        file: File | None = None,
        pointers: SectionObjectPointers | None = None,
        image: Image | None = None,
    ) -> None:
        """Make a section of what has been checked."""
        super().__init__(SECTION)
        self.size = size
        self.protection = protection
        self.allocation = allocation
        self.backing = backing
        self.file = file
        self.pointers = pointers
        self.image = image
        if file is not None:
            file.reference()
        if pointers is not None:
            pointers.add_section(image=self.is_image)

    @property
    def is_image(self) -> bool:
        """Whether it is a section of an image, not of data."""
        return self.image is not None

    def maximum_size(self) -> int:
        """Give how far the section reaches, in bytes."""
        return self.size

    def count_view(self, protection: int, step: int) -> None:
        """Tell the file of a view that comes (1) or goes (-1), if it lets somebody change the file's data."""
        if self.pointers is not None and not self.is_image and protection_of(protection).is_writable:
            self.pointers.writable_views += step


def check_parameters(protection: int, allocation: int) -> Protection:
    """Refuse a malformed request before file or name are looked at; gives what the protection means.

    STATUS_INVALID_PARAMETER_6 for allocation attributes that are unknown or exclude each other, then
    STATUS_INVALID_PAGE_PROTECTION (ReactOS, kmtests, ZwCreateSection); STATUS_NOT_IMPLEMENTED for SEC_BASED and
    SEC_LARGE_PAGES: there are no addresses to reserve in every process, and no pages.
    """
    kinds = allocation & (SEC_COMMIT | SEC_RESERVE | SEC_IMAGE)
    if (
        allocation & ~_VALID
        or not kinds
        or kinds == SEC_COMMIT | SEC_RESERVE
        or (allocation & SEC_IMAGE and allocation & _NEVER_WITH_IMAGE)
    ):
        raise st.NtError(st.STATUS_INVALID_PARAMETER_6)
    meaning = protection_of(protection)
    if protection == PAGE_NOACCESS:
        raise st.NtError(st.STATUS_INVALID_PAGE_PROTECTION)
    if allocation & (SEC_BASED | SEC_LARGE_PAGES):
        raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
    return meaning


def make_page_file_section(size: int, protection: int, allocation: int) -> Section:
    """Make a section that no file is behind; its size becomes whole pages.

    STATUS_INVALID_FILE_FOR_SECTION for an image, STATUS_INVALID_PARAMETER_4 without a size, STATUS_SECTION_TOO_BIG
    (ReactOS, kmtests, ZwCreateSection).
    """
    if allocation & SEC_IMAGE:
        raise st.NtError(st.STATUS_INVALID_FILE_FOR_SECTION)
    if not size:
        raise st.NtError(st.STATUS_INVALID_PARAMETER_4)
    if not 0 < size < SIZE_LIMIT:
        raise st.NtError(st.STATUS_SECTION_TOO_BIG)
    return Section(-(-size // PAGE_SIZE) * PAGE_SIZE, protection, allocation, Pages())


def make_file_section(file: File, size: int, protection: int, allocation: int) -> Section:
    """Make a section of a file; `size` 0 is all of it, and one above it extends a file that may be written.

    STATUS_INVALID_FILE_FOR_SECTION for what is no file with data, STATUS_MAPPED_FILE_SIZE_ZERO for an empty one
    without a size, STATUS_SECTION_TOO_BIG for more than a file that may only be read (facts/nt.md section 3.9), or
    than an image has; for an image what `mm.image.read_image` raises.
    """
    device = file.device
    if device is None:
        raise st.NtError(st.STATUS_INVALID_FILE_FOR_SECTION)
    pointers = device.section_object_pointers(file)
    length = device.query_information(file, query.FILE_STANDARD_INFORMATION).end_of_file
    if not size and not length:
        raise st.NtError(st.STATUS_MAPPED_FILE_SIZE_ZERO)
    if not 0 <= size < SIZE_LIMIT:
        raise st.NtError(st.STATUS_SECTION_TOO_BIG)
    if allocation & SEC_IMAGE:
        image = read_image(partial(read_file, file), length)
        if size > image.size:
            raise st.NtError(st.STATUS_SECTION_TOO_BIG)
        backing = ImageData(file, image)
        return Section(image.size, protection, allocation | SEC_FILE, backing, file, pointers, image)
    if size > length:
        if not protection_of(protection).is_writable:
            raise st.NtError(st.STATUS_SECTION_TOO_BIG)
        device.set_information(file, size, query.FILE_END_OF_FILE_INFORMATION)
    return Section(size or length, protection, allocation | SEC_FILE, FileData(file), file, pointers)


def extend(section: Section, size: int) -> int:
    """Make a section of a file's data larger, and the file if need be; gives the size that it has then.

    One that is large enough already stays. STATUS_SECTION_NOT_EXTENDED for one of an image or without a file, and for
    more than the file has if its pages may not be written; STATUS_SECTION_TOO_BIG for what is no size
    (W32, NtExtendSection; ReactOS, section.c).
    """
    file = section.file
    if file is None or file.device is None or section.is_image:
        raise st.NtError(st.STATUS_SECTION_NOT_EXTENDED)
    if not 0 <= size < SIZE_LIMIT:
        raise st.NtError(st.STATUS_SECTION_TOO_BIG)
    if size > section.size:
        length = file.device.query_information(file, query.FILE_STANDARD_INFORMATION).end_of_file
        if size > length:
            if not protection_of(section.protection).is_writable:
                raise st.NtError(st.STATUS_SECTION_NOT_EXTENDED)
            file.device.set_information(file, size, query.FILE_END_OF_FILE_INFORMATION)
        section.size = size
    return section.size
