"""Owner and mode of files on WSL drives: what stat shows, and what chmod, chown and the making of files do to them.

With metadata they are kept with the file; without it the mode is computed, and chmod knows READONLY alone
(facts/wsl1.md section 4.7).
"""

from __future__ import annotations

import os
import stat as modes
import struct
from contextlib import suppress
from errno import EIO, ENOSYS, EPERM
from typing import TYPE_CHECKING, NamedTuple

from ntshim.lx.attributes import (
    LxAttributes,
    MountOptions,
    inherited,
    is_read_only,
    may_make,
    mode_after_chown,
    shown,
)
from picobox.errors import Errno
from picobox.platform import lx_files
from picobox.platform.host import AT_FDCWD
from picobox.platform.rights import credentials_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.call import Call
    from picobox.names import Names
    from picobox.platform.lx_files import LxFile
    from picobox.provider import PicoProvider

AT_SYMLINK_NOFOLLOW = 0x100
_PRIVILEGES = modes.S_ISUID | modes.S_ISGID
_CAP_CHOWN = 1 << 0
_UNCHANGED = 0xFFFF_FFFF
_IDENTITY = struct.Struct("<2Q")  # st_dev and st_ino of struct stat
_OWNER = struct.Struct("<3I")  # st_mode, st_uid, st_gid
_OWNER_PLACE = 24
_STATX = struct.Struct("<20xIIH2xQ88x8xII")
_STATX_OWNER = struct.Struct("<IIH")
_STATX_OWNER_PLACE = 20


class OnDrive(NamedTuple):
    """A file of a drive, and how the drive is mounted."""

    file: LxFile
    options: MountOptions

    def shown(self) -> tuple[int, int, int] | None:
        """Mode, owner and group as guests see them; None: those of the host.

        The kernel takes set-user-ID and set-group-ID from the host's mode where WSL takes them from the stored one.
        """
        if self.options.metadata and not self.file.keeps_attributes and self.file.type != modes.S_IFLNK:
            return None
        mode, uid, gid = shown(self.file.stored, self.file.type, self.file.access, self.options)
        return mode & ~(_PRIVILEGES & ~self.file.found.st_mode), uid, gid


def on_drive(names: Names, call: Call, dirfd: int, path: bytes | None, *, follow: bool = True) -> OnDrive | None:
    """What a call is about, if that lies on a drive; an empty path means the descriptor itself."""
    if names.wsl is None or path is None:
        return None
    ours = names.on_host(call.stop.tid, dirfd, path)
    return _at(names, ours if path else ours.rstrip(b"/"), follow=follow or not path)


def _at(names: Names, ours: bytes, *, follow: bool) -> OnDrive | None:
    drives = names.drives
    file = lx_files.look_at(ours, follow=follow, wanted=drives.are_at)
    if file is None or names.wsl is None:
        return None
    return OnDrive(file, names.wsl.options[drives.of(file.path).letters[0]])


def stat(provider: PicoProvider, call: Call, path: bytes | None, statbuf: int) -> None:
    _show(provider, call, AT_FDCWD, path or None, statbuf)


def lstat(provider: PicoProvider, call: Call, path: bytes | None, statbuf: int) -> None:
    _show(provider, call, AT_FDCWD, path or None, statbuf, follow=False)


def fstat(provider: PicoProvider, call: Call, fd: int, statbuf: int) -> None:
    _show(provider, call, fd, b"", statbuf)


def newfstatat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, statbuf: int, flags: int) -> None:
    _show(provider, call, dirfd, path, statbuf, follow=not flags & AT_SYMLINK_NOFOLLOW)


def _show(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, address: int, *, follow: bool = True
) -> None:
    """The kernel fills the structure; if it is about the file that we looked at, owner and mode are the drive's."""
    found = _found(provider, call, dirfd, path, follow=follow)
    owner = None if found is None else found.shown()
    if found is None or owner is None:
        return
    memory, key = call.memory, found.file.key

    def then(result: int) -> int | None:
        if result:
            return None
        try:
            if _IDENTITY.unpack(memory.read(address, _IDENTITY.size)) == key:
                memory.write(address + _OWNER_PLACE, _OWNER.pack(*owner))
        except Errno as error:
            return -error.errno
        return None

    call.then = then


