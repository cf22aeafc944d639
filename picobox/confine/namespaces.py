"""Puts a run behind its walls: this process enters namespaces and the tree of a policy, guests get an init."""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.abi.row import WALLS
from picobox.confine.landlock import GIVEN, Ruleset, rules_of_tree
from picobox.confine.limits import made
from picobox.confine.mounting import check
from picobox.confine.native import native_walls
from picobox.confine.own_proc import why_refused
from picobox.confine.policy import HOST, LOOPBACK, READ
from picobox.confine.tree import Tree
from picobox.platform import host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.confine.broker import Broker
    from picobox.confine.cgroups import Group
    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import Policy
    from picobox.nt_files.process import NtFiles

# linux/sched.h
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_OF_AN_INIT = ("tid", "pid_namespace", "mount_namespace", "proc", "life", "ready")


class NoNamespaces(Exception):
    """This process may enter none, and has not."""


class Walls:
    """What keeps the guests of this process in. It has one thread when they are made, and never leaves them itself."""

    confines = True
    features = frozenset((WALLS,))
    note: str | None = None
    temporary: bytes | None = None
    broker: Broker | None = None

    def __init__(
        self,
        policy: Policy,
        kept: Mapping[bytes, LayerMount],
        group: Group | None,
        nt_files: NtFiles | None = None,
    ) -> None:
        """Enters namespaces and the policy's tree. NoNamespaces, and PlatformError, where the machine forbids it.

        `kept`: what to mount for its rules whose layers are kept, by their paths. `group`: what guests are to be in.
        `nt_files`: what is to be at /nt.
        """
        self.policy = policy
        self.group = group
        self._init = ffi.new("struct pb_init *", dict.fromkeys(_OF_AN_INIT, -1))
        self._ruleset: Ruleset | None = None
        self._nt_files = nt_files
        tree = self._tree = Tree(policy, kept, nt_files)
        kinds = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC
        if policy.network != HOST:
            kinds |= _NEWNET
        why = why_refused(kinds)
        if why:
            raise NoNamespaces(why)
        error = lib.pb_enter_namespaces(kinds)
        if error:
            refused = lib.pb_enter_namespaces(kinds | _NEWUSER)
            if refused:
                raise NoNamespaces(os.strerror(-refused))
        if policy.network == LOOPBACK:
            check(lib.pb_loopback_up(), "the loopback interface")
        tree.build()
        tree.enter()
        # All that guests are to see is mounted: their init prepares itself while we do.
        ours = b"".join(path + b"\0" for path in reversed(tree.mounted)) + b"\0"
        check(lib.pb_init_start(ours, len(ours), -1, self._init), "process namespace")
        self._is_lent = error != 0

    def raise_up(self) -> None:
        """Has the init of the guests ready for the first of them."""
        served = self._nt_files
        made(self.group, self._init.tid, *(() if served is None else served.servers))
        check(lib.pb_init_await(self._init), "process namespace")
        # Where the network is none, the kernel's own answer says so better than a refusal.
        rules = rules_of_tree(self._tree.decide, self._tree.paths, self._init.proc)
        if served is not None:
            rules = chain(rules, ((served.place, GIVEN[READ]),))
        self._ruleset = Ruleset(rules, network=True)
        if self._is_lent:
            # What comes with a user namespace is more than the user has: our look-ups are made without.
            check(lib.pb_lower_capabilities(), "capabilities")
        host.guests_see_other_processes()

    def native(self, keep: list[Any]) -> Any:
        """The walls for the core, a struct pb_walls; `keep` holds what it points to."""
        return native_walls(
            self.policy, self._ruleset, self._init.pid_namespace, self._init.mount_namespace, self.group, keep
        )

    def close(self) -> None:
        """Ends the init, and with it whatever is left of the guests."""
        lib.pb_init_end(self._init)
        if self._ruleset is not None:
            self._ruleset.close()
        if self.group is not None:
            self.group.close()
