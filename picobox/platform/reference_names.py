"""Directories of the host as the reference index sees them: listed anew, watched by inotify or by timestamps."""

from __future__ import annotations

import errno
import os
import stat
import struct
import time
from typing import TYPE_CHECKING, Any, cast

import cffi

from ntshim.fs.view import Stamp, Timestamps

if TYPE_CHECKING:
    from collections.abc import Hashable

IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x1000000
_EVENT = struct.Struct("iIII")
_BUFFER = 65536

# Nanoseconds: the tick of a 100 Hz kernel, and FAT on a server.
LOCAL_GRANULARITY = 20_000_000
REMOTE_GRANULARITY = 2_000_000_000
# Where inotify does not see every change.
_LOCAL = frozenset({"overlay", "ecryptfs"})
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "ceph", "coda", "afs", "9p", "virtiofs", "vboxsf", "ocfs2", "lustre"}
    | {"gfs2", "gpfs"}
)
_PSEUDO = frozenset(
    {"proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "selinuxfs", "smackfs", "pstore"}
    | {"efivarfs", "bpf", "devpts", "nsfs", "binfmt_misc", "autofs", "resctrl", "configfs", "mqueue", "fusectl"}
)


class HostListing:
    """Implements ntshim.fs.view.Listing for open directory descriptors; written to be read, not to be fast."""

    def __init__(self) -> None:
        """Make one that watches nothing yet."""
        self._ffi = cffi.FFI()
        self._ffi.cdef("int inotify_init1(int flags); int inotify_add_watch(int fd, const char *path, uint32_t mask);")
        self._c = cast("Any", self._ffi.dlopen(None))
        self._inotify = self._c.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watches: dict[Hashable, int] = {}
        self._changes: dict[int, int] = {}  # by watch: how often the directory has changed
        self._local = Timestamps(LOCAL_GRANULARITY)
        self._remote = Timestamps(REMOTE_GRANULARITY)

    def close(self) -> None:
        """Stop watching."""
        if self._inotify >= 0:
            os.close(self._inotify)
        self._inotify = -1

    def stamp(self, directory: int, /) -> Stamp:
        """Tell a directory's state; see Listing."""
        found = os.stat(directory)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        mount = _mount_of(directory)
        identity = (mount, found.st_dev, found.st_ino)
        rights = (found.st_mode, found.st_uid, found.st_gid)
        kind = _file_system(mount)
        timestamps = (found.st_mtime_ns, found.st_ctime_ns)
        if kind in _PSEUDO:
            return Stamp(identity, None, watched=False)
        if kind in _REMOTE or kind.startswith("fuse"):
            change = self._remote.change(identity, timestamps, time.monotonic_ns())
        elif kind in _LOCAL or (watch := self._watch(identity, directory)) is None:
            change = self._local.change(identity, timestamps, time.monotonic_ns())
        else:
            return Stamp(identity, (*rights, watch, self._changes[watch]), watched=True)
        return Stamp(identity, None if change is None else (*rights, change), watched=False)

    def names(self, directory: int, /) -> list[bytes]:
        """List a directory; see Listing."""
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            return [os.fsencode(name) for name in os.listdir(fd)]
        finally:
            os.close(fd)

    def exists(self, directory: int, name: bytes, /) -> bool:
        """Look for an exact name; see Listing."""
        try:
            os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            return False
        return True

    def _watch(self, identity: Hashable, directory: int) -> int | None:
        if self._inotify < 0:
            return None
        self._drain()
        watch = self._watches.get(identity)
        if watch is None:
            path = f"/proc/self/fd/{directory}".encode()
            mask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR
            watch = int(self._c.inotify_add_watch(self._inotify, path, mask))
            if watch < 0:
                return None
            self._watches[identity] = watch
            self._changes.setdefault(watch, 0)
        return watch

    def _drain(self) -> None:
        while True:
            try:
                events = os.read(self._inotify, _BUFFER)
            except BlockingIOError:
                return
            offset = 0
            while offset < len(events):
                watch, mask, _, length = _EVENT.unpack_from(events, offset)
                offset += _EVENT.size + length
                self._take(watch, mask)

    def _take(self, watch: int, mask: int) -> None:
        if mask & IN_Q_OVERFLOW:
            self._changes = {watch: count + 1 for watch, count in self._changes.items()}
        elif mask & IN_IGNORED:
            self._watches = {identity: other for identity, other in self._watches.items() if other != watch}
            self._changes.pop(watch, None)
        elif watch in self._changes:
            self._changes[watch] += 1


def _mount_of(directory: int) -> int:
    with open(f"/proc/self/fdinfo/{directory}", "rb") as info:
        return next(int(line.split()[1]) for line in info if line.startswith(b"mnt_id:"))


def _file_system(mount: int) -> str:
    """The type of a mount (proc(5), mountinfo): the first field after the lone hyphen."""
    with open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            fields = line.split()
            if int(fields[0]) == mount:
                return fields[fields.index(b"-") + 1].decode()
    return "proc"  # a mount that is gone, or not in this namespace: nothing about it is believed
