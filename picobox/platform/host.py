"""What /proc tells about a host process, for every platform."""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from errno import ENOTDIR, EPERM
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from picobox.platform.base import Descriptor, HostTid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.platform.guest_mounts import GuestMounts


def descriptors(tid: HostTid) -> list[int]:
    """The open descriptors of a task, ascending; empty if it has gone."""
    try:
        return sorted(int(name) for name in os.listdir(f"/proc/{tid}/fd"))
    except OSError:
        return []


def open_files(tid: HostTid, known: Sequence[int]) -> list[int]:
    """The descriptors of a task that stand for regular files or directories, without those that are known."""
    from picobox._native._core import ffi, lib

    limit = 64
    while True:
        fds = ffi.new("int32_t[]", limit)
        count = lib.pb_open_files(tid, sorted(known), len(known), fds, limit)
        if count < limit:
            return list(fds[0:count]) if count > 0 else []
        limit *= 4


def is_open_file(tid: HostTid, fd: int) -> bool:
    """Whether a descriptor of a task stands for a regular file or a directory."""
    found = held_status(tid, fd)
    return found is not None and (stat.S_ISREG(found.mode) or stat.S_ISDIR(found.mode))


class Held(NamedTuple):
    """What a descriptor stands for: device and inode, size in bytes, mode, number of names."""

    device: int
    inode: int
    size: int
    mode: int
    links: int


def held_status(tid: HostTid, fd: int) -> Held | None:
    """What a descriptor of a task stands for, for which nobody is asked who serves the file; None if it is not open."""
    from picobox._native._core import ffi, lib

    held = ffi.new("struct pb_held *")
    if lib.pb_held_status(tid, fd, held):
        return None
    return Held(held.device, held.inode, held.size, held.mode, held.links)


def place_of_held(tid: HostTid, fd: int) -> bytes | None:
    """Where a file lies that a descriptor of a task stands for, in the kernel's words; None if it is not open."""
    try:
        return os.readlink(b"/proc/%d/fd/%d" % (tid, fd))
    except OSError:
        return None


def describe(tid: HostTid, fd: int) -> Descriptor | None:
    """What a descriptor of a task refers to; None if it is not open."""
    found = held_status(tid, fd)
    try:
        with open(f"/proc/{tid}/fdinfo/{fd}", "rb") as info:
            flags = next(int(line.split()[1], 8) for line in info if line.startswith(b"flags:"))
    except (OSError, StopIteration):
        return None
    return None if found is None else Descriptor(found.device, found.inode, found.mode, flags)


class Position(NamedTuple):
    """Where an open file stands, in bytes, with its size and open flags."""

    position: int
    size: int
    flags: int


def position_of(tid: HostTid, fd: int) -> Position | None:
    """Where a descriptor of a task reads and writes next; None if it is not open."""
    found = held_status(tid, fd)
    try:
        with open(f"/proc/{tid}/fdinfo/{fd}", "rb") as info:
            fields = dict(line.split(b":\t", 1) for line in info if line.startswith((b"pos:", b"flags:")))
    except OSError:
        return None
    return None if found is None else Position(int(fields[b"pos"]), found.size, int(fields[b"flags"], 8))


def thread_group(tid: HostTid) -> tuple[int, int]:
    """Thread group id and parent's pid of a task (proc(5), status); zeros if it has gone."""
    found = {b"Tgid": 0, b"PPid": 0}
    try:
        with open(f"/proc/{tid}/status", "rb") as status:
            for line in status:
                name, _, value = line.partition(b":")
                if name in found:
                    found[name] = int(value)
    except OSError:
        return 0, 0
    return found[b"Tgid"], found[b"PPid"]


def umask_of(tid: HostTid) -> int:
    """The file mode creation mask of a task (proc(5), Umask). OSError if it has gone."""
    with open(f"/proc/{tid}/status", "rb") as status:
        return next((int(line.split()[1], 8) for line in status if line.startswith(b"Umask:")), 0)


class Command(NamedTuple):
    """The process of a task: its pid, the last part of its program's path, its command line."""

    pid: int
    name: bytes
    arguments: tuple[bytes, ...]


