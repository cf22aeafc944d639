"""The services that speak of the volume that a file is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.io import volume_query
from ntshim.io.services import FileServices
from ntshim.service import service

if TYPE_CHECKING:
    from ntshim.ps.process import Process, Thread


class VolumeServices(FileServices):
    """Volumes, each reached by any of its open files."""

    __slots__ = ()

    @service
    def NtQueryVolumeInformationFile(self, caller: Process | Thread, handle: int, fs_information_class: int) -> Any:
        """Tell of the volume: a record of `io.volume_query`, whatever the handle's access.

        STATUS_INVALID_INFO_CLASS; STATUS_OBJECT_NAME_NOT_FOUND for the object id of a volume that has none. Source:
        [MS-FSA] section 2.1.5.13.
        """
        if fs_information_class not in volume_query.QUERY_CLASSES:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        file, device, _ = self._device_file(caller, handle, 0)
        return device.query_volume_information(file, fs_information_class)

    @service
    def NtSetVolumeInformationFile(
        self, caller: Process | Thread, handle: int, information: Any, fs_information_class: int
    ) -> None:
        """Set the label, a str, or the object id, a FileFsObjectIdInformation, through the root directory.

        The handle needs FILE_WRITE_DATA. STATUS_INVALID_INFO_CLASS; STATUS_INVALID_PARAMETER for another file than
        the root and for an id of wrong length; STATUS_INVALID_VOLUME_LABEL for more than 32 units;
        STATUS_MEDIA_WRITE_PROTECTED.
        """
        access = volume_query.SET_ACCESS.get(fs_information_class)
        if access is None:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        file, device, _ = self._device_file(caller, handle, access)
        device.set_volume_information(file, information, fs_information_class)
