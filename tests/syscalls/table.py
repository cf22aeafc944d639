"""Owns the table of calls that take a path: what calls.c names them, and what of them differs under nt by design."""

from __future__ import annotations

# Calls without a directory's descriptor.
PLAIN = (
    "open", "open_nofollow", "open_path", "getdents", "getdents64", "open_creat", "open_trunc", "open_creat_trunc",
    "open_excl", "open_tmpfile", "creat", "stat", "lstat", "access", "readlink", "chdir", "fchdir", "rename_from",
    "rename_to", "link_from", "link_to", "symlink", "unlink", "rmdir", "mkdir", "mknod", "truncate", "chmod", "chown",
    "lchown", "utime", "utimes", "setxattr", "lsetxattr", "getxattr", "lgetxattr", "listxattr", "llistxattr",
    "removexattr", "lremovexattr", "statfs", "execve", "bind", "connect", "connect_datagram", "sendto", "sendmsg",
    "inotify_add_watch", "inotify_add_watch_nofollow", "swapon", "swapoff", "mount", "umount2", "chroot",
)  # fmt: skip
# Calls relative to a directory's descriptor, without flags.
RELATIVE = (
    "openat", "openat_creat", "openat2", "openat2_creat", "openat2_beneath", "openat2_no_links", "openat2_in_root",
    "faccessat", "readlinkat", "renameat_from", "renameat_to", "renameat2_from", "renameat2_to", "renameat2_noreplace",
    "renameat2_exchange", "linkat_to", "symlinkat", "unlinkat", "unlinkat_directory", "mkdirat", "mknodat", "fchmodat",
    "futimesat", "fanotify_mark", "fanotify_mark_nofollow",
)  # fmt: skip
# The same with flags of AT_*.
FLAGGED = (
    "newfstatat", "statx", "faccessat2", "linkat_from", "fchmodat2", "fchownat", "utimensat", "setxattrat",
    "getxattrat", "listxattrat", "removexattrat", "execveat", "name_to_handle_at", "open_by_handle_at",
)  # fmt: skip
CALLS = PLAIN + RELATIVE + FLAGGED

# What changes the machine is not done by names that are not the machine's.
REFUSED = frozenset(("swapon", "swapoff"))
# The new spelling is stored in place of the old one (design section 6).
RESPELLING = frozenset(("rename_to", "renameat_to", "renameat2_to"))
