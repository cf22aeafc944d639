"""Which calls the test of bad pointers makes, and with what in the arguments that are not bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.abi import types
from picobox.abi.table import ROWS

if TYPE_CHECKING:
    from picobox.abi.row import Row

# Calls that would end, stop or change the machine, or the test itself; root may make them all.
EXCLUDED = {
    "reboot": "ends the machine",
    "kexec_load": "replaces the kernel",
    "kexec_file_load": "replaces the kernel",
    "init_module": "loads code into the kernel",
    "finit_module": "loads code into the kernel",
    "delete_module": "takes code out of the kernel",
    "bpf": "loads code into the kernel",
    "swapon": "changes the machine's memory",
    "swapoff": "changes the machine's memory",
    "acct": "turns the machine's accounting off",
    "syslog": "changes the kernel's log",
    "iopl": "opens the machine's ports",
    "ioperm": "opens the machine's ports",
    "settimeofday": "sets the machine's clock",
    "clock_settime": "sets the machine's clock",
    "sethostname": "renames the machine",
    "setdomainname": "renames the machine",
    "quotactl": "changes quotas",
    "quotactl_fd": "changes quotas",
    "mount": "changes the file tree",
    "umount2": "changes the file tree",
    "pivot_root": "changes the file tree",
    "chroot": "changes the file tree",
    "open_tree": "changes the file tree",
    "open_tree_attr": "changes the file tree",
    "move_mount": "changes the file tree",
    "fsopen": "changes the file tree",
    "fsconfig": "changes the file tree",
    "fsmount": "changes the file tree",
    "fspick": "changes the file tree",
    "mount_setattr": "changes the file tree",
    "unshare": "gives new namespaces",
    "setns": "gives other namespaces",
}

# Arguments that keep their value, since a bad one reaches what is not ours.
FIXED = {
    ("kill", "pid"): "-1 means everybody",
    ("prlimit64", "pid"): "1 is the machine's init, which would get the limit",
    ("shmget", "key"): "0 makes a segment that outlives the test",
    ("shmget", "shmflg"): "-1 makes a segment that outlives the test",
    ("semget", "key"): "0 makes semaphores that outlive the test",
    ("semget", "semflg"): "-1 makes semaphores that outlive the test",
    ("msgget", "key"): "0 makes a queue that outlives the test",
    ("msgget", "msgflg"): "-1 makes a queue that outlives the test",
    ("msgsnd", "msqid"): "0 may be somebody's queue",
    ("msgrcv", "msqid"): "0 may be somebody's queue",
    ("semop", "semid"): "0 may be somebody's semaphores",
    ("semtimedop", "semid"): "0 may be somebody's semaphores",
}

# System V ids and keys that nobody has.
_NO_KEY = "0x7fff1234"
_IPC_STAT = "2"

# Where the value that a type suggests would not bring the call as far as its pointers. Letters: bad_pointers.c.
VALUES = {
    "mmap": {"addr": "0", "flags": "0x22", "prot": "3"},
    "shmget": {"key": _NO_KEY},
    "semget": {"key": _NO_KEY},
    "msgget": {"key": _NO_KEY},
    "shmat": {"shmid": _NO_KEY},
    "shmctl": {"shmid": _NO_KEY, "cmd": _IPC_STAT},
    "semctl": {"semid": _NO_KEY, "cmd": _IPC_STAT},
    "msgctl": {"msqid": _NO_KEY, "cmd": _IPC_STAT},
    "semop": {"semid": _NO_KEY},
    "semtimedop": {"semid": _NO_KEY},
    "msgsnd": {"msqid": _NO_KEY, "msgflg": "0x800"},
    "msgrcv": {"msqid": _NO_KEY, "msgflg": "0x800"},
    "ioctl": {"fd": "r", "request": "0x541b", "argp": "B"},  # FIONREAD
    "sendfile": {"out_fd": "m", "in_fd": "m"},
    "socketpair": {"domain": "1", "type": "1"},
    "sendto": {"addrlen": "0"},
    "setsockopt": {"level": "1", "optname": "2", "optlen": "4"},
    "getsockopt": {"level": "1", "optname": "4"},
    "clone": {"stack": "0"},
    "clone3": {"size": "64"},
    "execve": {"pathname": "X"},
    "execveat": {"pathname": "X"},
    "fcntl": {"cmd": "5", "arg": "B"},  # F_GETLK
    "getdents": {"fd": "d", "count": "512"},
    "getdents64": {"fd": "d", "count": "512"},
    "fchdir": {"fd": "d"},
    "prctl": {"option": "15", "arg2": "B"},  # PR_SET_NAME
    "arch_prctl": {"code": "0x1003", "addr": "B"},  # ARCH_GET_FS
    "rt_sigaction": {"signum": "10"},
    "futex": {"val": "1", "timeout": "B", "uaddr": "B", "uaddr2": "B"},
    "futex_wait": {"val": "1", "mask": "1", "flags": "2", "clockid": "1", "uaddr": "B"},
    "futex_wake": {"mask": "1", "flags": "2", "uaddr": "B"},
    "timer_create": {"sevp": "0"},
    "epoll_wait": {"epfd": "e", "maxevents": "1"},
    "epoll_pwait": {"epfd": "e", "maxevents": "1"},
    "epoll_pwait2": {"epfd": "e", "maxevents": "1"},
    "epoll_ctl": {"epfd": "e", "op": "1", "fd": "r"},
    "inotify_add_watch": {"fd": "i", "mask": "2"},
    "inotify_rm_watch": {"fd": "i"},
    "timerfd_settime": {"fd": "t"},
    "timerfd_gettime": {"fd": "t"},
    "signalfd": {"fd": "-1"},
    "signalfd4": {"fd": "-1"},
    "splice": {"fd_in": "r", "fd_out": "w", "off_in": "0", "off_out": "0"},
    "tee": {"fd_in": "r", "fd_out": "w"},
    "vmsplice": {"fd": "w"},
    "fallocate": {"fd": "r"},  # a huge length of a file in memory would take the memory
    "openat2": {"size": "24"},
    "pidfd_send_signal": {"pidfd": "p", "info": "0"},
    "pidfd_getfd": {"pidfd": "p"},
    "process_madvise": {"pidfd": "p"},
    "process_mrelease": {"pidfd": "p"},
    "process_vm_readv": {"pid": "S"},
    "process_vm_writev": {"pid": "S"},
    "move_pages": {"pid": "S", "count": "1"},
    "kcmp": {"pid1": "S", "pid2": "S"},
    "tgkill": {"tgid": "S", "tid": "S"},
    "tkill": {"tid": "S"},
    "rt_sigqueueinfo": {"tgid": "S"},
    "rt_tgsigqueueinfo": {"tgid": "S", "tid": "S"},
    "capget": {"datap": "0"},
    "statmount": {"bufsize": "512"},
    "sched_getattr": {"size": "56"},
    "file_getattr": {"usize": "24"},
    "file_setattr": {"usize": "24"},
}

_COUNTS = ("addrlen", "bufsiz", "cpusetsize", "len", "maxnode", "nfds", "nsops", "optlen", "bytecount", "rseq_len")
_VECTOR_LENGTHS = ("iovcnt", "liovcnt", "riovcnt", "nr_segs", "vlen", "nr_futexes", "nr_events", "nfds", "nsops")


def plausible(row: Row, argument: types.Argument) -> str:
    """What an argument is while another one of its call is bad: a number, or a letter of bad_pointers.c."""
    chosen = VALUES.get(row.name, {}).get(argument.name)
    if chosen is not None:
        return chosen
    match argument:
        case types.UserString():
            return "P"
        case types.UserPointer():
            return "B"
        case types.DirFd():
            return "-100"  # AT_FDCWD
        case types.Fd():
            return "s" if "network" in row.tags else "m"
        case types.Size():
            return "8"
    if argument.name in _VECTOR_LENGTHS:
        return "1"
    return "16" if argument.name in _COUNTS else "0"


def call_lines(rows: tuple[Row, ...] = ROWS) -> list[str]:
    """The table that bad_pointers.c reads: each row that has arguments and is not excluded."""
    lines = []
    for row in rows:
        if row.name in EXCLUDED or not row.args:
            continue
        words = [f"{a.name}{'!' if (row.name, a.name) in FIXED else '='}{plausible(row, a)}" for a in row.args]
        lines.append(" ".join((row.name, str(row.nr), *words)))
    return lines