def command_of(tid: HostTid) -> Command:
    """What a task runs; empty as far as that cannot be seen."""
    pid, _ = thread_group(tid)
    name, arguments = b"", b""
    with suppress(OSError):
        name = os.path.basename(os.readlink(b"/proc/%d/exe" % tid))
        with open(f"/proc/{tid}/cmdline", "rb") as command:
            arguments = command.read(_MOST_ARGUMENTS)
    return Command(pid, name, tuple(arguments.rstrip(b"\0").split(b"\0")) if arguments else ())


def started_at(tid: HostTid) -> float:
    """When a process began, in seconds since the epoch; 0 if it has gone (proc(5), /proc/PID/stat)."""
    try:
        with open(f"/proc/{tid}/stat", "rb") as numbers:
            ticks = int(numbers.read().rpartition(b")")[2].split()[19])
    except OSError:
        return 0.0
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


_MOST_ARGUMENTS = 4096  # bytes of a command line that are told
AT_FDCWD = -100
# What leads every process to something of its own (proc(5), fd(4)).
_OWN_LINKS = re.compile(rb"/+(?:proc/+(self|thread-self)(?=/)|dev/+(?:(fd)(?=/)|(stdin|stdout|stderr)\Z))")
_PROC = re.compile(rb"/+proc(?:/|\Z)")
# How all of these begin.
_OF_PROCESSES = (b"proc", b"dev/fd", b"dev/std", b"dev//")
_STANDARD = {b"stdin": 0, b"stdout": 1, b"stderr": 2}
_LONGEST_COMMAND = 1 << 16
_MOST_LINKS = 40  # path_resolution(7)


def own_tid() -> HostTid:
    """This process, as one whose paths are looked up."""
    return HostTid(os.getpid())


def parent_tid() -> HostTid:
    """The process that has started this one."""
    return HostTid(os.getppid())


def own_ids() -> tuple[int, int]:
    """Effective user and group of this process."""
    return os.geteuid(), os.getegid()


class _Processes:
    """Which processes guests see in /proc: ours, or those of a namespace of their own."""

    are_others = False


def guests_see_other_processes() -> None:
    """From now on /proc of the guests is not ours, for good."""
    _Processes.are_others = True


def processes_are_others() -> bool:
    """Whether guests see other processes in /proc than we."""
    return _Processes.are_others


def number_of(tid: HostTid) -> int:
    """The number by which guests know a task; its own if it has gone (proc(5), NSpid)."""
    if _Processes.are_others:
        with suppress(OSError, StopIteration), open(f"/proc/{tid}/status", "rb") as status:
            return int(next(line for line in status if line.startswith(b"NSpid:")).split()[-1])
    return tid


def as_ours(tid: HostTid, path: bytes) -> bytes:
    """An absolute path of a task, so written that its links to what is its own are no links to what is ours."""
    if not path.lstrip(b"/").startswith(_OF_PROCESSES):
        return path
    found = _OWN_LINKS.match(path)
    if found is None:
        if _Processes.are_others and _PROC.match(path):
            return b"/proc/%d/root" % tid + path
        return path
    process, descriptors, standard = found.groups()
    if standard is not None:
        return b"/proc/%d/fd/%d" % (tid, _STANDARD[standard])
    if descriptors is not None:
        own = b"/proc/%d/fd" % tid
    else:
        own = b"/proc/%d" % tid if process == b"self" else b"/proc/%d/task/%d" % (tid, tid)
    return own + path[found.end() :]


def leads_to_own(path: bytes) -> bool:
    """Whether an absolute path leads each process to something of its own."""
    return path.lstrip(b"/").startswith(_OF_PROCESSES) and _OWN_LINKS.match(path) is not None


def path_of(tid: HostTid, dirfd: int, path: bytes) -> bytes:
    """A path of a task, its root being ours, as a path of this process."""
    if path.startswith(b"/"):
        return as_ours(tid, path)
    return (b"/proc/%d/cwd/" % tid if dirfd == AT_FDCWD else b"/proc/%d/fd/%d/" % (tid, dirfd)) + path


def directory_of(tid: HostTid, dirfd: int) -> bytes:
    """Where a task's relative paths begin, as the host knows that directory without links. Raises OSError."""
    return os.readlink(b"/proc/%d/cwd" % tid if dirfd == AT_FDCWD else b"/proc/%d/fd/%d" % (tid, dirfd))


