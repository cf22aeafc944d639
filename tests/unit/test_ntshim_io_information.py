"""Information classes of open files and of volumes, and what the I/O manager itself keeps of an open file."""

from __future__ import annotations

import struct
from nt.drive import APPEND, DELETE, READ, READ_ATTRIBUTES, SYNCHRONIZE, WRITE, WRITE_ATTRIBUTES, Drive, status_of
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query, stat
from ntshim.io import volume_query as fs
from ntshim.io.ea import FileFullEaInformation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INVALID, DENIED = st.STATUS_INVALID_PARAMETER, st.STATUS_ACCESS_DENIED
STANDARD, ALLOCATION, END = (
    query.FILE_STANDARD_INFORMATION,
    query.FILE_ALLOCATION_INFORMATION,
    query.FILE_END_OF_FILE_INFORMATION,
)
SYNC, ALERT = io.FILE_SYNCHRONOUS_IO_NONALERT, io.FILE_SYNCHRONOUS_IO_ALERT
UNBUFFERED = io.FILE_NO_INTERMEDIATE_BUFFERING
CLUSTER = 4096
MOST = (1 << 63) - 1


@pytest.fixture(params=["memory", "host"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    drive = Drive(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))
    drive.make("x")
    drive.make_directory("dir")
    yield drive
    drive.process.handles.release()


def test_all_is_what_its_parts_are(drive: Drive) -> None:
    handle = drive.open("x", READ | READ_ATTRIBUTES | SYNCHRONIZE, options=SYNC | io.FILE_SEQUENTIAL_ONLY)
    drive.set(handle, 7, query.FILE_POSITION_INFORMATION)
    told = drive.get(handle, query.FILE_ALL_INFORMATION)
    assert told == stat.FileAllInformation(
        drive.get(handle, query.FILE_BASIC_INFORMATION),
        drive.get(handle, STANDARD),
        drive.get(handle, query.FILE_INTERNAL_INFORMATION),
        0,
        READ | READ_ATTRIBUTES | SYNCHRONIZE,
        7,
        SYNC | io.FILE_SEQUENTIAL_ONLY,
        stat.FILE_BYTE_ALIGNMENT,
        "\\x",
    )
    assert told[2:8] == tuple(drive.get(handle, number) for number in (6, 7, 8, 14, 16, 17))


def test_links_that_are_to_go_are_counted_apart(drive: Drive) -> None:
    handle = drive.open("x", DELETE)
    drive.link(handle, "y")
    drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
    other = drive.open("y", READ_ATTRIBUTES)
    for of, pending in ((handle, True), (other, False)):
        told = drive.get(of, query.FILE_STANDARD_LINK_INFORMATION)
        assert told == stat.FileStandardLinkInformation(1, 2, pending, directory=False)
        assert drive.get(of, STANDARD).number_of_links == 1
    directory = drive.get(drive.open("dir"), query.FILE_STANDARD_LINK_INFORMATION)
    assert directory == stat.FileStandardLinkInformation(1, 1, delete_pending=False, directory=True)


def test_stat_puts_together_what_other_classes_tell(drive: Drive) -> None:
    for path, attributes in (("x", io.FILE_ATTRIBUTE_ARCHIVE), ("dir", io.FILE_ATTRIBUTE_DIRECTORY)):
        handle = drive.open(path, READ | READ_ATTRIBUTES)
        told = drive.get(handle, query.FILE_STAT_INFORMATION)
        basic, standard = drive.get(handle, query.FILE_BASIC_INFORMATION), drive.get(handle, STANDARD)
        assert told.file_id == drive.get(handle, query.FILE_INTERNAL_INFORMATION)
        assert told[1:5] == basic[:4]
        assert (told.allocation_size, told.end_of_file, told.number_of_links) == standard[:3]
        assert (told.file_attributes, told.reparse_tag) == (attributes, 0)
        assert told.effective_access == 0x1F01FF
        assert drive.get(handle, query.FILE_ATTRIBUTE_TAG_INFORMATION) == (attributes, 0)
        assert drive.get(handle, query.FILE_ID_INFORMATION).file_id == told.file_id
        assert drive.get(handle, query.FILE_STAT_LX_INFORMATION) == (*told, *(0,) * 6)


def test_stat_of_wsl_has_the_metadata_that_is_well_formed(drive: Drive) -> None:
    handle = drive.open("x", READ | READ_ATTRIBUTES | 0x10)
    drive.nt.NtSetEaFile(
        drive.process,
        handle,
        [
            FileFullEaInformation(0, "$LXUID", struct.pack("<I", 1000)),
            FileFullEaInformation(0, "$LXGID", b"short"),
            FileFullEaInformation(0, "$LXMOD", struct.pack("<I", 0o100644)),
            FileFullEaInformation(0, "$LXDEV", struct.pack("<II", 8, 1)),
        ],
    )
    told = drive.get(handle, query.FILE_STAT_LX_INFORMATION)
    assert told.lx_flags == stat.LX_FILE_METADATA_HAS_UID | stat.LX_FILE_METADATA_HAS_MODE | 8
    assert told[-5:] == (1000, 0, 0o100644, 8, 1)
    directory = drive.open("dir", READ_ATTRIBUTES | WRITE_ATTRIBUTES)
    drive.set(directory, 1, query.FILE_CASE_SENSITIVE_INFORMATION)
    assert drive.get(directory, query.FILE_STAT_LX_INFORMATION).lx_flags == stat.LX_FILE_CASE_SENSITIVE_DIR


def test_names(drive: Drive) -> None:
    drive.make("dir\\Name")
    handle = drive.open("DIR\\NAME")
    assert drive.get(handle, query.FILE_NORMALIZED_NAME_INFORMATION) == "\\dir\\Name"
    assert (
        status_of(lambda: drive.get(handle, query.FILE_ALTERNATE_NAME_INFORMATION)) == st.STATUS_OBJECT_NAME_NOT_FOUND
    )


def test_which_rights_and_classes(drive: Drive) -> None:
    handle = drive.open("x", SYNCHRONIZE)
    for number, access in query.QUERY_ACCESS.items():
        expected = DENIED if access else 0
        found = status_of(lambda number=number: drive.get(handle, number))  # type: ignore[misc]
        assert found == (st.STATUS_OBJECT_NAME_NOT_FOUND if number == 21 else expected)
    for number in (-1, 0, 1, 12, 13, 10, 999, 1 << 40):
        assert status_of(lambda number=number: drive.get(handle, number)) == st.STATUS_INVALID_INFO_CLASS  # type: ignore[misc]
    for number in (-1, 5, 6, 8, 17, 18, 9, 999):
        assert status_of(lambda number=number: drive.set(handle, 0, number)) == st.STATUS_INVALID_INFO_CLASS  # type: ignore[misc]


def test_allocation_is_kept_until_the_last_open_ends(drive: Drive) -> None:
    handle = drive.open("x", READ | WRITE)
    drive.nt.NtWriteFile(drive.process, handle, b"text", 0)
    drive.set(handle, 3 * CLUSTER + 1, ALLOCATION)
    other = drive.open("x", READ)
    drive.close(handle)
    assert drive.get(other, STANDARD)[:2] == (4 * CLUSTER, 4)
    drive.close(other)
    again = drive.open("x", READ | WRITE)
    assert drive.get(again, STANDARD).allocation_size <= CLUSTER
    drive.set(again, 2, ALLOCATION)
    assert drive.get(again, STANDARD).end_of_file == 2
    assert drive.nt.NtReadFile(drive.process, again, 9, 0) == b"te"


@pytest.mark.parametrize("number", [ALLOCATION, END])
def test_sizes_that_cannot_be(drive: Drive, number: int) -> None:
    handle = drive.open("x", WRITE)
    for size in (-1, -(1 << 70), MOST + 1):
        assert status_of(lambda size=size: drive.set(handle, size, number)) == INVALID  # type: ignore[misc]
    assert status_of(lambda: drive.set(drive.open("dir", WRITE), 0, number)) == INVALID
    assert status_of(lambda: drive.set(drive.open("x", APPEND), 0, number)) == DENIED


def test_room_ends() -> None:
    drive = Drive(MemFs(capacity=4 * CLUSTER))
    drive.make("x")
    handle = drive.open("x", READ | WRITE)
    drive.set(handle, 3 * CLUSTER, END)
    for beyond in (
        lambda: drive.set(handle, 4 * CLUSTER + 1, END),
        lambda: drive.set(handle, MOST, END),
        lambda: drive.nt.NtWriteFile(drive.process, handle, b"x", 4 * CLUSTER),
        lambda: drive.nt.NtWriteFile(drive.process, handle, b"x", MOST - 1),
        lambda: drive.set(handle, 5 * CLUSTER, ALLOCATION),
    ):
        assert status_of(beyond) == st.STATUS_DISK_FULL
    assert drive.get(handle, STANDARD).end_of_file == 3 * CLUSTER
    assert status_of(lambda: drive.nt.NtWriteFile(drive.process, handle, b"x", MOST)) == INVALID

    def free() -> int:
        size = volume(drive, handle, fs.FILE_FS_FULL_SIZE_INFORMATION)
        assert isinstance(size, fs.FileFsFullSizeInformation)
        return size.actual_available_allocation_units

    assert free() == 1
    drive.close(drive.create("x:s", WRITE, disposition=io.FILE_CREATE).handle)
    stream = drive.open("x:s", WRITE | DELETE)
    drive.set(stream, 1, END)
    assert free() == 0
    drive.set(stream, True, query.FILE_DISPOSITION_INFORMATION)
    drive.close(stream)
    assert free() == 1
    drive.delete("x")
    assert free() == 1
    drive.close(handle)
    handle = drive.open("")
    assert free() == 4


def volume(drive: Drive, handle: int, number: int) -> object:
    return drive.nt.NtQueryVolumeInformationFile(drive.process, handle, number)


def test_volumes(drive: Drive) -> None:
    handle = drive.open("x", SYNCHRONIZE)
    told = volume(drive, handle, fs.FILE_FS_VOLUME_INFORMATION)
    assert isinstance(told, fs.FileFsVolumeInformation)
    assert told.volume_label == ""
    assert told.volume_serial_number == drive.get(handle, query.FILE_ID_INFORMATION).volume_serial_number < 1 << 32
    assert volume(drive, drive.open("dir"), fs.FILE_FS_VOLUME_INFORMATION) == told
    size, full = (volume(drive, handle, number) for number in (fs.FILE_FS_SIZE_INFORMATION, 7))
    assert isinstance(size, fs.FileFsSizeInformation)
    assert isinstance(full, fs.FileFsFullSizeInformation)
    assert size.sectors_per_allocation_unit * size.bytes_per_sector == CLUSTER
    assert 0 < size.available_allocation_units <= size.total_allocation_units == full.total_allocation_units
    assert volume(drive, handle, fs.FILE_FS_DEVICE_INFORMATION) == (7, 0x20)
    abilities = volume(drive, handle, fs.FILE_FS_ATTRIBUTE_INFORMATION)
    assert isinstance(abilities, fs.FileFsAttributeInformation)
    assert (abilities.maximum_component_name_length, abilities.file_system_name) == (255, "NTFS")
    assert not abilities.file_system_attributes & fs.FILE_READ_ONLY_VOLUME
    sectors = volume(drive, handle, fs.FILE_FS_SECTOR_SIZE_INFORMATION)
    assert sectors == (512, CLUSTER, CLUSTER, CLUSTER, 3, 0, 0)
    assert status_of(lambda: volume(drive, handle, fs.FILE_FS_OBJECT_ID_INFORMATION)) == st.STATUS_OBJECT_NAME_NOT_FOUND
    for number in (-1, 0, 2, 6, 12, 999):
        assert status_of(lambda number=number: volume(drive, handle, number)) == st.STATUS_INVALID_INFO_CLASS  # type: ignore[misc]


def test_the_root_takes_a_volume_s_label_and_id(drive: Drive) -> None:
    nt, process = drive.nt, drive.process
    root = drive.open("", WRITE)
    label, object_id = fs.FILE_FS_LABEL_INFORMATION, fs.FILE_FS_OBJECT_ID_INFORMATION
    nt.NtSetVolumeInformationFile(process, root, "L" * 32, label)
    told = volume(drive, root, fs.FILE_FS_VOLUME_INFORMATION)
    assert isinstance(told, fs.FileFsVolumeInformation)
    assert told.volume_label == "L" * 32
    for handle, information, number, expected in (
        (root, "L" * 33, label, st.STATUS_INVALID_VOLUME_LABEL),
        (root, "\U0001f600" * 17, label, st.STATUS_INVALID_VOLUME_LABEL),
        (drive.open("dir", WRITE), "label", label, INVALID),
        (drive.open("", READ), "label", label, DENIED),
        (root, fs.FileFsObjectIdInformation(b"short"), object_id, INVALID),
        (root, fs.FileFsObjectIdInformation(bytes(16), b""), object_id, INVALID),
        (root, 0, fs.FILE_FS_SIZE_INFORMATION, st.STATUS_INVALID_INFO_CLASS),
    ):
        found = status_of(lambda: nt.NtSetVolumeInformationFile(process, handle, information, number))  # noqa: B023 - called at once
        assert found == expected
    record = fs.FileFsObjectIdInformation(b"0123456789abcdef", b"x" * 48)
    nt.NtSetVolumeInformationFile(process, root, record, object_id)
    assert volume(drive, root, object_id) == record


def test_a_volume_that_cannot_be_written() -> None:
    backend = MemFs()
    Drive(backend).make("x")
    drive = Drive(backend, read_only=True)
    root, handle = drive.open(""), drive.open("x", READ | READ_ATTRIBUTES)
    abilities = volume(drive, root, fs.FILE_FS_ATTRIBUTE_INFORMATION)
    assert isinstance(abilities, fs.FileFsAttributeInformation)
    assert abilities.file_system_attributes & fs.FILE_READ_ONLY_VOLUME
    assert volume(drive, root, fs.FILE_FS_DEVICE_INFORMATION) == (7, 0x22)
    assert status_of(lambda: drive.link(handle, "y")) == st.STATUS_MEDIA_WRITE_PROTECTED
    assert drive.get(handle, query.FILE_STAT_INFORMATION).effective_access & (WRITE | DELETE) == 0


@pytest.mark.parametrize(
    ("options", "mode", "expected"),
    [
        (0, 0, 0),
        (0, io.FILE_WRITE_THROUGH | io.FILE_SEQUENTIAL_ONLY, 0),
        (0, SYNC, INVALID),
        (SYNC, 0, INVALID),
        (SYNC, ALERT | io.FILE_SEQUENTIAL_ONLY, 0),
        (SYNC, SYNC | ALERT, INVALID),
        (0, UNBUFFERED, INVALID),
        (0, io.FILE_DELETE_ON_CLOSE, INVALID),
        (0, 1, INVALID),
        (0, -1, INVALID),
    ],
)
def test_mode(drive: Drive, options: int, mode: int, expected: int) -> None:
    handle = drive.open("x", READ | SYNCHRONIZE, options=options)
    assert status_of(lambda: drive.set(handle, mode, query.FILE_MODE_INFORMATION)) == expected
    assert drive.get(handle, query.FILE_MODE_INFORMATION) == (options if expected else mode)


def test_write_through_stays_as_it_is_without_buffers(drive: Drive) -> None:
    handle = drive.open("x", READ, options=UNBUFFERED)
    drive.set(handle, io.FILE_WRITE_THROUGH | io.FILE_SEQUENTIAL_ONLY, query.FILE_MODE_INFORMATION)
    assert drive.get(handle, query.FILE_MODE_INFORMATION) == UNBUFFERED | io.FILE_SEQUENTIAL_ONLY


def test_what_is_not_buffered_moves_in_sectors(drive: Drive) -> None:
    nt, process, position = drive.nt, drive.process, query.FILE_POSITION_INFORMATION
    handle = drive.open("x", READ | WRITE | SYNCHRONIZE, options=UNBUFFERED | SYNC)
    assert nt.NtWriteFile(process, handle, bytes(512), 0) == 512
    assert nt.NtReadFile(process, handle, 1024, 0) == bytes(512)
    for wrong in (
        lambda: nt.NtWriteFile(process, handle, b"x", 0),
        lambda: nt.NtReadFile(process, handle, 511, 0),
        lambda: nt.NtReadFile(process, handle, 512, 1),
        lambda: drive.set(handle, 1, position),
    ):
        assert status_of(wrong) == INVALID
    drive.set(handle, 1024, position)
    assert drive.get(handle, position) == 1024


@pytest.mark.parametrize("offset", [-3, MOST + 1, 1 << 80, -(1 << 80)])
def test_offsets_that_cannot_be(drive: Drive, offset: int) -> None:
    handle = drive.open("x", READ | WRITE | SYNCHRONIZE, options=SYNC)
    for wrong in (
        lambda: drive.nt.NtReadFile(drive.process, handle, 1, offset),
        lambda: drive.nt.NtWriteFile(drive.process, handle, b"x", offset),
        lambda: drive.set(handle, offset, query.FILE_POSITION_INFORMATION),
    ):
        assert status_of(wrong) == INVALID


def test_an_asynchronous_file_has_no_position(drive: Drive) -> None:
    nt, process = drive.nt, drive.process
    handle = drive.open("x", READ | WRITE)
    for offset in (None, -2):
        assert status_of(lambda offset=offset: nt.NtReadFile(process, handle, 1, offset)) == INVALID  # type: ignore[misc]
        assert status_of(lambda offset=offset: nt.NtWriteFile(process, handle, b"x", offset)) == INVALID  # type: ignore[misc]
    assert nt.NtWriteFile(process, handle, b"ab", -1) == 2
    assert nt.NtWriteFile(process, handle, b"c", -1) == 1
    assert nt.NtReadFile(process, handle, 9, 0) == b"abc"
    assert status_of(lambda: nt.NtReadFile(process, handle, 1, -1)) == INVALID
    assert status_of(lambda: nt.NtReadFile(process, handle, 1, 3)) == st.STATUS_END_OF_FILE
    assert nt.NtReadFile(process, handle, 0, 3) == b""


def test_valid_data_takes_a_privilege(drive: Drive) -> None:
    number = query.FILE_VALID_DATA_LENGTH_INFORMATION
    handle = drive.open("x", WRITE)
    assert status_of(lambda: drive.set(handle, 0, number)) == st.STATUS_PRIVILEGE_NOT_HELD
    system = drive.executive.system_process
    mine = drive.open("x", WRITE, process=system)
    drive.nt.NtWriteFile(system, mine, b"text", 0)
    for length, expected in ((4, 0), (0, 0), (5, INVALID), (-1, INVALID)):
        found = status_of(lambda: drive.nt.NtSetInformationFile(system, mine, length, number))  # noqa: B023 - at once
        assert found == expected
    system.handles.release()
