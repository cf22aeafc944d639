"""Two opens of one file that cannot be there together, and two that can."""

from ntshim.io.create import FILE_CREATE, FILE_OPEN
from ntshim.io.file import FILE_READ_DATA, FILE_WRITE_DATA
from ntshim.io.share import FILE_SHARE_READ, FILE_SHARE_WRITE
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.status import NtError, name_of
from ntshim.system import System

system = System()
nt = system.nt
editor, compiler = system.new_process("editor"), system.new_process("compiler")
name = ObjectAttributes("\\??\\C:\\notes.txt", attributes=OBJ_CASE_INSENSITIVE)

writing = nt.NtCreateFile(editor, FILE_WRITE_DATA, name, 0, FILE_SHARE_READ, FILE_CREATE, 0)
print(f"editor writes, and lets others read: handle {writing.handle:#x}")

try:
    nt.NtCreateFile(compiler, FILE_READ_DATA, name, 0, FILE_SHARE_READ, FILE_OPEN, 0)
except NtError as error:
    print(f"compiler reads, and lets nobody write: {name_of(error.status)} {error.status:08X}")

reading = nt.NtCreateFile(compiler, FILE_READ_DATA, name, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0)
print(f"compiler reads, and lets others write: handle {reading.handle:#x}")