def ways_to(path: bytes) -> tuple[bytes, bytes, bytes]:
    """A path of this process as it is spelled, absolute by its text alone, and without links as far as it is there."""
    return path, os.path.abspath(path), os.path.realpath(path)


def located(path: bytes) -> bytes:
    """Where what a path of ours leads to lies, as the host knows that without links. Raises OSError."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return os.readlink(b"/proc/self/fd/%d" % fd)
    finally:
        os.close(fd)


def full_path(tid: HostTid, dirfd: int, path: bytes) -> bytes:
    """A path of a task made absolute by its text alone, as Win32 does it. Raises OSError."""
    start = b"/" if path.startswith(b"/") else directory_of(tid, dirfd)
    if not start.startswith(b"/"):
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
    return os.path.normpath(os.path.join(start, path.lstrip(b"/") if start == b"/" else path))


def executable_name(tid: HostTid) -> str:
    """The last part of the path of what a task runs; "" if that cannot be seen."""
    try:
        return os.path.basename(os.readlink(f"/proc/{tid}/exe")).removesuffix(" (deleted)")
    except OSError:
        return ""


def command_line(tid: HostTid) -> list[bytes]:
    """The first words of a task's command line."""
    try:
        with open(f"/proc/{tid}/cmdline", "rb") as words:
            return words.read(_LONGEST_COMMAND).split(b"\0")[:-1]
    except OSError:
        return []


def file_of_task(tid: HostTid, path: bytes) -> bytes | None:
    """A path of a task made absolute, if it leads to a regular file."""
    try:
        found = os.path.normpath(os.path.join(os.readlink(b"/proc/%d/cwd" % tid), path))
    except OSError:
        return None
    return found if os.path.isfile(b"/proc/%d/root" % tid + found) else None


def without_dots(path: bytes) -> bytes:
    """A path with each `name/..` and `.` taken away by its text alone; what it ends in stays a separator."""
    plain = os.path.normpath(path)
    return plain + b"/" if path.endswith((b"/", b"/..")) and not plain.endswith(b"/") else plain


def existing_part(path: bytes) -> bytes:
    """What a path of ours leads to, as far as it is there, without links.

    The kernel walks the path: what a guest can make of links is no limit that the kernel does not have.
    """
    links = _MOST_LINKS
    while path.strip(b"/"):
        with suppress(OSError):
            return located(path)
        head, name = os.path.split(path.rstrip(b"/"))
        path = head
        if links and name not in (b".", b".."):
            with suppress(OSError):
                path = os.path.join(head, os.readlink(os.path.join(head, name)))
                links -= 1
    return b"/"


def is_file(path: bytes) -> bool:
    """Whether a path of ours leads to something that is no directory."""
    return os.path.exists(path) and not os.path.isdir(path)


def executable_head(tid: HostTid, dirfd: int, path: bytes) -> bytes:
    """The first bytes of a file as the task would execute it; empty if that fails (execve then tells)."""
    if path.startswith(b"/"):
        start = f"/proc/{tid}/root"
    else:
        start = f"/proc/{tid}/cwd/" if dirfd == AT_FDCWD else f"/proc/{tid}/fd/{dirfd}" + ("/" if path else "")
    return _read_head(start.encode() + path)


def _read_head(path: bytes) -> bytes:
    """The first 256 bytes of a regular file (the kernel looks at as many, BINPRM_BUF_SIZE); empty if unreadable."""
    try:
        # O_NONBLOCK: a FIFO must not hold us; O_NOCTTY: neither must a terminal adopt us.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 256)
    except OSError:
        return b""
    finally:
        os.close(fd)


@cache
def initial_environment() -> tuple[bytes, ...]:
    """The environment this process was started with; Python adds to its own (PEP 538 sets LC_CTYPE).

    Read once: later this process may not be looked into, not even as a file by itself.
    """
    with open("/proc/self/environ", "rb") as block:
        return tuple(entry for entry in block.read().split(b"\0") if entry)


def is_inside() -> bool:
    """Whether this process is itself a guest, as far as its environment tells."""
    return os.environ.get("PICOBOX") == "1"


def refusal(stage: str, error: int) -> str:
    """Why a program could not be started at all: cause and remedy of a failed stage, in one line."""
    if is_inside():
        return f"{stage} failed: {os.strerror(error)}: there is a picobox around this one; leave it first"
    if stage == "ptrace" and error == EPERM:
        return f"ptrace is forbidden here ({ptrace_obstacle()}); `picobox doctor` tells what to change"
    return f"{stage} failed: {os.strerror(error)}; `picobox doctor` tells what this machine allows"


