"""Records of the information classes that put several others together, and of those that identify a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ntshim.io.query import FileBasicInformation, FileStandardInformation

# LxFlags: which of the fields a file has, and whether names in it are exact (facts/wsl1.md sections 4.5 and 4.7).
LX_FILE_METADATA_HAS_UID = 0x1
LX_FILE_METADATA_HAS_GID = 0x2
LX_FILE_METADATA_HAS_MODE = 0x4
LX_FILE_METADATA_HAS_DEVICE_ID = 0x8
LX_FILE_CASE_SENSITIVE_DIR = 0x10

FILE_BYTE_ALIGNMENT = 0


class FileAllInformation(NamedTuple):
    """Nine classes at once; `mode` are create options, `access_flags` the rights of the handle."""

    basic_information: FileBasicInformation
    standard_information: FileStandardInformation
    index_number: int
    ea_size: int
    access_flags: int
    current_byte_offset: int
    mode: int
    alignment_requirement: int
    file_name: str


class FileAttributeTagInformation(NamedTuple):
    """Attributes, and the tag of a reparse point or 0."""

    file_attributes: int
    reparse_tag: int


class FileStandardLinkInformation(NamedTuple):
    """Links that can be opened, and all, those that are to be deleted included."""

    number_of_accessible_links: int
    total_number_of_links: int
    delete_pending: bool
    directory: bool


class FileLinkEntryInformation(NamedTuple):
    """One name of a file, and the id of the directory that it is in."""

    parent_file_id: int
    file_name: str


class FileIdInformation(NamedTuple):
    """What tells a file from all others of the machine."""

    volume_serial_number: int
    file_id: int


class FileCompressionInformation(NamedTuple):
    """What a stream takes on the medium; nothing is compressed here, so the format is 0."""

    compressed_file_size: int
    compression_format: int = 0
    compression_unit_shift: int = 0
    chunk_shift: int = 0
    cluster_shift: int = 0


class FileStatInformation(NamedTuple):
    """What Linux's stat needs; `effective_access` is what the caller could be granted."""

    file_id: int
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    allocation_size: int
    end_of_file: int
    file_attributes: int
    reparse_tag: int
    number_of_links: int
    effective_access: int


class FileStatLxInformation(NamedTuple):
    """As FileStatInformation, with the metadata of WSL; fields that `lx_flags` does not name are 0."""

    file_id: int
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    allocation_size: int
    end_of_file: int
    file_attributes: int
    reparse_tag: int
    number_of_links: int
    effective_access: int
    lx_flags: int = 0
    lx_uid: int = 0
    lx_gid: int = 0
    lx_mode: int = 0
    lx_device_id_major: int = 0
    lx_device_id_minor: int = 0