def statx(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, mask: int, statxbuf: int
) -> None:
    del mask
    found = _found(provider, call, dirfd, path or b"", follow=not flags & AT_SYMLINK_NOFOLLOW)
    if found is None:
        return
    names = provider.names
    if names is not None and names.wsl is not None and "statx" in names.wsl.faults:
        raise Errno(ENOSYS)
    owner = found.shown()
    if owner is None:
        return
    memory, file = call.memory, found.file
    mode, uid, gid = owner

    def then(result: int) -> int | None:
        if result:
            return None
        try:
            *_, inode, major, minor = _STATX.unpack(memory.read(statxbuf, _STATX.size))
            if file.is_file((major, minor), inode):
                memory.write(statxbuf + _STATX_OWNER_PLACE, _STATX_OWNER.pack(uid, gid, mode))
        except Errno as error:
            return -error.errno
        return None

    call.then = then


def _found(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, *, follow: bool) -> OnDrive | None:
    return None if provider.names is None else on_drive(provider.names, call, dirfd, path, follow=follow)


def chmod(provider: PicoProvider, call: Call, pathname: bytes | None, mode: int) -> int | None:
    return _chmod(call, _found(provider, call, AT_FDCWD, pathname or None, follow=True), 1, mode)


def fchmod(provider: PicoProvider, call: Call, fd: int, mode: int) -> int | None:
    return _chmod(call, _found(provider, call, fd, b"", follow=True), 1, mode)


def fchmodat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, mode: int) -> int | None:
    return _chmod(call, _found(provider, call, dirfd, path or None, follow=True), 2, mode)


def fchmodat2(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, mode: int, flags: int) -> int | None:
    return _chmod(call, _found(provider, call, dirfd, path, follow=not flags & AT_SYMLINK_NOFOLLOW), 2, mode)


def _chmod(call: Call, found: OnDrive | None, index: int, mode: int) -> int | None:
    """The kernel decides who may; `index` is the place of the mode among the arguments."""
    if found is None or not found.file.keeps_attributes:
        return None
    file = found.file
    if found.options.metadata:
        call.then = _storing(file, LxAttributes(mode=file.type | mode & 0o7777))
        return None
    host = modes.S_IMODE(file.found.st_mode)
    if file.type == modes.S_IFDIR or is_read_only(mode) == is_read_only(host):
        return 0
    call.rewrite(index, host & ~0o222 if is_read_only(mode) else host | modes.S_IWUSR)
    return None


def _storing(file: LxFile, attributes: LxAttributes) -> Callable[[int], int | None]:
    """What keeps attributes with a file once the kernel has agreed."""

    def then(result: int) -> int | None:
        return _stored(file, attributes) or None if not result else None

    return then


def _stored(file: LxFile, attributes: LxAttributes) -> int:
    try:
        lx_files.store(file, attributes)
    except OSError as error:
        return -(error.errno or EIO)
    return 0


def chown(provider: PicoProvider, call: Call, pathname: bytes | None, owner: int, group: int) -> int | None:
    return _chown(call, _found(provider, call, AT_FDCWD, pathname or None, follow=True), owner, group)


def lchown(provider: PicoProvider, call: Call, pathname: bytes | None, owner: int, group: int) -> int | None:
    return _chown(call, _found(provider, call, AT_FDCWD, pathname or None, follow=False), owner, group)


def fchown(provider: PicoProvider, call: Call, fd: int, owner: int, group: int) -> int | None:
    return _chown(call, _found(provider, call, fd, b"", follow=True), owner, group)


def fchownat(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, owner: int, group: int, flags: int
) -> int | None:
    found = _found(provider, call, dirfd, path, follow=not flags & AT_SYMLINK_NOFOLLOW)
    return _chown(call, found, owner, group)


def _chown(call: Call, found: OnDrive | None, owner: int, group: int) -> int | None:
    """Nothing without metadata, and nothing where nothing can be kept; the host's owner stays in any case."""
    if found is None:
        return None
    if not found.options.metadata or found.file.type == modes.S_IFLNK:
        return 0
    now = found.shown()
    if now is None:
        return None
    mode, uid, gid = now
    wanted_user, wanted_group = owner & _UNCHANGED, group & _UNCHANGED
    wanted = uid if wanted_user == _UNCHANGED else wanted_user, gid if wanted_group == _UNCHANGED else wanted_group
    if not _may_chown(call, (uid, gid), wanted):
        raise Errno(EPERM)
    return _stored(found.file, LxAttributes(*wanted, mode_after_chown(mode)))


