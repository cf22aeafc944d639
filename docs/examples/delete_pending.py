"""A deleted file keeps its name as long as somebody has it open, unless it was deleted the POSIX way."""

from ntshim.io.create import FILE_CREATE, FILE_OPEN
from ntshim.io.delete import FILE_DISPOSITION_DELETE, FILE_DISPOSITION_POSIX_SEMANTICS
from ntshim.io.file import FILE_READ_DATA
from ntshim.io.query import (
    FILE_DISPOSITION_INFORMATION,
    FILE_DISPOSITION_INFORMATION_EX,
    FILE_STANDARD_INFORMATION,
)
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.ob.object import DELETE
from ntshim.status import NtError, name_of
from ntshim.system import System

system = System()
nt, process = system.nt, system.new_process()
name = ObjectAttributes("\\??\\C:\\file", attributes=OBJ_CASE_INSENSITIVE)


def attempt(what: str, disposition: int = FILE_OPEN) -> int:
    """Opens or makes the file and prints what came of it; gives the handle, 0 for none."""
    try:
        handle = nt.NtCreateFile(process, FILE_READ_DATA, name, 0, FILE_SHARE_ALL, disposition, 0).handle
    except NtError as error:
        print(f"  {what}: {name_of(error.status)}")
        return 0
    print(f"  {what}: done")
    return handle


for title, information, information_class in (
    ("FileDispositionInformation", True, FILE_DISPOSITION_INFORMATION),
    (
        "FileDispositionInformationEx, POSIX semantics",
        FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS,
        FILE_DISPOSITION_INFORMATION_EX,
    ),
):
    print(title)
    reader = attempt("make", FILE_CREATE)
    deleter = nt.NtOpenFile(process, DELETE, name, FILE_SHARE_ALL, 0).handle
    nt.NtSetInformationFile(process, deleter, information, information_class)
    attempt("open, marked for deletion")
    nt.NtClose(process, deleter)
    pending = nt.NtQueryInformationFile(process, reader, FILE_STANDARD_INFORMATION).delete_pending
    print(f"  the handle that is left sees delete_pending = {pending}")
    again = attempt("make again, the other handle is closed", FILE_CREATE)
    nt.NtClose(process, reader)
    if not again:
        again = attempt("make again, every handle is closed", FILE_CREATE)
    cleaner = nt.NtOpenFile(process, DELETE, name, FILE_SHARE_ALL, 0).handle
    nt.NtSetInformationFile(process, cleaner, True, FILE_DISPOSITION_INFORMATION)
    nt.NtClose(process, cleaner)
    nt.NtClose(process, again)
