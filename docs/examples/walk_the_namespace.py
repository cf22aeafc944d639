"""Prints the tree of named objects, as WinObj shows it on Windows."""

from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.directory import DIRECTORY_QUERY
from ntshim.ps import Process
from ntshim.status import STATUS_NO_MORE_ENTRIES, NtError
from ntshim.system import System

BUFFER = 4096  # bytes for one answer of NtQueryDirectoryObject


def walk(system: System, caller: Process, path: str, depth: int = 0) -> None:
    """Prints what a directory holds, and what its directories hold."""
    handle = system.nt.NtOpenDirectoryObject(caller, DIRECTORY_QUERY, ObjectAttributes(path))
    context = 0
    while True:
        try:
            answer = system.nt.NtQueryDirectoryObject(caller, handle, BUFFER, context=context)
        except NtError as error:
            if error.status != STATUS_NO_MORE_ENTRIES:
                raise
            break
        context = answer.context
        for name, kind in answer.entries:
            print(f"{'  ' * depth}{name}  <{kind}>")
            if kind == "Directory" and name != "??":
                walk(system, caller, path.rstrip("\\") + "\\" + name, depth + 1)
    system.nt.NtClose(caller, handle)


system = System()
walk(system, system.new_process(), "\\")
