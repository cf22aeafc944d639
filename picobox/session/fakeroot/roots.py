"""Decides where a task may go: into a directory that it has open, and which root it may have (chroot(2), fchdir(2)).

No guest has the kernel's right to chroot, and none is given: names would have to be resolved here for every call. But a
root that is the task's already is no change, and that is all that package managers ask for which work on the system
that they run in.
"""

from __future__ import annotations

import os
import stat
from errno import EFAULT, ENOENT, ENOTDIR, EPERM
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD
from picobox.session.fakeroot import calls
from picobox.session.fakeroot.credentials import SYS_CHROOT
from picobox.session.fakeroot.permissions import EXECUTE, check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.nodes import Node
    from picobox.session.fakeroot.root import FakeRoot


def chroot(root: FakeRoot, call: Call, arguments: Sequence[object]) -> int:
    """Does what is none; the kernel is never asked. Raises Errno."""
    (path,) = arguments
    if not path or not isinstance(path, bytes):
        raise Errno(ENOENT if path == b"" else EFAULT)
    node = root.finder(call.task).find(AT_FDCWD, path)
    try:
        _check_root(root, call, node)
    finally:
        node.close()
    return 0


def _check_root(root: FakeRoot, call: Call, node: Node) -> None:
    credentials = root.credentials(call.task)
    if not stat.S_ISDIR(node.found.st_mode):
        raise Errno(ENOTDIR)
    check(credentials, node, EXECUTE)
    now = root.world.root
    is_same = os.path.samestat(node.found, os.fstat(now)) and calls.mount_of(node.fd) == calls.mount_of(now)
    if not credentials.may(SYS_CHROOT) or not is_same:
        raise Errno(EPERM)


def enter(root: FakeRoot, call: Call, node: Node, arguments: Sequence[object]) -> None:
    """fchdir(2): who may not search a directory does not enter it, whoever has opened it."""
    del arguments
    if stat.S_ISDIR(node.found.st_mode):
        check(root.credentials(call.task), node, EXECUTE)


ON_TASKS: dict[str, Callable[[FakeRoot, Call, Sequence[object]], int]] = {"chroot": chroot}
ON_FILES: dict[str, Callable[[FakeRoot, Call, Node, Sequence[object]], None]] = {"fchdir": enter}
