"""The rules of a check: what each finds, how grave it is, what Windows answers, and what to do about it."""

from __future__ import annotations

from typing import NamedTuple

from ntshim import status as st
from picobox.findings.finding import ERROR, NOTE, WARNING


class Rule(NamedTuple):
    """What a rule is: `statuses` are those with which NT refuses, STATUS_SUCCESS where it does something else instead.

    `name` is in kebab-case, `title` a noun phrase; `why` tells what Windows does, `example` is code that meets
    the rule, in the language a reader knows best, `fix` what to do instead. `source` tells where it is described.
    """

    id: str
    name: str
    severity: str
    statuses: tuple[int, ...]
    title: str
    why: str
    example: str
    fix: str
    source: str


RULES: dict[str, Rule] = {}
"""All rules by their ids, in order."""


def _rule(id: str, name: str, severity: str, *statuses: int, **texts: str) -> None:  # noqa: A002 - the field's own name
    """Enter a rule."""
    RULES[id] = Rule(id, name, severity, statuses, **texts)


_rule(
    "PB001", "names-differ-in-case", ERROR, st.STATUS_OBJECT_NAME_COLLISION,
    title="two names that differ only in case",
    why="A directory of Windows holds one file by both names: the second is refused, or opens or replaces the first.",
    example='open("Makefile", "w"); open("makefile", "w")',
    fix="Give one of them a name that differs in more than case.",
    source="facts/nt.md section 4.1",
)  # fmt: skip
_rule(
    "PB002", "other-case-than-stored", NOTE, st.STATUS_SUCCESS,
    title="a name opened in another case than it is stored in",
    why="Windows finds the file, Linux does not: the program behaves differently here and there.",
    example='open("readme.md")  # stored as README.md',
    fix="Write the name as it is stored.",
    source="facts/nt.md section 4.1",
)  # fmt: skip
_rule(
    "PB003", "reserved-device-name", ERROR,
    st.STATUS_OBJECT_NAME_INVALID, st.STATUS_OBJECT_NAME_NOT_FOUND, st.STATUS_SUCCESS,
    title="a reserved device name",
    why="CON, PRN, AUX, NUL, CONIN$, CONOUT$, COM1 to COM9 and LPT1 to LPT9 mean devices, up to Windows 10 in every "
    "directory and with any extension: no file can have the name, and git cannot check it out.",
    example='open("aux.txt", "w")',
    fix="Give the file another name; an underscore before it is enough.",
    source="facts/nt.md section 4.2",
)  # fmt: skip
_rule(
    "PB004", "illegal-character", ERROR, st.STATUS_OBJECT_NAME_INVALID,
    title="a character that no name of Windows can hold",
    why='The characters " * < > ? \\ | and all below the blank are in no name; a backslash separates components. '
    "Bytes that are no UTF-8 are no characters at all.",
    example='open("what?.txt", "w")',
    fix="Replace the character, as by an underscore, before the name is used.",
    source="facts/nt.md section 4.2",
)  # fmt: skip
_rule(
    "PB005", "colon-is-a-stream", ERROR,
    st.STATUS_OBJECT_NAME_INVALID, st.STATUS_SUCCESS, st.STATUS_NOT_A_DIRECTORY,
    title="a colon in a name, which means a stream",
    why="`a:b` is the stream b of the file a: the data go there, and a directory listing shows an empty file a.",
    example='open("12:30.log", "w")',
    fix="Write times and the like without colons: 12-30.",
    source="facts/nt.md section 4.2",
)  # fmt: skip
_rule(
    "PB006", "trailing-dot-or-space", ERROR,
    st.STATUS_SUCCESS, st.STATUS_FILE_IS_A_DIRECTORY, st.STATUS_OBJECT_NAME_COLLISION,
    title="a name that ends in a dot or a space",
    why="Win32 takes them away: the file gets another name, and whoever lists the directory does not find this one.",
    example='open("notes.", "w")',
    fix="Strip dots and spaces from the end of the name.",
    source="facts/nt.md section 4.2",
)  # fmt: skip
_rule(
    "PB007", "path-too-long", WARNING, st.STATUS_OBJECT_PATH_NOT_FOUND, st.STATUS_NAME_TOO_LONG,
    title="a path of over 260 characters on Windows",
    why="Win32 takes paths of at most 259 characters, 247 for a directory, unless the machine and the program both "
    "allow long ones.",
    example='os.makedirs("d" * 100 + "/" + "e" * 100 + "/" + "f" * 100)',
    fix="Shorten the names, or declare the program longPathAware and say that LongPathsEnabled is needed.",
    source="facts/nt.md section 4.2",
)  # fmt: skip
_rule(
    "PB008", "component-too-long", ERROR, st.STATUS_OBJECT_NAME_INVALID,
    title="a name of over 255 characters",
    why="A component has at most 255 UTF-16 units. Linux takes 255 bytes, so the name is in an archive, an index or a "
    "list, or on a file system that takes more.",
    example="zipfile.ZipFile('a.zip', 'w').writestr('x' * 256, '')",
    fix="Shorten the name.",
    source="facts/nt.md section 4.2",
)  # fmt: skip
_rule(
    "PB009", "open-without-sharing", ERROR, st.STATUS_SHARING_VIOLATION,
    title="an open of a file that somebody holds without sharing it",
    why="An open succeeds only if every other open of the file shares what it asks for, and it shares what they do.",
    example="f = tempfile.NamedTemporaryFile(); open(f.name)",
    fix="Close the file first, share more, or try again after a moment.",
    source="facts/nt.md section 3.4",
)  # fmt: skip
_rule(
    "PB010", "delete-of-open-file", ERROR, st.STATUS_SHARING_VIOLATION,
    title="a file deleted while it is open",
    why="Whoever opened it has not shared DELETE, so DeleteFileW fails; most runtimes never share it.",
    example='f = open("x"); os.unlink("x")',
    fix="Close the file first: in Python by `with open(...)`, in a test before its cleanup.",
    source="facts/nt.md sections 3.4 and 3.5",
)  # fmt: skip
_rule(
    "PB011", "rename-of-open-file", ERROR, st.STATUS_SHARING_VIOLATION,
    title="a file renamed while it is open",
    why="To rename a file Windows opens it for DELETE, which whoever opened it has not shared.",
    example='f = open("x"); os.replace("x", "y")',
    fix="Close the file first.",
    source="facts/nt.md sections 3.4 and 3.6",
)  # fmt: skip
_rule(
    "PB012", "rename-over-open-file", ERROR, st.STATUS_ACCESS_DENIED, st.STATUS_SHARING_VIOLATION,
    title="a file replaced by a rename while it is open",
    why="MoveFileExW replaces no file that anybody has open.",
    example='f = open("config"); os.replace("config.new", "config")',
    fix="Close every handle to the target first, or try again after a moment when somebody else holds it.",
    source="facts/nt.md section 3.6",
)  # fmt: skip
_rule(
    "PB013", "rename-of-directory-in-use", ERROR, st.STATUS_ACCESS_DENIED, st.STATUS_SHARING_VIOLATION,
    title="a directory renamed while something below it is open, or it is a working directory",
    why="A directory keeps its name as long as anything below it is open; a working directory is an open directory.",
    example='f = open("d/x"); os.rename("d", "e")',
    fix="Close what is open below it, and leave it with every process that works in it.",
    source="facts/nt.md section 3.6",
)  # fmt: skip
_rule(
    "PB014", "removal-of-directory-in-use", ERROR, st.STATUS_SHARING_VIOLATION, st.STATUS_DIRECTORY_NOT_EMPTY,
    title="a directory removed while it is open, or it is a working directory",
    why="RemoveDirectoryW needs DELETE, which a working directory does not share, though an open listing does; what is "
    "deleted but still open keeps its directory from being empty.",
    example='os.chdir("d"); os.rmdir("../d")',
    fix="Leave the directory, and close what is open in it, before it is removed.",
    source="facts/nt.md section 3.5",
)  # fmt: skip
_rule(
    "PB015", "name-of-deleted-file-used-again", WARNING, st.STATUS_DELETE_PENDING,
    title="a name used again while its deleted file is still open",
    why="The name is free when the last handle closes. Since Windows 10 1809 DeleteFileW frees it at once on NTFS; "
    "older systems, other volumes and other ways of deleting do not.",
    example='fs.openSync("x"); fs.unlinkSync("x"); fs.writeFileSync("x", "")',
    fix="Close the file before its name is used again, or use another name.",
    source="facts/nt.md section 3.5",
)  # fmt: skip
_rule(
    "PB016", "change-of-mapped-file", ERROR,
    st.STATUS_USER_MAPPED_FILE, st.STATUS_CANNOT_DELETE, st.STATUS_SHARING_VIOLATION, st.STATUS_ACCESS_DENIED,
    title="a file changed that is mapped or runs as a program",
    why="A section keeps its file from being cut or deleted, and a running program from being written.",
    example='m = mmap.mmap(f.fileno(), 0); os.truncate("x", 0)',
    fix="Unmap the file first; put a new program beside the running one and swap them when it has ended.",
    source="facts/nt.md section 3.9",
)  # fmt: skip
_rule(
    "PB017", "read-only-file", ERROR, st.STATUS_CANNOT_DELETE, st.STATUS_ACCESS_DENIED,
    title="a read-only file deleted, replaced or written",
    why="Where nobody has write permission by mode, Windows has the attribute READONLY: it keeps the file from being "
    "deleted too, whoever may write its directory. Writing one is a warning: only root can on Linux.",
    example='os.chmod("x", 0o444); os.unlink("x")',
    fix="Give the file write permission first: os.chmod(path, stat.S_IWRITE).",
    source="facts/nt.md section 3.7",
)  # fmt: skip
_rule(
    "PB018", "byte-range-lock", ERROR, st.STATUS_FILE_LOCK_CONFLICT,
    title="plain reading or writing where somebody has a lock",
    why="Locks of Windows are mandatory: whoever reads or writes in the range through another handle fails.",
    example='fcntl.lockf(f, fcntl.LOCK_EX); open("x").read()',
    fix="Lock a file of its own, or a byte far behind the data.",
    source="facts/nt.md section 3.8",
)  # fmt: skip
_rule(
    "PB019", "symlink-needs-privilege", WARNING, st.STATUS_PRIVILEGE_NOT_HELD,
    title="a symbolic link made without the privilege for it",
    why="Only administrators, and users in developer mode, make symbolic links.",
    example='os.symlink("target", "link")',
    fix="Copy instead, or fall back to a copy when the link is refused.",
    source="facts/nt.md section 3.9",
)  # fmt: skip
_rule(
    "PB020", "hard-link-limit", WARNING, st.STATUS_TOO_MANY_LINKS,
    title="more hard links than a file of NTFS can have",
    why="A file has at most 1,024 names.",
    example='for i in range(2000): os.link("x", f"x{i}")',
    fix="Copy the file once it has many names.",
    source="facts/nt.md section 3.6",
)  # fmt: skip
_rule(
    "PB021", "posix-only", WARNING, st.STATUS_NOT_SUPPORTED, st.STATUS_SUCCESS,
    title="something that only POSIX has, on a drive",
    why="There are no named pipes or sockets among files, no owners by number, and of a mode only "
    "the permission to write.",
    example='os.mkfifo("pipe")',
    fix="Use what both have: a TCP socket on loopback, an anonymous pipe; test permissions on Linux only.",
    source="facts/nt.md section 3.7",
)  # fmt: skip
_rule(
    "PB022", "fork-without-exec", NOTE, st.STATUS_NOT_SUPPORTED,
    title="a process forked to go on with the same program",
    why="Windows has no fork.",
    example="os.fork()",
    fix="Start a program of its own, or a thread; multiprocessing with the method spawn.",
    source="facts/wsl1.md section 2",
)  # fmt: skip
_rule(
    "PB023", "signal-that-windows-lacks", NOTE, st.STATUS_NOT_SUPPORTED,
    title="a signal that Windows lacks",
    why="A C runtime of Windows has SIGABRT, SIGFPE, SIGILL, SIGINT, SIGSEGV and SIGTERM, and none can be sent "
    "to another process but by ending it.",
    example="os.kill(pid, signal.SIGUSR1)",
    fix="Tell the other process by a pipe, a socket or an event.",
    source="facts/nt.md section 6",
)  # fmt: skip
_rule(
    "PB024", "temporary-directory-in-use", ERROR, st.STATUS_SHARING_VIOLATION,
    title="a file left open in a temporary directory that is removed",
    why="The file cannot be deleted, so the directory stays: the cleanup fails, often after the test that caused it.",
    example="d = tempfile.TemporaryDirectory(); f = open(d.name + '/x', 'w'); d.cleanup()",
    fix="Close every file before the directory is cleaned up; release databases, loggers and mappings as well.",
    source="facts/nt.md sections 3.4 and 3.5",
)  # fmt: skip
_rule(
    "PB025", "time-stamp-too-fine", NOTE, st.STATUS_SUCCESS,
    title="a time stamp finer than the volume keeps",
    why="NTFS keeps times in steps of 100 nanoseconds: what is read back differs from what was set.",
    example='os.utime("x", ns=(1, 1)); os.stat("x").st_mtime_ns == 1',
    fix="Compare times with a tolerance, or cut them to 100 nanoseconds first.",
    source="facts/nt.md section 3.10",
)  # fmt: skip
_rule(
    "PB026", "rename-over-directory", ERROR, st.STATUS_ACCESS_DENIED,
    title="an empty directory replaced by a rename",
    why="MoveFileExW replaces no directory, not even an empty one.",
    example='os.mkdir("new"); os.mkdir("old"); os.rename("new", "old")',
    fix="Remove the target first.",
    source="facts/nt.md section 3.6",
)  # fmt: skip