def ptrace_obstacle() -> str:
    """The likeliest reason for a refused ptrace, in a few words."""
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", "rb") as scope:
            value = scope.read().strip().decode()
    except OSError:
        return "a container's seccomp profile or missing SYS_PTRACE"
    if value in ("2", "3"):
        return f"kernel.yama.ptrace_scope is {value}"
    return "a container's seccomp profile or missing SYS_PTRACE"


# Where the kernel makes names up: nothing is folded there.
PSEUDO_FILE_SYSTEMS = frozenset(
    (
        b"proc", b"sysfs", b"cgroup", b"cgroup2", b"debugfs", b"tracefs", b"securityfs", b"selinuxfs", b"smackfs",
        b"pstore", b"efivarfs", b"bpf", b"devpts", b"devtmpfs", b"nsfs", b"binfmt_misc", b"autofs", b"resctrl",
        b"configfs", b"mqueue", b"fusectl", b"hugetlbfs", b"fuse.picobox-nt",
    )
)  # fmt: skip

_WHOLE_TABLE = 64 << 10


@cache
def _from_task() -> re.Pattern[bytes]:
    """Where relative paths of guests begin. Few runs need it, and it takes longer than all the rest of this module."""
    return re.compile(rb"(/proc/\d+/(?:cwd|fd/\d+))(?:/|$)")


class PseudoDevices:
    """Knows the devices of pseudo file systems, and asks what is mounted when it meets a new one."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        # A directory of guests whose names this process must not look up: its answer is what the kernel would wait for.
        self.served: bytes | None = None
        # Others of that kind, which guests mount while they run.
        self.guest_mounts: GuestMounts | None = None

    def is_served(self, ours: bytes) -> bool:
        """Whether a path of ours for one of a guest's leads there. Nobody is asked for that."""
        if self.guest_mounts is not None and self.guest_mounts.lead(ours):
            return True
        if self.served is None:
            return False
        found = _from_task().match(ours)
        if found is not None:
            try:
                ours = os.readlink(found[1]) + b"/" + ours[found.end() :]
            except OSError:
                return False
        return (os.path.normpath(ours) + b"/").lstrip(b"/").startswith(self.served.lstrip(b"/") + b"/")

    def forget(self) -> None:
        """Something may be mounted, or a mount be taken away: another may get the number of its device."""
        self._known.clear()

    def includes(self, device: int, tid: HostTid) -> bool:
        """Whether the kernel makes up what a task sees on a device."""
        return self._kind(device, tid) in PSEUDO_FILE_SYSTEMS

    def copies_up(self, device: int, tid: HostTid) -> bool:
        """Whether files on a device may be copied when they are first changed, as overlayfs does it."""
        return self._kind(device, tid) == b"overlay"

    def _kind(self, device: int, tid: HostTid) -> bytes:
        if device not in self._known:
            # Behind walls a task has its own /proc, and what paths of ours lead to is on that which we have.
            self._known |= _mounted_devices("self") | _mounted_devices(tid)
            # A file system with several devices is listed with one of them.
            self._known.setdefault(device, b"")
        return self._known[device]


def _mounted_devices(tid: HostTid | str) -> dict[int, bytes]:
    """The devices of what is mounted for a task, and what kind of file system each has (proc(5), mountinfo)."""
    kinds: dict[bytes, bytes] = {}
    with open(f"/proc/{tid}/mountinfo", "rb", buffering=_WHOLE_TABLE) as mounts:
        for line in mounts:
            fields, _, tail = line.partition(b" - ")
            device = fields.split(b" ", 3)[2]
            kinds[device] = tail.partition(b" ")[0]
    found = {}
    for device, kind in kinds.items():
        major, minor = device.split(b":")
        found[os.makedev(int(major), int(minor))] = kind
    return found


def shares_root(tid: HostTid) -> bool:
    """Whether a task has our root and our mounts."""
    try:
        if os.readlink(f"/proc/{tid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"):
            return False
        return os.path.samestat(os.stat("/"), os.stat(f"/proc/{tid}/root/"))
    except OSError:
        return False
