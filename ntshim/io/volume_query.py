"""What NtQueryVolumeInformationFile and NtSetVolumeInformationFile speak of: classes, records, rights they need."""

from __future__ import annotations

from typing import NamedTuple

from ntshim.io.file import FILE_WRITE_DATA

FILE_FS_VOLUME_INFORMATION = 1
FILE_FS_LABEL_INFORMATION = 2
FILE_FS_SIZE_INFORMATION = 3
FILE_FS_DEVICE_INFORMATION = 4
FILE_FS_ATTRIBUTE_INFORMATION = 5
FILE_FS_FULL_SIZE_INFORMATION = 7
FILE_FS_OBJECT_ID_INFORMATION = 8
FILE_FS_SECTOR_SIZE_INFORMATION = 11

QUERY_CLASSES = (
    FILE_FS_VOLUME_INFORMATION,
    FILE_FS_SIZE_INFORMATION,
    FILE_FS_DEVICE_INFORMATION,
    FILE_FS_ATTRIBUTE_INFORMATION,
    FILE_FS_FULL_SIZE_INFORMATION,
    FILE_FS_OBJECT_ID_INFORMATION,
    FILE_FS_SECTOR_SIZE_INFORMATION,
)
SET_ACCESS = {FILE_FS_LABEL_INFORMATION: FILE_WRITE_DATA, FILE_FS_OBJECT_ID_INFORMATION: FILE_WRITE_DATA}

FILE_CASE_SENSITIVE_SEARCH = 0x1
FILE_CASE_PRESERVED_NAMES = 0x2
FILE_UNICODE_ON_DISK = 0x4
FILE_SUPPORTS_POSIX_UNLINK_RENAME = 0x400
FILE_SUPPORTS_REPARSE_POINTS = 0x80
FILE_NAMED_STREAMS = 0x40000
FILE_READ_ONLY_VOLUME = 0x80000
FILE_SUPPORTS_HARD_LINKS = 0x400000
FILE_SUPPORTS_EXTENDED_ATTRIBUTES = 0x800000
FILE_SUPPORTS_OPEN_BY_FILE_ID = 0x1000000

FILE_DEVICE_DISK = 0x7
FILE_READ_ONLY_DEVICE = 0x2
FILE_DEVICE_IS_MOUNTED = 0x20

SSINFO_FLAGS_ALIGNED_DEVICE = 0x1
SSINFO_FLAGS_PARTITION_ALIGNED_ON_DEVICE = 0x2

LABEL_UNITS = 32
OBJECT_ID_BYTES = 16
EXTENDED_INFO_BYTES = 48


class FileFsVolumeInformation(NamedTuple):
    """When the volume was made (100 ns since 1601), its number, whether files have object ids, its label."""

    volume_creation_time: int
    volume_serial_number: int
    supports_objects: bool
    volume_label: str


class FileFsSizeInformation(NamedTuple):
    """Room in clusters."""

    total_allocation_units: int
    available_allocation_units: int
    sectors_per_allocation_unit: int
    bytes_per_sector: int


class FileFsFullSizeInformation(NamedTuple):
    """Room in clusters, what the caller may use and what is free."""

    total_allocation_units: int
    caller_available_allocation_units: int
    actual_available_allocation_units: int
    sectors_per_allocation_unit: int
    bytes_per_sector: int


class FileFsDeviceInformation(NamedTuple):
    """FILE_DEVICE_ type and characteristics."""

    device_type: int
    characteristics: int


class FileFsAttributeInformation(NamedTuple):
    """What the file system can; the component's length in units of UTF-16."""

    file_system_attributes: int
    maximum_component_name_length: int
    file_system_name: str


class FileFsObjectIdInformation(NamedTuple):
    """The volume's own object id, 16 bytes, and 48 bytes that nobody here interprets."""

    object_id: bytes
    extended_info: bytes = bytes(EXTENDED_INFO_BYTES)


class FileFsSectorSizeInformation(NamedTuple):
    """Sectors in bytes: as addressed, as written at one blow, as written fastest; SSINFO_ flags; offsets."""

    logical_bytes_per_sector: int
    physical_bytes_per_sector_for_atomicity: int
    physical_bytes_per_sector_for_performance: int
    file_system_effective_physical_bytes_per_sector_for_atomicity: int
    flags: int
    byte_offset_for_sector_alignment: int
    byte_offset_for_partition_alignment: int
