"""The device of named pipes: none exists, since guests' pipes are the host's (facts/nt.md section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io.device import Device

if TYPE_CHECKING:
    from ntshim.io.file import File
    from ntshim.ob.parse import ParseRequest


class NamedPipeDevice(Device):
    r"""`\Device\NamedPipe`: a pipe is looked for by the whole rest of the name, and is not there."""

    __slots__ = ()

    def create(self, request: ParseRequest, related: File | None) -> File:
        """Answer STATUS_OBJECT_NAME_NOT_FOUND for every pipe; the device and its root directory serve nothing."""
        if request.name.strip("\\"):
            raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
        return super().create(request, related)
