"""What NtQueryInformationFile and NtSetInformationFile speak of: information classes, records, rights they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim.io.file import FILE_READ_ATTRIBUTES, FILE_READ_EA, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA, FILE_WRITE_EA
from ntshim.ob.object import DELETE

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenName

FILE_DIRECTORY_INFORMATION = 1
FILE_FULL_DIRECTORY_INFORMATION = 2
FILE_BOTH_DIRECTORY_INFORMATION = 3
FILE_BASIC_INFORMATION = 4
FILE_STANDARD_INFORMATION = 5
FILE_INTERNAL_INFORMATION = 6
FILE_EA_INFORMATION = 7
FILE_ACCESS_INFORMATION = 8
FILE_NAME_INFORMATION = 9
FILE_RENAME_INFORMATION = 10
FILE_LINK_INFORMATION = 11
FILE_NAMES_INFORMATION = 12
FILE_DISPOSITION_INFORMATION = 13
FILE_POSITION_INFORMATION = 14
FILE_FULL_EA_INFORMATION = 15
FILE_MODE_INFORMATION = 16
FILE_ALIGNMENT_INFORMATION = 17
FILE_ALL_INFORMATION = 18
FILE_ALLOCATION_INFORMATION = 19
FILE_END_OF_FILE_INFORMATION = 20
FILE_ALTERNATE_NAME_INFORMATION = 21
FILE_STREAM_INFORMATION = 22
FILE_COMPRESSION_INFORMATION = 28
FILE_NETWORK_OPEN_INFORMATION = 34
FILE_ATTRIBUTE_TAG_INFORMATION = 35
FILE_ID_BOTH_DIRECTORY_INFORMATION = 37
FILE_ID_FULL_DIRECTORY_INFORMATION = 38
FILE_VALID_DATA_LENGTH_INFORMATION = 39
FILE_HARD_LINK_INFORMATION = 46
FILE_NORMALIZED_NAME_INFORMATION = 48
FILE_ID_GLOBAL_TX_DIRECTORY_INFORMATION = 50
FILE_STANDARD_LINK_INFORMATION = 54
FILE_ID_INFORMATION = 59
FILE_ID_EXTD_DIRECTORY_INFORMATION = 60
FILE_ID_EXTD_BOTH_DIRECTORY_INFORMATION = 63
FILE_DISPOSITION_INFORMATION_EX = 64
FILE_RENAME_INFORMATION_EX = 65
FILE_STAT_INFORMATION = 68
FILE_STAT_LX_INFORMATION = 70
FILE_CASE_SENSITIVE_INFORMATION = 71
FILE_COMPLETION_INFORMATION = 30
FILE_LINK_INFORMATION_EX = 72

RENAME_CLASSES = (FILE_RENAME_INFORMATION, FILE_RENAME_INFORMATION_EX)
DISPOSITION_CLASSES = (FILE_DISPOSITION_INFORMATION, FILE_DISPOSITION_INFORMATION_EX)
LINK_CLASSES = (FILE_LINK_INFORMATION, FILE_LINK_INFORMATION_EX)
# Those whose record has only a flag for replacing, where the Ex class has a whole set of them.
PLAIN_CLASSES = (FILE_RENAME_INFORMATION, FILE_LINK_INFORMATION)

# What the I/O manager answers without the device, or from several of the device's answers.
OF_THE_OPEN = frozenset(
    [
        FILE_POSITION_INFORMATION,
        FILE_MODE_INFORMATION,
        FILE_ACCESS_INFORMATION,
        FILE_ALIGNMENT_INFORMATION,
        FILE_ALL_INFORMATION,
    ]
)

FILE_CS_FLAG_CASE_SENSITIVE_DIR = 1

# The access that a handle must have been granted (facts/nt.md sections 3.5 to 3.6 and 4.5).
QUERY_ACCESS = {
    FILE_BASIC_INFORMATION: FILE_READ_ATTRIBUTES,
    FILE_STANDARD_INFORMATION: 0,
    FILE_INTERNAL_INFORMATION: 0,
    FILE_EA_INFORMATION: 0,
    FILE_ACCESS_INFORMATION: 0,
    FILE_NAME_INFORMATION: 0,
    FILE_FULL_EA_INFORMATION: FILE_READ_EA,
    FILE_POSITION_INFORMATION: 0,
    FILE_MODE_INFORMATION: 0,
    FILE_ALIGNMENT_INFORMATION: 0,
    FILE_ALL_INFORMATION: FILE_READ_ATTRIBUTES,
    FILE_ALTERNATE_NAME_INFORMATION: 0,
    FILE_STREAM_INFORMATION: 0,
    FILE_COMPRESSION_INFORMATION: 0,
    FILE_NETWORK_OPEN_INFORMATION: FILE_READ_ATTRIBUTES,
    FILE_ATTRIBUTE_TAG_INFORMATION: FILE_READ_ATTRIBUTES,
    FILE_HARD_LINK_INFORMATION: 0,
    FILE_NORMALIZED_NAME_INFORMATION: 0,
    FILE_STANDARD_LINK_INFORMATION: 0,
    FILE_ID_INFORMATION: 0,
    FILE_STAT_INFORMATION: FILE_READ_ATTRIBUTES,
    FILE_STAT_LX_INFORMATION: FILE_READ_ATTRIBUTES,
    FILE_CASE_SENSITIVE_INFORMATION: FILE_READ_ATTRIBUTES,
}
SET_ACCESS = {
    FILE_BASIC_INFORMATION: FILE_WRITE_ATTRIBUTES,
    FILE_FULL_EA_INFORMATION: FILE_WRITE_EA,
    FILE_RENAME_INFORMATION: DELETE,
    FILE_RENAME_INFORMATION_EX: DELETE,
    FILE_LINK_INFORMATION: 0,
    FILE_LINK_INFORMATION_EX: 0,
    FILE_DISPOSITION_INFORMATION: DELETE,
    FILE_DISPOSITION_INFORMATION_EX: DELETE,
    FILE_POSITION_INFORMATION: 0,
    FILE_MODE_INFORMATION: 0,
    FILE_ALLOCATION_INFORMATION: FILE_WRITE_DATA,
    FILE_END_OF_FILE_INFORMATION: FILE_WRITE_DATA,
    FILE_VALID_DATA_LENGTH_INFORMATION: FILE_WRITE_DATA,
    FILE_CASE_SENSITIVE_INFORMATION: FILE_WRITE_ATTRIBUTES,
    FILE_COMPLETION_INFORMATION: 0,
}


class FileBasicInformation(NamedTuple):
    """Times in 100 ns since 1601 and attributes; 0 leaves what it is in place of."""

    creation_time: int = 0
    last_access_time: int = 0
    last_write_time: int = 0
    change_time: int = 0
    file_attributes: int = 0


class FileCompletionInformation(NamedTuple):
    """Where a file's finished requests are to be told: the handle of a completion port, and the file's key there."""

    port: int
    key: Any


class FileStandardInformation(NamedTuple):
    """Sizes in bytes; `number_of_links` does not count those that are to be deleted."""

    allocation_size: int
    end_of_file: int
    number_of_links: int
    delete_pending: bool
    directory: bool


class FileNetworkOpenInformation(NamedTuple):
    """What NtQueryFullAttributesFile tells."""

    creation_time: int
    last_access_time: int
    last_write_time: int
    change_time: int
    allocation_size: int
    end_of_file: int
    file_attributes: int


class FileStreamInformation(NamedTuple):
    """One stream, `::$DATA` for the file's own data; sizes in bytes."""

    stream_name: str
    stream_size: int
    stream_allocation_size: int


class FileRenameInformation(NamedTuple):
    r"""Of renames and links, plain and Ex; of `flags` the plain classes know REPLACE_IF_EXISTS alone.

    `file_name` is a name alone, `\...` from the root of the object namespace, or relative to `root_directory`.
    """

    file_name: GivenName
    flags: int = 0
    root_directory: int = 0
