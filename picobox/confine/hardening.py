"""What this process gives up itself once guests run behind walls: whoever takes it over must not get the machine."""

from __future__ import annotations

import struct
from errno import EPERM

from picobox._native._core import lib
from picobox.abi.x86_64 import AUDIT_ARCH_X86_64, SYSCALL_LIMIT
from picobox.confine.mounting import check

# A supervisor reads memory, stops tasks, looks files up and writes its own. It starts no program, and changes neither
# the tree nor namespaces nor the machine any more.
REFUSED = (
    "acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime", "delete_module", "execve",
    "execveat", "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load",
    "keyctl", "modify_ldt", "mount", "mount_setattr", "move_mount", "open_by_handle_at", "open_tree", "open_tree_attr",
    "perf_event_open", "pivot_root", "quotactl", "quotactl_fd", "reboot", "request_key", "setdomainname", "setgid",
    "setgroups", "sethostname", "setns", "setregid", "setresgid", "setresuid", "setreuid", "settimeofday", "setuid",
    "swapoff", "swapon", "syslog", "umount2", "unshare", "userfaultfd", "vhangup",
)  # fmt: skip
# linux/seccomp.h, linux/bpf_common.h
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_LOAD, _IS, _IS_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_instruction = struct.Struct("<HBBI")


def harden(program: bytes | None = None) -> None:
    """Gives it up, in every thread and for good. The guests that run already keep to what they were given.

    `program`: the filter, if it has been compiled already.
    """
    if program is None:
        program = compile_hardening()
    check(lib.pb_harden(program, len(program) // _instruction.size), "a filter for the supervisor")


def compile_hardening() -> bytes:
    """The filter: all but the refused numbers of x86-64 are allowed."""
    from picobox.abi.table import BY_NAME

    numbers = sorted(BY_NAME[name].nr for name in REFUSED)
    count = len(numbers)
    program = [
        (_LOAD, 0, 0, 4),
        (_IS, 1, 0, AUDIT_ARCH_X86_64),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, 0),
        # x32 and numbers that nobody has yet.
        (_IS_AT_LEAST, count + 1, 0, SYSCALL_LIMIT),
        *((_IS, count - place, 0, nr) for place, nr in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | EPERM),
    ]
    return b"".join(_instruction.pack(*instruction) for instruction in program)
