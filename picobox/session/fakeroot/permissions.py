"""Decides whether a task of an instance may do something with a file (path_resolution(7), Permissions)."""

from __future__ import annotations

import stat
from errno import EACCES, EPERM
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.session.fakeroot.credentials import DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
from picobox.session.fakeroot.mounts import Kind

if TYPE_CHECKING:
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.nodes import Node
    from picobox.session.metadata import Metadata

READ, WRITE, EXECUTE = 4, 2, 1
_SET_GROUP = stat.S_ISGID | stat.S_IXGRP


class Denied(Errno):
    """Refused by what is kept; the kernel would allow it."""


def may(credentials: Credentials, shown: Metadata, wanted: int) -> bool:
    """Whether credentials give rights to a file that is shown so."""
    mode = shown.mode
    if credentials.users.files == shown.uid:
        granted = mode >> 6
    elif credentials.is_in(shown.gid):
        granted = mode >> 3
    else:
        granted = mode
    if granted & wanted == wanted:
        return True
    if credentials.may(DAC_OVERRIDE):
        return not wanted & EXECUTE or stat.S_ISDIR(mode) or bool(mode & 0o111)
    if credentials.may(DAC_READ_SEARCH):
        return wanted == READ or (stat.S_ISDIR(mode) and not wanted & WRITE)
    return False


def check(credentials: Credentials, node: Node, wanted: int) -> None:
    """Raises Denied. Of what is not in the store the kernel and the host decide."""
    if credentials.overrides_all and not wanted & EXECUTE:
        return
    if node.kind is Kind.STORE and not may(credentials, node.shown, wanted):
        raise Denied(EACCES)


def owns(credentials: Credentials, node: Node) -> bool:
    """Whether a task may do what is the owner's alone."""
    return credentials.users.files == node.shown.uid or credentials.may(FOWNER)


def check_owner(credentials: Credentials, node: Node) -> None:
    """Raises Denied."""
    if node.kind is Kind.STORE and not owns(credentials, node):
        raise Denied(EPERM)


def check_link(credentials: Credentials, node: Node) -> None:
    """Whether another name may be made for a file (proc_sys_fs(5), protected_hardlinks). Raises Denied."""
    mode = node.shown.mode
    is_safe = stat.S_ISREG(mode) and not mode & stat.S_ISUID and mode & _SET_GROUP != _SET_GROUP
    if node.kind is not Kind.STORE or owns(credentials, node):
        return
    if not is_safe or not may(credentials, node.shown, READ | WRITE):
        raise Denied(EPERM)


def check_entry(credentials: Credentials, directory: Node, entry: Node | None) -> None:
    """Whether an entry of a directory may be taken away, or with None be made. Raises Denied."""
    check(credentials, directory, WRITE | EXECUTE)
    if entry is None or directory.kind is not Kind.STORE or not directory.shown.mode & stat.S_ISVTX:
        return
    if not owns(credentials, entry) and not owns(credentials, directory):
        raise Denied(EPERM)
