"""Tells whether guests could have a /proc of their own, before this process has entered namespaces for good."""

from __future__ import annotations

import os

_NEWNS, _NEWUSER = 0x20000, 0x10000000  # linux/sched.h
_DESCRIPTORS = ("tid", "pid_namespace", "mount_namespace", "proc", "life", "ready")
# The mount point of binfmt_misc is empty for good: what is mounted there hides nothing.
_ALWAYS_THERE = b" /proc/sys/fs/binfmt_misc "


def why_refused(kinds: int = _NEWNS) -> str:
    """Why a new procfs is refused in a run's namespaces, `kinds`; empty if it is not.

    Where a container covers parts of /proc, a user namespace gets no other that would show them (user_namespaces(7);
    the kernel's mount_too_revealing).
    """
    with open("/proc/self/mountinfo", "rb") as mounts:
        covered = any(b" /proc/" in line and _ALWAYS_THERE not in line for line in mounts)
    if not covered or _can_be_mounted((kinds, kinds | _NEWUSER)):
        return ""
    return "parts of /proc are covered, so that there can be no other"


def _can_be_mounted(kinds: tuple[int, ...]) -> bool:
    """Whether a child can, in the first of these sets of namespaces that it may enter."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = int(not _mounts(kinds))
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def _mounts(kinds: tuple[int, ...]) -> bool:
    from picobox._native._core import ffi, lib

    if all(lib.pb_enter_namespaces(each) for each in kinds):
        return False
    init = ffi.new("struct pb_init *", dict.fromkeys(_DESCRIPTORS, -1))
    return lib.pb_init_start(b"\0", 1, -1, init) == 0 and lib.pb_init_await(init) == 0
