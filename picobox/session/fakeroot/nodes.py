"""Owns a file as programs of an instance see it: what the host says of it, corrected by what is kept of it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EPERM
from functools import cached_property
from typing import TYPE_CHECKING

from picobox.errors import Errno, PicoboxError
from picobox.platform.lx_files import LX_XATTR
from picobox.session import metadata
from picobox.session.fakeroot import calls
from picobox.session.fakeroot.mounts import Kind, path_of
from picobox.session.metadata import Metadata, host_mode

if TYPE_CHECKING:
    from picobox.session.fakeroot.mounts import Mounts

NOBODY = 65534
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_KEEPERS = (stat.S_IFREG, stat.S_IFDIR)
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)


class World:
    """What all files of one instance have in common."""

    def __init__(self, mounts: Mounts, root: int, owner: tuple[int, int]) -> None:
        """`root`: its root, open; `owner`: whose files on the drives are that this process's user has."""
        self.mounts = mounts
        self.root = root
        self.owner = owner
        self.host = os.geteuid(), os.getegid()


class Node:
    """A file by an O_PATH descriptor of ours, which it closes."""

    def __init__(self, world: World, fd: int, looked: calls.Looked | None = None) -> None:
        """`looked`: what was seen of it as it was opened."""
        self.world = world
        self.fd = fd
        if looked is not None:
            self.looked = looked

    def close(self) -> None:
        os.close(self.fd)

    @cached_property
    def looked(self) -> calls.Looked:
        """What the host says, as it is written."""
        return calls.look(self.fd)

    @cached_property
    def found(self) -> os.stat_result:
        """What the host says."""
        return self.looked.as_result()

    @cached_property
    def kind(self) -> Kind:
        return self.world.mounts.kind_of(self.fd, self.looked.mount)

    @property
    def type(self) -> int:
        """S_IFMT of what the host has."""
        return stat.S_IFMT(self.found.st_mode)

    @property
    def path(self) -> str:
        """A path of ours to this very file."""
        return f"/proc/self/fd/{self.fd}"

    @cached_property
    def kept(self) -> bytes | None:
        """What is kept of it, as it is written."""
        if self.kind is not Kind.STORE:
            return None
        if self.type in _KEEPERS:
            return self.looked.kept
        directory, name = self._entry()
        if directory < 0:
            return None
        try:
            return metadata.entries_of(directory).get(name)
        except OSError:
            return None
        finally:
            os.close(directory)

    @property
    def is_kept(self) -> bool:
        """Whether anything is known of it that the host does not say."""
        return self.kept is not None

    @cached_property
    def shown(self) -> Metadata:
        """Ids, mode and device as guests see them."""
        mode = self.found.st_mode
        kept = metadata.parsed(self.kept or b"", Metadata(*self._usual_owner(), mode))
        kind, known = stat.S_IFMT(kept.mode), self.type
        if known == stat.S_IFREG and kind in _DEVICES and kept.device is not None:
            return kept
        return kept._replace(mode=known | stat.S_IMODE(kept.mode), device=None)

    def _usual_owner(self) -> tuple[int, int]:
        """Whose it is where nothing is kept: root's in the store; the host's other users are who they are."""
        mine = self.world.owner if self.kind in (Kind.HOST, Kind.OUTSIDE) else (0, 0)
        hidden = (NOBODY,) if self.kind in (Kind.KERNEL, Kind.SERVED) else ()
        owner = self.found.st_uid, self.found.st_gid
        user, group = (
            given if now == ours or now in hidden else now
            for now, ours, given in zip(owner, self.world.host, mine, strict=True)
        )
        return user, group

    def keep(self, wanted: Metadata) -> None:
        """Has it be so for guests, and the host's file open to us. Errno where nothing can be kept."""
        if self.kind is not Kind.STORE:
            raise Errno(EPERM)
        try:
            if self.type in _KEEPERS:
                self._keep_with(wanted)
            else:
                self._keep_apart(wanted)
        except PicoboxError:
            raise Errno(EPERM) from None
        except OSError as error:
            raise Errno(error.errno or EPERM) from None
        for name in ("looked", "found", "kept", "shown"):
            self.__dict__.pop(name, None)

    def _keep_with(self, wanted: Metadata) -> None:
        mode, former = host_mode(wanted.mode), stat.S_IMODE(self.found.st_mode)
        # The mode comes first: what even its owner may not write takes no attribute (xattr(7)).
        if former != mode:
            os.chmod(self.path, mode)
        try:
            os.setxattr(self.path, LX_XATTR, wanted.text())
        except OSError:
            if former != mode:
                os.chmod(self.path, former)
            raise

    def _keep_apart(self, wanted: Metadata) -> None:
        directory, name = self._entry()
        if directory < 0:
            raise Errno(EPERM)
        try:
            metadata.store(directory, os.fsdecode(name), wanted)
        finally:
            os.close(directory)

    def _entry(self) -> tuple[int, bytes]:
        """The directory in which it is, open, and its name there; -1 if it cannot be found."""
        head, _, name = path_of(self.fd).rpartition(b"/")
        try:
            directory = calls.open_at(self.world.root, head or b"/", _DIRECTORY, calls.IN_ROOT | calls.NO_LINKS)
        except Errno:
            return -1, b""
        with suppress(OSError):
            there = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if os.path.samestat(there, self.found):
                return directory, name
        os.close(directory)
        return -1, b""
