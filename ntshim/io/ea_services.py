"""The services on extended attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.io import ea
from ntshim.io.file import FILE, FILE_READ_EA, FILE_WRITE_EA, served
from ntshim.service import ServiceFamily, TooSmall, service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ntshim.io.ea import FileFullEaInformation
    from ntshim.ps.process import Process, Thread


class EaServices(ServiceFamily):
    """EAs of open files."""

    __slots__ = ()

    @service
    def NtQueryEaFile(
        self,
        caller: Process | Thread,
        handle: int,
        length: int = 2 * ea.MAXIMUM_EA_SIZE,
        ea_list: Iterable[str] | None = None,
        ea_index: int | None = None,
        *,
        return_single_entry: bool = False,
        restart_scan: bool = False,
    ) -> list[FileFullEaInformation]:
        """Give the EAs that `ea_list` names, or those from `ea_index` on, or those behind what the last call gave.

        An index begins at 1; a name that is not there has an empty value. As many as `length` bytes hold, or one.
        STATUS_NO_EAS_ON_FILE; STATUS_NO_MORE_EAS at the end; STATUS_NONEXISTENT_EA_ENTRY for an index beyond;
        STATUS_INVALID_EA_NAME; STATUS_BUFFER_TOO_SMALL if the first does not fit. Needs FILE_READ_EA.
        """
        file, device = served(self._entry(caller, handle, FILE, FILE_READ_EA).object)
        present = device.query_eas(file)
        if ea_list is not None:
            return _fitting(_named(present, ea_list), length, single=return_single_entry)
        if not present:
            raise st.NtError(st.STATUS_NO_EAS_ON_FILE)
        if ea_index is not None:
            # The entry just behind the last one ends a scan; any other that is not there was never given.
            if not 1 <= ea_index <= len(present) + 1:
                raise st.NtError(st.STATUS_NONEXISTENT_EA_ENTRY)
            file.ea_position = ea_index - 1
        elif restart_scan:
            file.ea_position = 0
        rest = present[file.ea_position :]
        if not rest:
            raise st.NtError(st.STATUS_NO_MORE_EAS)
        given = _fitting(rest, length, single=return_single_entry)
        file.ea_position += len(given)
        return given

    @service
    def NtSetEaFile(self, caller: Process | Thread, handle: int, attributes: Iterable[FileFullEaInformation]) -> None:
        """Set EAs, and remove those whose value is empty; names are stored in capitals.

        STATUS_INVALID_EA_NAME, STATUS_INVALID_EA_FLAG, STATUS_EA_TOO_LARGE (64 KiB for all of a file),
        STATUS_EAS_NOT_SUPPORTED, STATUS_EA_CORRUPT_ERROR. Needs FILE_WRITE_EA.
        """
        file, device = served(self._entry(caller, handle, FILE, FILE_WRITE_EA).object)
        device.set_eas(file, ea.check(attributes))


def _named(present: list[FileFullEaInformation], names: Iterable[str]) -> list[FileFullEaInformation]:
    """Give those that are asked for by name."""
    by_name = {entry.ea_name: entry for entry in present}
    wanted = [ea.check_name(name) for name in names]
    return [by_name.get(name) or ea.FileFullEaInformation(0, name, b"") for name in wanted]


def _fitting(attributes: list[FileFullEaInformation], length: int, *, single: bool) -> list[FileFullEaInformation]:
    """Give as many as a buffer holds; each begins at a multiple of 4 bytes."""
    used = 0
    given = []
    for entry in attributes[:1] if single else attributes:
        used = (used + 3) & ~3
        used += ea.entry_size(entry)
        if used > length:
            break
        given.append(entry)
    if attributes and not given:
        raise TooSmall(st.STATUS_BUFFER_TOO_SMALL, ea.entry_size(attributes[0]))
    return given
