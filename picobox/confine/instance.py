"""Walls around the programs of an instance: its own tree is all that they see; this process stays where it is.

A supervisor whose tree guests write could be given a library or a setting of theirs, so it does not enter it. Paths of
guests mean something else to it, and it looks them up from their root. There is no Landlock: each program would have a
domain of its own, and neither see nor signal the others (landlock(7), Ptrace restrictions).
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.abi.row import WALLS
from picobox.confine.devices import Devices
from picobox.confine.mounting import (
    NO_DEVICES,
    NO_EXEC,
    NO_SET_ID,
    READ_ONLY,
    attach,
    check,
    copied,
    new,
    share_of_memory,
)
from picobox.confine.native import native_walls
from picobox.confine.own_proc import why_refused
from picobox.confine.policy import LOOPBACK, WRITE, FileRule, Policy
from picobox.errors import PlatformError
from picobox.platform import host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.nt_files.process import NtFiles

# linux/sched.h
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_KINDS = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC | _NEWNET
_OF_AN_INIT = ("tid", "pid_namespace", "mount_namespace", "proc", "life", "ready")
_PROC, _SYS, _TMP = b"/proc", b"/sys", b"/tmp"
_GIVEN = NO_SET_ID | NO_DEVICES
_OF_THE_MACHINE = _GIVEN | READ_ONLY | NO_EXEC
# Where the tree stands until the init has it: what is there on the host is not seen meanwhile.
_STAGES = (b"/mnt", b"/tmp", b"/var", b"/home")
_PERCENT_OF_TMP = 30


class InstanceWalls:
    """What keeps the programs of an instance in. This process has one thread when they are made."""

    confines = True
    features = frozenset((WALLS,))

    def __init__(
        self, rootfs: bytes, drives: Mapping[bytes, bytes], host_name: str = "", nt_files: NtFiles | None = None
    ) -> None:
        """`rootfs`: the directory of the host that is the root; `drives`: those that it has, by where they are mounted.

        `host_name`: one of its own, empty: the machine's. `nt_files`: what is to be at /nt. The paths have no links in
        them. PlatformError where the machine forbids it, or one of them is not there.
        """
        self.policy = Policy("instance", (FileRule(b"/", WRITE, "instance"),), network=LOOPBACK, private_tmp=False)
        self._init = ffi.new("struct pb_init *", dict.fromkeys(_OF_AN_INIT, -1))
        self._root = -1
        why = why_refused(_KINDS)
        if why:
            raise _refusal(why)
        error = lib.pb_enter_namespaces(_KINDS)
        if error:
            refused = lib.pb_enter_namespaces(_KINDS | _NEWUSER)
            if refused:
                raise _refusal(os.strerror(-refused))
        self._is_lent = error != 0
        if host_name:
            socket.sethostname(host_name)
        check(lib.pb_loopback_up(), "the loopback interface")
        # Guests have no right of the kernel's to ports below 1024: who may bind these is decided by who they are in the
        # instance. Where the machine does not let it be written, they are refused to all.
        with suppress(OSError):
            Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0", encoding="ascii")
        self._stage = next(path for path in _STAGES if os.path.isdir(path))
        tree = _built(rootfs, drives, self.policy, self._stage)
        try:
            if nt_files is not None:
                _mount(nt_files.mount(), tree, nt_files.place)
            check(lib.pb_init_start(b"\0", 1, tree, self._init), "process namespace")
        finally:
            os.close(tree)

    def raise_up(self) -> None:
        """Has the init of the guests ready for the first of them."""
        check(lib.pb_init_await(self._init), "process namespace")
        # Its mounts are a copy.
        check(lib.pb_unmount(self._stage), "the tree")
        self._root = os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._init.proc)
        if self._is_lent:
            # What comes with a user namespace is more than the user has: our look-ups are made without.
            check(lib.pb_lower_capabilities(), "capabilities")
        host.guests_see_other_processes()

    def native(self, keep: list[Any]) -> Any:
        """The walls for the core, a struct pb_walls; `keep` holds what it points to."""
        return native_walls(self.policy, None, self._init.pid_namespace, self._init.mount_namespace, None, keep)

    @property
    def init(self) -> int:
        """The process of ours that has the guests' mounts."""
        return int(self._init.tid)

    @property
    def root(self) -> int:
        """The root of the guests' tree, open as long as the walls stand."""
        return self._root

    def opened(self, path: bytes) -> int:
        """Something in the guests' tree, as an O_PATH descriptor; -1 if it is not there, or a link is on the way."""
        return max(-1, lib.pb_open_below(self._root, path))

    def close(self) -> None:
        """Ends the init, and with it whatever is left of the guests."""
        lib.pb_init_end(self._init)
        if self._root >= 0:
            os.close(self._root)
            self._root = -1


def _refusal(why: str) -> PlatformError:
    return PlatformError(
        f"an instance cannot run without namespaces ({why}); `picobox doctor` tells what this machine allows."
    )


def _built(rootfs: bytes, drives: Mapping[bytes, bytes], policy: Policy, stage: bytes) -> int:
    """The tree, mounted at `stage`: its root, open."""
    outside = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        root = copied(outside, rootfs, _GIVEN)
        if root < 0:
            raise PlatformError(f"{os.fsdecode(rootfs)} is not there: unregister the instance, and import it again.")
        devices = Devices(policy, outside)
        # Of the host's, before anything covers it.
        given = [(point, copied(outside, path, _GIVEN)) for point, path in drives.items()]
        proc = copied(outside, _PROC, _GIVEN | NO_EXEC)
        attach(root, outside, stage)
    finally:
        os.close(outside)
    devices.lay_out(root)
    _mount(proc, root, _PROC)
    _place_sys(root)
    found = lib.pb_open_below(root, _TMP)
    if found >= 0:
        os.close(found)
    elif found == -ENOENT:
        _mount(new(b"tmpfs", b"mode=1777," + share_of_memory(_PERCENT_OF_TMP, None), _GIVEN), root, _TMP)
    for point, tree in given:
        if tree >= 0:
            _mount(tree, root, point)
    return root


def _mount(tree: int, root: int, path: bytes) -> None:
    try:
        if not attach(tree, root, path):
            raise PlatformError(f"{os.fsdecode(path)} in the instance is no directory, or leads elsewhere.")
    finally:
        os.close(tree)


def _place_sys(root: int) -> None:
    """One that shows the network of the guests; an empty directory where the machine gives none."""
    with suppress(PlatformError):
        _mount(new(b"sysfs", b"", _OF_THE_MACHINE), root, _SYS)
