"""The services on sections and views, which are kept for processes whose memory is nobody's but ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.io.file import FILE, File
from ntshim.mm.protection import SECTION_EXTEND_SIZE, SECTION_QUERY, Protection, protection_of
from ntshim.mm.section import SECTION, Section, check_parameters, extend, make_file_section, make_page_file_section
from ntshim.mm.views import ALLOCATION_GRANULARITY, HIGHEST_ADDRESS, Views
from ntshim.ob.open import Created, insert_object, open_by_name
from ntshim.ps.process import PROCESS_VM_OPERATION
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ps.process import Process, Thread

SECTION_BASIC_INFORMATION = 0  # SECTION_INFORMATION_CLASS
SECTION_IMAGE_INFORMATION = 1

VIEW_SHARE = 1  # SECTION_INHERIT
VIEW_UNMAP = 2


class SectionBasicInformation(NamedTuple):
    """What NtQuerySection tells; the base address is 0 since no section is SEC_BASED, the size is in bytes."""

    base_address: int
    allocation_attributes: int
    maximum_size: int


class MappedView(NamedTuple):
    """Where NtMapViewOfSection has put a view, and how many bytes it has.

    `status` is STATUS_SUCCESS, or STATUS_IMAGE_NOT_AT_BASE for an image that lies elsewhere than it wants to.
    """

    base_address: int
    view_size: int
    status: int = st.STATUS_SUCCESS


class SectionServices(ServiceFamily):
    """Sections and views of them."""

    __slots__ = ()

    @service
    def NtCreateSection(
        self,
        caller: Process | Thread,
        desired_access: int,
        attributes: GivenAttributes,
        maximum_size: int,
        section_page_protection: int,
        allocation_attributes: int,
        file_handle: int = 0,
    ) -> Created:
        """Make a section of a file, or without a file handle one of the page file; `maximum_size` in bytes, 0 for none.

        Order: `mm.section.check_parameters`; the file, which must have been opened for what the protection allows;
        size (`make_file_section`, `make_page_file_section`); the name (facts/nt.md section 1.1).
        """
        meaning = check_parameters(section_page_protection, allocation_attributes)
        if file_handle:
            file = self._object(caller, file_handle, File, FILE, meaning.file_access)
            section = make_file_section(file, maximum_size, section_page_protection, allocation_attributes)
        else:
            section = make_page_file_section(maximum_size, section_page_protection, allocation_attributes)
        return insert_object(self.executive.namespace, caller, section, attributes, desired_access)

    @service
    def NtOpenSection(self, caller: Process | Thread, desired_access: int, attributes: GivenAttributes) -> int:
        """Open a section."""
        return open_by_name(self.executive.namespace, caller, attributes, SECTION, desired_access)

    @service
    def NtQuerySection(
        self, caller: Process | Thread, handle: int, information_class: int = SECTION_BASIC_INFORMATION
    ) -> Any:
        """Give SectionBasicInformation, or of an image SectionImageInformation (`mm.image`); needs SECTION_QUERY.

        STATUS_SECTION_NOT_IMAGE for SectionImageInformation of any other, STATUS_INVALID_INFO_CLASS for what is no
        class.
        """
        if information_class not in (SECTION_BASIC_INFORMATION, SECTION_IMAGE_INFORMATION):
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        section = self._object(caller, handle, Section, SECTION, SECTION_QUERY)
        if information_class == SECTION_IMAGE_INFORMATION:
            if section.image is None:
                raise st.NtError(st.STATUS_SECTION_NOT_IMAGE)
            return section.image.information
        return SectionBasicInformation(0, section.allocation, section.maximum_size())

    @service
    def NtExtendSection(self, caller: Process | Thread, handle: int, new_section_size: int) -> int:
        """Make a section of a file's data larger; gives its size in bytes. Needs SECTION_EXTEND_SIZE.

        `mm.section.extend` has the statuses.
        """
        return extend(self._object(caller, handle, Section, SECTION, SECTION_EXTEND_SIZE), new_section_size)

    @service
    def NtMapViewOfSection(
        self,
        caller: Process | Thread,
        section_handle: int,
        process_handle: int,
        base_address: int,
        section_offset: int,
        view_size: int,
        inherit_disposition: int,
        allocation_type: int,
        win32_protect: int,
    ) -> MappedView:
        """Map a section from an offset on, `view_size` bytes or with 0 to its end; base address 0 is any.

        An image goes where its headers want it, if that is free, and is written to in copies whatever the protection.

        Needs PROCESS_VM_OPERATION, and of the section what the protection takes. Order: parameters, process, section
        and their rights, STATUS_MAPPED_ALIGNMENT, STATUS_SECTION_PROTECTION, STATUS_INVALID_VIEW_SIZE, then
        `mm.views.Views.add` (ReactOS, kmtests, ZwMapViewOfSection; section.c for the order of parameters). What a pico
        process maps, its host must map: STATUS_NOT_IMPLEMENTED.
        """
        meaning = _check_view(base_address, view_size, inherit_disposition, allocation_type, win32_protect)
        process = self._process(caller, process_handle, PROCESS_VM_OPERATION)
        section = self._object(caller, section_handle, Section, SECTION, meaning.section_access)
        if base_address % ALLOCATION_GRANULARITY or section_offset % ALLOCATION_GRANULARITY:
            raise st.NtError(st.STATUS_MAPPED_ALIGNMENT)
        if not protection_of(section.protection).allows(meaning):
            raise st.NtError(st.STATUS_SECTION_PROTECTION)
        left = section.maximum_size() - section_offset
        if section_offset < 0 or left <= 0 or view_size > left:
            raise st.NtError(st.STATUS_INVALID_VIEW_SIZE)
        if process.provider is not None:
            raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
        if process.terminating:
            raise st.NtError(st.STATUS_PROCESS_IS_TERMINATING)
        if process.views is None:
            process.views = Views()
        wanted = 0 if section.image is None else section.image.base + section_offset
        size = view_size or left
        view = process.views.add(section, base_address, section_offset, size, win32_protect, preferred=wanted)
        moved = section.image is not None and view.base != wanted
        return MappedView(view.base, view.size, st.STATUS_IMAGE_NOT_AT_BASE if moved else st.STATUS_SUCCESS)

    @service
    def NtUnmapViewOfSection(self, caller: Process | Thread, process_handle: int, base_address: int) -> None:
        """Unmap the view that an address lies in; needs PROCESS_VM_OPERATION. STATUS_NOT_MAPPED_VIEW."""
        process = self._process(caller, process_handle, PROCESS_VM_OPERATION)
        view = process.views.find(base_address) if process.views is not None else None
        if process.views is None or view is None:
            raise st.NtError(st.STATUS_NOT_MAPPED_VIEW)
        process.views.remove(view)


def _check_view(base: int, size: int, inherit_disposition: int, allocation_type: int, protection: int) -> Protection:
    """Refuse a malformed request for a view; gives what its protection means. No allocation type is served."""
    if inherit_disposition not in (VIEW_SHARE, VIEW_UNMAP):
        raise st.NtError(st.STATUS_INVALID_PARAMETER_8)
    if allocation_type:
        raise st.NtError(st.STATUS_INVALID_PARAMETER_9)
    meaning = protection_of(protection)
    if not 0 <= base <= HIGHEST_ADDRESS or size < 0 or size > HIGHEST_ADDRESS - base:
        raise st.NtError(st.STATUS_INVALID_PARAMETER_3)
    return meaning
