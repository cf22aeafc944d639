"""What NtQueryDirectoryFile tells: the information classes of directories, their records, and the bytes these take."""

from __future__ import annotations

from typing import NamedTuple

from ntshim.io import query

SL_RESTART_SCAN = 0x1
SL_RETURN_SINGLE_ENTRY = 0x2
SL_NO_CURSOR_UPDATE = 0x10
QUERY_FLAGS = SL_RESTART_SCAN | SL_RETURN_SINGLE_ENTRY | SL_NO_CURSOR_UPDATE


class FileDirectoryInformation(NamedTuple):
    """An entry: times in 100 ns since 1601, sizes in bytes."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int


class FileFullDirectoryInformation(NamedTuple):
    """With the bytes of its extended attributes, or the tag of a reparse point."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int
    ea_size: int


class FileBothDirectoryInformation(NamedTuple):
    """With the short name, which is empty (facts/nt.md section 4.4)."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int
    ea_size: int
    short_name: str


class FileNamesInformation(NamedTuple):
    """An entry's name alone."""

    file_name: str


class FileIdBothDirectoryInformation(NamedTuple):
    """With the short name and the id."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int
    ea_size: int
    short_name: str
    file_id: int


class FileIdFullDirectoryInformation(NamedTuple):
    """With the id."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int
    ea_size: int
    file_id: int


class FileIdGlobalTxDirectoryInformation(NamedTuple):
    """With what a transaction does to it: there are none, so the flags are 0."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int
    file_id: int
    tx_info_flags: int


class FileIdExtdDirectoryInformation(NamedTuple):
    """With the tag of a reparse point or 0, beside the size of the extended attributes."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int
    ea_size: int
    reparse_point_tag: int
    file_id: int


class FileIdExtdBothDirectoryInformation(NamedTuple):
    """With the short name besides."""

    file_name: str
    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    end_of_file: int
    allocation_size: int
    file_attributes: int
    ea_size: int
    reparse_point_tag: int
    file_id: int
    short_name: str


# Of each class: its record, and the bytes of an entry before its name, by the structures of [MS-FSCC] section 2.4.
RECORDS: dict[int, tuple[type[NamedTuple], int]] = {
    query.FILE_DIRECTORY_INFORMATION: (FileDirectoryInformation, 64),
    query.FILE_FULL_DIRECTORY_INFORMATION: (FileFullDirectoryInformation, 68),
    query.FILE_BOTH_DIRECTORY_INFORMATION: (FileBothDirectoryInformation, 94),
    query.FILE_NAMES_INFORMATION: (FileNamesInformation, 12),
    query.FILE_ID_BOTH_DIRECTORY_INFORMATION: (FileIdBothDirectoryInformation, 104),
    query.FILE_ID_FULL_DIRECTORY_INFORMATION: (FileIdFullDirectoryInformation, 80),
    query.FILE_ID_GLOBAL_TX_DIRECTORY_INFORMATION: (FileIdGlobalTxDirectoryInformation, 92),
    query.FILE_ID_EXTD_DIRECTORY_INFORMATION: (FileIdExtdDirectoryInformation, 88),
    query.FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION: (FileIdExtdBothDirectoryInformation, 114),
}


class DirectoryQuery(NamedTuple):
    """What is asked of a directory.

    `pattern` is empty for none, `length` the caller's buffer in bytes, None for one that holds everything. With
    `keeps_cursor` the same entries are given again next time.
    """

    information_class: int
    pattern: str = ""
    restart: bool = False
    single: bool = False
    length: int | None = None
    keeps_cursor: bool = False