def _may_chown(call: Call, now: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether the caller may give a file to somebody (chown(2)): an owner only to groups of his own."""
    try:
        caller = credentials_of(call.stop.tid)
    except OSError:  # killed meanwhile
        return False
    if caller.capabilities & _CAP_CHOWN:
        return True
    in_group = wanted[1] in (now[1], caller.group) or wanted[1] in caller.groups
    return caller.user == now[0] == wanted[0] and in_group


def mknod(provider: PicoProvider, call: Call, pathname: bytes | None, mode: int, dev: int) -> None:
    del dev
    _make_node(provider, call, AT_FDCWD, pathname or None, mode)


def mknodat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, mode: int, dev: int) -> None:
    del dev
    _make_node(provider, call, dirfd, path or None, mode)


def _make_node(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, mode: int) -> None:
    new = _new(provider, call, dirfd, path)
    if new is None:
        return
    if not may_make(modes.S_IFMT(mode) or modes.S_IFREG, new[1]):
        raise Errno(EPERM)
    _keep_made(call, provider, *new)


def mkdir(provider: PicoProvider, call: Call, pathname: bytes | None, mode: int) -> None:
    mkdirat(provider, call, AT_FDCWD, pathname, mode)


def mkdirat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, mode: int) -> None:
    del mode
    new = _new(provider, call, dirfd, path or None)
    if new is not None:
        _keep_made(call, provider, *new)


def open(provider: PicoProvider, call: Call, path: bytes | None, flags: int, mode: int) -> None:  # noqa: A001 - the row's name
    openat(provider, call, AT_FDCWD, path, flags, mode)


def creat(provider: PicoProvider, call: Call, pathname: bytes | None, mode: int) -> None:
    openat(provider, call, AT_FDCWD, pathname, os.O_CREAT, mode)


def openat2(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, how: int, size: int) -> None:
    del how, size
    openat(provider, call, dirfd, path, int.from_bytes(call.structure(2, 8), "little"), 0)


def openat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, mode: int) -> None:
    del mode
    new = _new(provider, call, dirfd, path or None) if flags & os.O_CREAT else None
    if new is not None:
        _keep_made(call, provider, *new)


def _new(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None) -> tuple[bytes, MountOptions] | None:
    """A path of ours to a name that a call is about to make on a drive; None if it is there, or elsewhere."""
    names = provider.names
    if names is None or names.wsl is None or path is None:
        return None
    ours = names.on_host(call.stop.tid, dirfd, path).rstrip(b"/")
    if lx_files.exists(ours):
        return None
    parent = lx_files.real_path(ours.rpartition(b"/")[0] or b"/", follow=True)
    if parent is None or not names.drives.are_at(parent):
        return None
    return ours, names.wsl.options[names.drives.of(parent).letters[0]]


def _keep_made(call: Call, provider: PicoProvider, ours: bytes, options: MountOptions) -> None:
    """A file that is made has owner and mode from the start; without metadata the access that NT files inherit."""
    names = provider.names
    if names is None:
        return

    def then(result: int) -> None:
        made = _at(names, ours, follow=False) if result >= 0 else None
        if made is None or not made.file.keeps_attributes:
            return
        if options.metadata:
            parent = _at(names, ours.rpartition(b"/")[0] + b"/", follow=True)
            _stored(made.file, _attributes_of_new(made.file, parent))
        else:
            with suppress(OSError):
                lx_files.inherit_access(made.file)

    call.then = then


def _attributes_of_new(made: LxFile, parent: OnDrive | None) -> LxAttributes:
    """Its maker's, as the host has them; in a directory that is set-group-ID, the group that the directory shows."""
    mode, gid = made.found.st_mode, made.found.st_gid
    owner = None if parent is None else parent.shown()
    if owner is not None:
        parent_mode, _, parent_group = owner
        mode, gid = inherited(mode, gid, parent_mode, parent_group)
    return LxAttributes(made.found.st_uid, gid, mode)
