"""What WSL1 got wrong: profile wsl1 does it right, --faithful brings each fault back (facts/wsl1.md 2.3 to 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL = "all"
LIST = "list"


class Fault(NamedTuple):
    """`obstacle` tells why a supervisor cannot bring the fault back; empty: it can."""

    name: str
    what: str
    obstacle: str = ""


_NOT_THERE = "answered ENOSYS"
FAULTS = (
    Fault("locks", "record locks always succeed and lock nothing; F_GETLK changes nothing; no leases, no OFD locks"),
    Fault("truncate-mapped", "a file that somebody maps cannot be made shorter: EINVAL"),
    Fault("map-locked", "mmap with MAP_LOCKED: EOPNOTSUPP"),
    Fault("map-hint", "a private file mapping at a hinted address whose offset is no multiple of 64 KiB: ENOMEM"),
    Fault("map-growsdown", "mmap with MAP_GROWSDOWN: EOPNOTSUPP"),
    Fault("map-errno", "mmap at a fixed address and mremap: EINVAL where Linux says ENOMEM"),
    Fault("sigbus", "access beyond the end of a mapped file: SIGSEGV instead of SIGBUS"),
    Fault("pagemap", "no /proc/PID/pagemap"),
    Fault("madvise", "unknown advice is accepted"),
    Fault("mlock", "mlock and munlock succeed without a look at range or limit"),
    Fault("mlockall", f"mlockall, munlockall: {_NOT_THERE}"),
    Fault("rlimit-fsize", "RLIMIT_FSIZE is kept and not enforced"),
    Fault("rlimit-as", "RLIMIT_AS is kept and not enforced"),
    Fault("clone-flags", "a new process by clone with CLONE_PARENT_SETTID, or CLONE_VM without CLONE_VFORK: EINVAL"),
    Fault("wait-group", "waits for a process group find no children: ECHILD"),
    Fault("robust-list", "get_robust_list of oneself: ESRCH"),
    Fault("personality", "every personality but Linux's own: ENOSYS"),
    Fault("clock-getres", "no resolution of CPU-time and alarm clocks: EINVAL; a null pointer: EFAULT"),
    Fault("clock-nanosleep", "clock_nanosleep of CLOCK_REALTIME: EINVAL"),
    Fault("cpu-clock", "clocks of CPU time go by 1/64 s"),
    Fault("msg-errqueue", "receiving with MSG_ERRQUEUE: EINVAL"),
    Fault("iovec-count", "a message with too many buffers: EINVAL instead of EMSGSIZE"),
    Fault("siocatmark", "SIOCATMARK on a datagram socket: EINVAL"),
    Fault("raw-sockets", "no packet sockets: EAFNOSUPPORT; raw ones are for ICMP: EPERM"),
    Fault("fstatfs-pipe", "fstatfs of a pipe: EINVAL"),
    Fault("proc-sys", "no /proc/sys/kernel/shmmax, no /proc/sys/fs/protected_*"),
    Fault("pid-max", "/proc/sys/kernel/pid_max cannot be written: EACCES"),
    Fault("proc-missing", "no /proc/vmstat, no /proc/net/unix"),
    Fault("net-tun", "no /dev/net/tun"),
    Fault("fs-flags", "no FS_IOC_SETFLAGS: ENOTTY"),
    Fault("unshare-user", "no user namespaces: unshare answers EINVAL"),
    Fault("affinity", "sched_setaffinity succeeds and does nothing"),
    Fault("rename-open-child", "a directory with an open file below it cannot be renamed: EACCES"),
    Fault("rename-flags", "renameat2 with flags on a drive: EINVAL"),
    Fault("relink", "a new link to a file that is deleted and still open: EACCES instead of ENOENT"),
    Fault("statfs-counts", "statfs of a drive tells 999 files, 1,000,000 of them free"),
    Fault("directory-links", "stat of a directory on a drive tells no links"),
    Fault("times-100ns", "times of files on a drive are multiples of 100 ns"),
    Fault("readdir-dots", "the entries . and .. of a directory on a drive have the inode number 0"),
    Fault("cgroup2", "mount of a cgroup v2 hierarchy: ENODEV"),
    Fault("statx", f"statx of a file on a drive: {_NOT_THERE}"),
    Fault("aio", f"io_setup and its kin: {_NOT_THERE}"),
    Fault("memfd", f"memfd_create: {_NOT_THERE}"),
    Fault("copy-file-range", f"copy_file_range: {_NOT_THERE}"),
    Fault("mincore", f"mincore: {_NOT_THERE}"),
    Fault("mqueue", f"POSIX message queues: {_NOT_THERE}"),
    Fault("msgqueue", f"System V message queues: {_NOT_THERE}"),
    Fault("perf", f"perf_event_open: {_NOT_THERE}"),
    Fault("ldt", f"modify_ldt: {_NOT_THERE}"),
    Fault("numa", f"get_mempolicy and its kin: {_NOT_THERE}"),
    Fault("file-handles", f"name_to_handle_at, open_by_handle_at: {_NOT_THERE}"),
    Fault("keys", f"add_key, request_key: {_NOT_THERE}"),
    Fault("fanotify", f"fanotify: {_NOT_THERE}"),
    Fault("vmsplice", f"vmsplice: {_NOT_THERE}"),
    Fault("syncfs", f"syncfs: {_NOT_THERE}"),
    Fault("readahead", f"readahead: {_NOT_THERE}"),
    Fault("remap-file-pages", f"remap_file_pages: {_NOT_THERE}"),
    Fault("rr-interval", f"sched_rr_get_interval: {_NOT_THERE}"),
    Fault("sigqueueinfo", f"rt_sigqueueinfo, rt_tgsigqueueinfo: {_NOT_THERE}"),
    Fault("preadv", f"preadv, pwritev: {_NOT_THERE}"),
    Fault(
        "etxtbsy",
        "a running program can be opened for writing",
        "the host kernel denies writing to what it executes, whoever asks",
    ),
    Fault("madvise-dontneed", "MADV_DONTNEED: ENOMEM on some areas", "it is not known which areas those were"),
    Fault("clone-vfork-vm", "CLONE_VM with CLONE_VFORK gave a wrong result", "it is not known which result"),
    Fault("ptrace-setregs", "registers that a tracer sets at a call's entry are ignored", "guests cannot trace here"),
    Fault("ptrace-getregs", "registers that a tracer reads are not supported", "guests cannot trace here"),
    Fault(
        "commit",
        "fork and large reservations fail for want of commit",
        "the host kernel accounts memory by rules of its own",
    ),
    Fault("seccomp", "no seccomp filters", "guests have none in any profile"),
)
_KNOWN = {fault.name: fault for fault in FAULTS}


def faults_of(given: Iterable[str]) -> frozenset[str]:
    """The faults that --faithful names, each time a list with commas. PicoboxError for what cannot be brought back."""
    wanted: set[str] = set()
    for name in ",".join(given).split(","):
        if name == ALL:
            wanted.update(fault.name for fault in FAULTS if not fault.obstacle)
            continue
        fault = _KNOWN.get(name)
        if fault is None:
            raise PicoboxError(f"--faithful {name}: there is no such fault; --faithful {LIST} tells them all.")
        if fault.obstacle:
            raise PicoboxError(f"--faithful {name} cannot be had: {fault.obstacle}. Leave it out.")
        wanted.add(name)
    return frozenset(wanted)


def listed() -> str:
    """Every fault, and why some cannot be brought back."""
    width = max(len(fault.name) for fault in FAULTS)
    lines = []
    for fault in FAULTS:
        lines.append(f"{fault.name:<{width}}  {fault.what}\n")
        if fault.obstacle:
            lines.append(f"{'':<{width}}  cannot be brought back: {fault.obstacle}\n")
    return "".join(lines)
