"""Serves extended attributes: those that the host keeps for itself are kept by another name, and ours are not shown."""

from __future__ import annotations

import os
import stat
from errno import ENODATA, ENOENT, EOPNOTSUPP, EPERM, ERANGE
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.platform.by_descriptor import checked_value_size
from picobox.session.fakeroot.credentials import SETFCAP, SYS_ADMIN
from picobox.session.fakeroot.mounts import Kind
from picobox.session.fakeroot.permissions import READ, WRITE, check, check_owner
from picobox.session.metadata import FOREIGN, OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.nodes import Node
    from picobox.session.fakeroot.root import FakeRoot


_KEEPERS = (stat.S_IFREG, stat.S_IFDIR)
_USER, _TRUSTED, _SECURITY, _CAPABILITY = "user.", "trusted.", "security.", "security.capability"


def _is_ours(node: Node) -> bool:
    return node.kind is Kind.STORE and node.type in _KEEPERS


def _kept_as(credentials: Credentials, name: str, *, changes: bool) -> str:
    """The host's name of an attribute. Errno where a task may not have it (xattr(7))."""
    if name.startswith(OWN):
        raise Errno(EPERM if changes else ENODATA)
    if name.startswith(_USER):
        return name
    if name.startswith(_TRUSTED):
        if not credentials.may(SYS_ADMIN):
            raise Errno(EPERM if changes else ENODATA)
        return FOREIGN + name
    if name.startswith(_SECURITY):
        if changes and not credentials.may(SETFCAP if name == _CAPABILITY else SYS_ADMIN):
            raise Errno(EPERM)
        return FOREIGN + name
    raise Errno(EOPNOTSUPP)


def _check(credentials: Credentials, node: Node, name: str, wanted: int) -> None:
    if name.startswith(_USER):
        check(credentials, node, wanted)
    elif wanted == WRITE:
        check_owner(credentials, node)


def _name(arguments: Sequence[object]) -> str:
    name = arguments[1]
    if not isinstance(name, bytes) or not name:
        raise Errno(ERANGE)
    return os.fsdecode(name)


def get(root: FakeRoot, call: Call, node: Node, arguments: Sequence[object]) -> int | None:
    """getxattr(2) and its kin."""
    name = _name(arguments)
    if not _is_ours(node):
        _refuse_own(name, ENODATA)
        return None
    credentials = root.credentials(call.task)
    kept = _kept_as(credentials, name, changes=False)
    _check(credentials, node, name, READ)
    try:
        value = os.getxattr(node.path, kept)
    except OSError as error:
        raise Errno(error.errno or ENODATA) from None
    return _given(call, value, 2)


def _given(call: Call, value: bytes, place: int) -> int:
    """What the kernel does with a buffer: nothing is written to one of no size."""
    address, size = call.stop.args[place : place + 2]
    if size:
        if len(value) > size:
            raise Errno(ERANGE)
        call.memory.write(address, value)
    return len(value)


def set_(root: FakeRoot, call: Call, node: Node, arguments: Sequence[object]) -> int | None:
    """setxattr(2) and its kin."""
    name = _name(arguments)
    if not _is_ours(node):
        _refuse_own(name, EPERM)
        return None
    credentials = root.credentials(call.task)
    kept = _kept_as(credentials, name, changes=True)
    _check(credentials, node, name, WRITE)
    _, _, address, size, flags = call.stop.args[:5]
    value = call.memory.read(address, checked_value_size(size)) if size else b""
    try:
        os.setxattr(node.path, kept, value, flags & 0xFFFF_FFFF)
    except OSError as error:
        raise Errno(error.errno or EPERM) from None
    return 0


def list_(root: FakeRoot, call: Call, node: Node, arguments: Sequence[object]) -> int | None:
    """listxattr(2) and its kin."""
    del arguments
    if not _is_ours(node):
        return None
    sees_trusted = root.credentials(call.task).may(SYS_ADMIN)
    shown = []
    try:
        for kept in os.listxattr(node.path):
            name = kept.removeprefix(FOREIGN)
            is_hidden = name.startswith(OWN) or (name == kept and not name.startswith(_USER))
            if not is_hidden and (sees_trusted or not name.startswith(_TRUSTED)):
                shown.append(os.fsencode(name) + b"\0")
    except OSError as error:
        raise Errno(error.errno or ENOENT) from None
    return _given(call, b"".join(shown), 1)


def remove(root: FakeRoot, call: Call, node: Node, arguments: Sequence[object]) -> int | None:
    """removexattr(2) and its kin."""
    name = _name(arguments)
    if not _is_ours(node):
        _refuse_own(name, ENODATA)
        return None
    credentials = root.credentials(call.task)
    if name.startswith(OWN):
        raise Errno(ENODATA)
    kept = _kept_as(credentials, name, changes=True)
    _check(credentials, node, name, WRITE)
    try:
        os.removexattr(node.path, kept)
    except OSError as error:
        raise Errno(error.errno or ENODATA) from None
    return 0


def _refuse_own(name: str, error: int) -> None:
    """Elsewhere the kernel decides, but our own attributes are nobody's."""
    if name.startswith(OWN):
        raise Errno(error)


HANDLERS: dict[str, Callable[[FakeRoot, Call, Node, Sequence[object]], int | None]] = {
    **{
        name: handler
        for action, handler in (("get", get), ("set", set_), ("list", list_), ("remove", remove))
        for name in (f"{action}xattr", f"l{action}xattr", f"f{action}xattr")
    },
}
# Their structure would have to be copied before it is read; no C library calls them yet.
MISSING = frozenset(("getxattrat", "setxattrat", "listxattrat", "removexattrat", "file_setattr"))
