"""What Windows answers to a call: the NTSTATUS by name, the Win32 error that it becomes, and its usual text."""

from __future__ import annotations

from typing import NamedTuple

from ntshim.status import name_of
from ntshim.win32.errors import RtlNtStatusToDosError

# As FormatMessageW gives them in English; those that rules and the model's changes of files can lead to.
_TEXTS = {
    0: "The operation completed successfully.",
    1: "Incorrect function.",
    2: "The system cannot find the file specified.",
    3: "The system cannot find the path specified.",
    4: "The system cannot open the file.",
    5: "Access is denied.",
    6: "The handle is invalid.",
    17: "The system cannot move the file to a different disk drive.",
    19: "The media is write protected.",
    32: "The process cannot access the file because it is being used by another process.",
    33: "The process cannot access the file because another process has locked a portion of the file.",
    50: "The request is not supported.",
    80: "The file exists.",
    87: "The parameter is incorrect.",
    112: "There is not enough space on the disk.",
    123: "The filename, directory name, or volume label syntax is incorrect.",
    145: "The directory is not empty.",
    161: "The specified path is invalid.",
    183: "Cannot create a file when that file already exists.",
    206: "The filename or extension is too long.",
    267: "The directory name is invalid.",
    1142: "An attempt was made to create more links on a file than the file system supports.",
    1224: "The requested operation cannot be performed on a file with a user-mapped section open.",
    1314: "A required privilege is not held by the client.",
    1920: "The file cannot be accessed by the system.",
}


class Answer(NamedTuple):
    """An NTSTATUS, its name, the Win32 error number and what Windows says of it, "" if that is not known here."""

    status: int
    name: str
    error: int
    text: str

    def __str__(self) -> str:
        """As Python shows it on Windows, behind what NT says; a success has no error to show."""
        if self.error == 0:
            return f"{self.name} ({self.status:#010x})"
        return f"{self.name} ({self.status:#010x}), [WinError {self.error}] {self.text}".rstrip()


def answer(status: int) -> Answer:
    """The answer that a status stands for (facts/nt.md section 5)."""
    error = RtlNtStatusToDosError(status)
    return Answer(status, name_of(status), error, _TEXTS.get(error, ""))
