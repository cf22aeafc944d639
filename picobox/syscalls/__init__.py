"""Handlers of CALL rows, one module for each family; a function's name is its row's name."""

from __future__ import annotations

# The calls of each family's module, which is imported when the first of them is made.
FAMILIES = {
    "files": ("close", "dup", "dup2", "dup3", "fcntl", "close_range", "unshare"),
    "process": (
        "fork", "vfork", "clone", "clone3", "execve", "execveat", "exit", "exit_group", "prctl", "sched_getaffinity",
        "sched_setaffinity",
    ),
    "names": ("rename", "renameat", "renameat2", "setns", "bind", "connect", "sendto", "sendmsg"),
    "opens": ("open", "openat", "openat2", "creat"),
    "case": (
        "getxattr", "lgetxattr", "fgetxattr", "getxattrat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat",
        "listxattr", "llistxattr", "flistxattr", "listxattrat", "removexattr", "lremovexattr", "fremovexattr",
        "removexattrat", "mkdir", "mkdirat",
    ),
    "credentials": (
        "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups",
        "capset",
    ),
    "debugging": ("ptrace", "landlock_restrict_self"),
    "watches": ("inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_mark"),
}  # fmt: skip
FAMILY_OF = {name: family for family, names in FAMILIES.items() for name in names}
