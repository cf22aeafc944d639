"""Serves chmod and chown: both are kept with the file, and the host's own file stays ours (chmod(2), chown(2))."""

from __future__ import annotations

import stat
from errno import EOPNOTSUPP, EPERM
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.session.fakeroot.credentials import CHOWN, FSETID, UNCHANGED
from picobox.session.fakeroot.mounts import Kind
from picobox.session.fakeroot.permissions import Denied, check_owner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.nodes import Node
    from picobox.session.fakeroot.root import FakeRoot

_MODE_PLACES = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}
_OWNER_PLACES = {"chown": 1, "lchown": 1, "fchown": 1, "fchownat": 2}
_ALL_BITS = 0o7777


def change_mode(root: FakeRoot, call: Call, node: Node, arguments: Sequence[int]) -> int | None:
    """Keeps a mode; None for what is not the instance's, where the kernel decides."""
    if node.kind is not Kind.STORE:
        return None
    if stat.S_ISLNK(node.found.st_mode):
        raise Errno(EOPNOTSUPP)
    credentials = root.credentials(call.task)
    check_owner(credentials, node)
    now = node.shown
    wanted = arguments[_MODE_PLACES[_name(call)]] & _ALL_BITS
    if wanted & stat.S_ISGID and not credentials.is_in(now.gid) and not credentials.may(FSETID):
        wanted &= ~stat.S_ISGID
    node.keep(now._replace(mode=stat.S_IFMT(now.mode) | wanted))
    return 0


def change_owner(root: FakeRoot, call: Call, node: Node, arguments: Sequence[int]) -> int | None:
    """Keeps owner and group. What is not the instance's belongs to whom it belongs: Errno(EPERM)."""
    place = _OWNER_PLACES[_name(call)]
    now = node.shown
    user, group = (
        before if value == UNCHANGED else value
        for value, before in zip(arguments[place : place + 2], (now.uid, now.gid), strict=True)
    )
    if node.kind is not Kind.STORE:
        if (user, group) != (now.uid, now.gid):
            raise Errno(EPERM)
        return 0
    credentials = root.credentials(call.task)
    if not _may_give(credentials, (now.uid, now.gid), (user, group)):
        raise Denied(EPERM)
    node.keep(now._replace(uid=user, gid=group, mode=_after_chown(now.mode)))
    return 0


def _may_give(credentials: Credentials, now: tuple[int, int], wanted: tuple[int, int]) -> bool:
    if credentials.may(CHOWN):
        return True
    keeps_group = wanted[1] == now[1] or credentials.is_in(wanted[1])
    return credentials.users.files == now[0] == wanted[0] and keeps_group


def _after_chown(mode: int) -> int:
    """Set-id bits go, but for a set-group-ID bit that means locking (inode(7)), and for those of directories."""
    return mode if stat.S_ISDIR(mode) else without_set_ids(mode)


def without_set_ids(mode: int) -> int:
    """A file's mode after it has become another one, by its owner or its content."""
    return mode & ~(stat.S_ISUID | (stat.S_ISGID if mode & stat.S_IXGRP else 0))


def _name(call: Call) -> str:
    return call.row.name if call.row is not None else ""


HANDLERS: dict[str, Callable[[FakeRoot, Call, Node, Sequence[int]], int | None]] = {
    **dict.fromkeys(_MODE_PLACES, change_mode),
    **dict.fromkeys(_OWNER_PLACES, change_owner),
}
