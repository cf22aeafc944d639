"""Walls where this machine gives no namespaces: Landlock, and what is decided of each call that it does not cover."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from picobox._native._core import lib
from picobox.abi.row import NO_NETWORK, SUPERVISED, WALLS
from picobox.confine.broker import Broker, check_ids
from picobox.confine.landlock import WITH_SCOPES, Ruleset, rules_of_host
from picobox.confine.limits import made
from picobox.confine.mounting import check
from picobox.confine.native import native_walls
from picobox.confine.policy import (
    ALL_DEVICES,
    HIDE,
    HOST,
    LAYER,
    PRIVATE,
    READ,
    TEMPORARY,
    WRITE,
    FileRule,
    Policy,
)
from picobox.errors import PlatformError

if TYPE_CHECKING:
    from picobox.confine.cgroups import Group

_SOURCE = "no namespaces"
# Terminals that programs of the run make, and those of others, which cannot be told apart here.
_TERMINALS = (b"/dev/pts", b"/dev/ptmx")


class SupervisedWalls:
    """What keeps guests in without namespaces. This process is not behind them, and its capabilities do not count."""

    confines = True

    def __init__(self, policy: Policy, why: str, group: Group | None) -> None:
        """`why`: what the machine said to namespaces; `group`: what guests are to be in.

        PlatformError if Landlock is too old to keep signals in.
        """
        version = lib.pb_landlock_abi()
        if version < WITH_SCOPES:
            found = "there is no Landlock" if version < 0 else f"Landlock speaks version {version}"
            raise PlatformError(
                f"namespaces: {why}, and {found} of the {WITH_SCOPES} that walls need then: Linux 6.12 or newer"
            )
        check_ids()
        self.broker = Broker()
        self._base = policy
        self.group = group
        self.temporary = os.fsencode(tempfile.mkdtemp(prefix="picobox-")) if policy.private_tmp else None
        self.policy = on_host(policy, self.temporary)
        self._ruleset: Ruleset | None = None
        self.features = frozenset((WALLS, SUPERVISED, NO_NETWORK) if policy.network != HOST else (WALLS, SUPERVISED))
        network = "" if policy.network == HOST else ", there is no network at all"
        self.note = (
            f"no namespaces here ({why}): Landlock and the supervisor keep the program in{network}; "
            "other processes can be seen, layers can only be read, private temporary files are in TMPDIR"
        )

    def raise_up(self) -> None:
        """Makes the rules that programs are held to."""
        made(self.group)
        self._ruleset = Ruleset(rules_of_host(self.policy), network=self.policy.network == HOST)
        if self._ruleset.fd < 0:
            raise PlatformError("Landlock: no rules could be made; `picobox doctor` tells what this machine allows")
        # What is done for a guest is done with a guest's rights.
        check(lib.pb_lower_capabilities(), "capabilities")
        self.broker.start(self._ruleset)

    def native(self, keep: list[Any]) -> Any:
        """The walls for the core, a struct pb_walls; `keep` holds what it points to."""
        return native_walls(self._base, self._ruleset, -1, -1, self.group, keep)

    def close(self) -> None:
        """Takes the private directory away, the broker and the group."""
        self.broker.end()
        if self.group is not None:
            # The root of the hierarchy is closed to its owner too.
            lib.pb_raise_capabilities()
            self.group.close()
        if self._ruleset is not None:
            self._ruleset.close()
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)


def on_host(policy: Policy, temporary: bytes | None) -> Policy:
    """A policy as far as it can be kept in the host's own tree. `temporary`: where temporary files go instead."""
    rules = {
        path: FileRule(path, READ, rule.source) if rule.right == LAYER else rule
        for path, rule in policy.rules().items()
    }
    for path in TEMPORARY:
        if path in rules and rules[path].source == PRIVATE:
            rules[path] = FileRule(path, HIDE, PRIVATE)
    if temporary is not None:
        rules[temporary] = FileRule(temporary, WRITE, PRIVATE)
    if policy.devices != ALL_DEVICES:
        rules[b"/dev"] = FileRule(b"/dev", HIDE, "devices")
        has_terminals = b"/dev/ptmx" in policy.devices
        for path in (*policy.devices, *(_TERMINALS if has_terminals else ())):
            rules[path] = FileRule(path, WRITE, f"devices {os.fsdecode(path)}")
    rules[b"/proc"] = FileRule(b"/proc", READ, _SOURCE)
    return policy._replace(files=tuple(rules.values()), private_tmp=False)
