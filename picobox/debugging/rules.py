"""Owns who may trace whom among guests that the kernel tells apart (ptrace(2), access mode checking)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from picobox.platform import tracing

if TYPE_CHECKING:
    from picobox.platform.base import HostTid


class Rules(Protocol):
    """Beside them, who has confined itself by Landlock traces none but those made since (_native/debug/domains.c)."""

    def may_attach(self, tracer: HostTid, tid: HostTid) -> bool:
        """Whether a task may trace another one."""

    def may_be_traced_by(self, tid: HostTid, parent: HostTid) -> bool:
        """Whether a task may have its parent trace it."""

    def traces_anybody(self, tid: HostTid) -> bool:
        """Whether a task has CAP_SYS_PTRACE."""


class KernelRules:
    """By what the kernel knows of them."""

    @staticmethod
    def may_attach(tracer: HostTid, tid: HostTid) -> bool:
        return tracing.may_trace(tracer, tid)

    @staticmethod
    def may_be_traced_by(tid: HostTid, parent: HostTid) -> bool:
        return tracing.shares_namespaces(parent, tid) and (
            tracing.traces_anybody(parent) or not tracing.exceeds(tid, parent)
        )

    @staticmethod
    def traces_anybody(tid: HostTid) -> bool:
        return tracing.traces_anybody(tid)
