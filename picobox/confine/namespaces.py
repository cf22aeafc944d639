"""Puts a run behind its walls: this process enters namespaces and the tree of a policy, guests get an init."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib
from picobox.confine.landlock import Ruleset
from picobox.confine.limits import kernel_limits
from picobox.confine.mounting import check
from picobox.confine.policy import HOST, LOOPBACK, OWN
from picobox.confine.tree import Tree
from picobox.errors import PlatformError
from picobox.platform import host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import Policy

# linux/sched.h
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_OF_AN_INIT = ("tid", "pid_namespace", "mount_namespace", "proc", "life")


class Walls:
    """What keeps the guests of this process in. It has one thread when they are made, and never leaves them itself."""

    def __init__(self, policy: Policy, kept: Mapping[bytes, LayerMount]) -> None:
        """Enters namespaces and the policy's tree. PlatformError where the machine forbids it."""
        self.policy = policy
        self._init = ffi.new("struct pb_init *", dict.fromkeys(_OF_AN_INIT, -1))
        self._ruleset: Ruleset | None = None
        tree = Tree(policy, kept)
        kinds = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC
        if policy.network != HOST:
            kinds |= _NEWNET
        error = lib.pb_enter_namespaces(kinds)
        if error:
            check(lib.pb_enter_namespaces(kinds | _NEWUSER), "namespaces")
        if policy.network == LOOPBACK:
            check(lib.pb_loopback_up(), "the loopback interface")
        tree.build()
        tree.enter()
        self._ours = tree.mounted
        self._is_lent = error != 0

    def raise_up(self) -> None:
        """Starts the init of the guests: all that they are to see is mounted."""
        paths = [ffi.new("char[]", path) for path in reversed(self._ours)]
        ours = ffi.new("char *[]", [*paths, ffi.NULL])
        check(lib.pb_init_start(ours, self._init), "process namespace")
        self._ruleset = Ruleset(self.policy, self._init.proc, own_network=self.policy.network != HOST)
        if self._is_lent:
            # What comes with a user namespace is more than the user has: our look-ups are made without.
            check(lib.pb_lower_capabilities(), "capabilities")
        host.guests_see_other_processes()

    def native(self, keep: list[Any]) -> Any:
        """The walls for the core, a struct pb_walls; `keep` holds what it points to."""
        limits = kernel_limits(self.policy.limits)
        native_limits = ffi.new("struct pb_limit[]", [{"resource": each, "most": most} for each, most in limits])
        walls = ffi.new("struct pb_walls *")
        keep += (walls, native_limits)
        walls.pid_namespace, walls.mount_namespace = self._init.pid_namespace, self._init.mount_namespace
        walls.ruleset = -1 if self._ruleset is None else self._ruleset.fd
        walls.own_session = self.policy.session == OWN
        walls.limits, walls.limit_count = native_limits, len(limits)
        return walls

    def close(self) -> None:
        """Ends the init, and with it whatever is left of the guests."""
        lib.pb_init_end(self._init)
        if self._ruleset is not None:
            self._ruleset.close()


def walls_of(policy: Policy, kept: Mapping[bytes, LayerMount] | None = None) -> Walls | None:
    """The walls of a policy, entered; None if it needs none. PlatformError with a remedy where there can be none.

    `kept`: what to mount for its rules whose layers are kept, by their paths.
    """
    if not policy.confines:
        return None
    try:
        return Walls(policy, kept or {})
    except (PlatformError, OSError) as error:
        remedy = "`picobox doctor` tells what this machine allows; --unconfined runs without walls"
        raise PlatformError(f"no walls: {error}; {remedy}") from None
