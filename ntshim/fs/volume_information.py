"""What a volume tells of itself, and what of that can be set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.fs.information import CLUSTER
from ntshim.fs.names import COMPONENT_UNITS, units
from ntshim.io import volume_query as fs
from ntshim.io.create import SECTOR_SIZE

if TYPE_CHECKING:
    from ntshim.fs.volume import Volume
    from ntshim.io.file import File

_ALWAYS = (
    fs.FILE_CASE_SENSITIVE_SEARCH
    | fs.FILE_CASE_PRESERVED_NAMES
    | fs.FILE_UNICODE_ON_DISK
    | fs.FILE_SUPPORTS_POSIX_UNLINK_RENAME
    | fs.FILE_SUPPORTS_HARD_LINKS
    | fs.FILE_SUPPORTS_OPEN_BY_FILE_ID
)
_SECTORS = CLUSTER // SECTOR_SIZE


def query_volume(volume: Volume, fs_information_class: int) -> Any:
    """Give the record of a class."""
    if fs_information_class == fs.FILE_FS_VOLUME_INFORMATION:
        serial, created = volume.backend.medium()
        return fs.FileFsVolumeInformation(created, serial, supports_objects=False, volume_label=volume.label)
    if fs_information_class == fs.FILE_FS_SIZE_INFORMATION:
        total, _, available = (size // CLUSTER for size in volume.backend.space())
        return fs.FileFsSizeInformation(total, available, _SECTORS, SECTOR_SIZE)
    if fs_information_class == fs.FILE_FS_FULL_SIZE_INFORMATION:
        total, free, available = (size // CLUSTER for size in volume.backend.space())
        return fs.FileFsFullSizeInformation(total, available, free, _SECTORS, SECTOR_SIZE)
    if fs_information_class == fs.FILE_FS_DEVICE_INFORMATION:
        protected = fs.FILE_READ_ONLY_DEVICE if volume.read_only else 0
        return fs.FileFsDeviceInformation(fs.FILE_DEVICE_DISK, fs.FILE_DEVICE_IS_MOUNTED | protected)
    if fs_information_class == fs.FILE_FS_ATTRIBUTE_INFORMATION:
        return fs.FileFsAttributeInformation(_abilities(volume), COMPONENT_UNITS, "NTFS")
    if fs_information_class == fs.FILE_FS_OBJECT_ID_INFORMATION:
        if volume.object_id is None:
            raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
        return fs.FileFsObjectIdInformation(*volume.object_id)
    aligned = fs.SSINFO_FLAGS_ALIGNED_DEVICE | fs.SSINFO_FLAGS_PARTITION_ALIGNED_ON_DEVICE
    return fs.FileFsSectorSizeInformation(SECTOR_SIZE, CLUSTER, CLUSTER, CLUSTER, aligned, 0, 0)


def _abilities(volume: Volume) -> int:
    """Give what this volume can."""
    abilities = _ALWAYS
    if volume.backend.has_streams:
        # What keeps streams keeps extended attributes and reparse points too.
        abilities |= fs.FILE_NAMED_STREAMS | fs.FILE_SUPPORTS_EXTENDED_ATTRIBUTES | fs.FILE_SUPPORTS_REPARSE_POINTS
    if volume.read_only:
        abilities |= fs.FILE_READ_ONLY_VOLUME
    return abilities


def set_volume(volume: Volume, file: File, record: Any, fs_information_class: int) -> None:
    """Set what a class speaks of; the root directory stands for the volume."""
    if file.context.link.directory is not None:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    if fs_information_class == fs.FILE_FS_LABEL_INFORMATION:
        if units(record) > fs.LABEL_UNITS:
            raise st.NtError(st.STATUS_INVALID_VOLUME_LABEL)
        volume.label = record
        return
    object_id, extended = record
    if len(object_id) != fs.OBJECT_ID_BYTES or len(extended) != fs.EXTENDED_INFO_BYTES:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    volume.object_id = (bytes(object_id), bytes(extended))
