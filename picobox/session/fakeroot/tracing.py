"""Owns who may trace whom in an instance (ptrace(2), access mode checking)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.platform.tracing import is_dumpable, shares_namespaces
from picobox.session.fakeroot.credentials import SYS_PTRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps.process import Thread
    from picobox.platform.base import HostTid
    from picobox.session.fakeroot.credentials import Credentials
    from picobox.session.fakeroot.root import FakeRoot


class InstanceRules:
    """By whom the tasks of an instance are taken for there; of their memory the kernel knows more."""

    def __init__(self, root: FakeRoot, known: Callable[[HostTid], Thread | None]) -> None:
        self._root = root
        self._known = known

    def _credentials(self, tid: HostTid) -> Credentials | None:
        thread = self._known(tid)
        return None if thread is None else self._root.credentials(thread.context)

    def may_attach(self, tracer: HostTid, tid: HostTid) -> bool:
        caller, target = self._credentials(tracer), self._credentials(tid)
        if caller is None or target is None or not shares_namespaces(tracer, tid):
            return False
        if caller.may(SYS_PTRACE):
            return True
        same = {*target.users[:3]} == {caller.users.real} and {*target.groups[:3]} == {caller.groups.real}
        return same and not target.permitted & ~caller.permitted and is_dumpable(tid)

    def may_be_traced_by(self, tid: HostTid, parent: HostTid) -> bool:
        caller, other = self._credentials(tid), self._credentials(parent)
        if caller is None or other is None or not shares_namespaces(parent, tid):
            return False
        return other.may(SYS_PTRACE) or not caller.permitted & ~other.permitted

    def traces_anybody(self, tid: HostTid) -> bool:
        caller = self._credentials(tid)
        return caller is not None and caller.may(SYS_PTRACE)
