"""What the core is told of walls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi
from picobox.confine.limits import kernel_limits
from picobox.confine.policy import OWN

if TYPE_CHECKING:
    from picobox.confine.cgroups import Group
    from picobox.confine.landlock import Ruleset
    from picobox.confine.policy import Policy


def native_walls(
    policy: Policy,
    ruleset: Ruleset | None,
    pid_namespace: int,
    mount_namespace: int,
    group: Group | None,
    keep: list[Any],
) -> Any:
    """A struct pb_walls; `keep` holds what it points to. Descriptors are -1 for what is not there."""
    limits = kernel_limits(policy.limits, group, cores=not policy.confines)
    native_limits = ffi.new(
        "struct pb_limit[]", [{"resource": each, "most": most, "end": end} for each, most, end in limits]
    )
    walls = ffi.new("struct pb_walls *")
    keep += (walls, native_limits)
    walls.pid_namespace, walls.mount_namespace = pid_namespace, mount_namespace
    walls.ruleset = -1 if ruleset is None else ruleset.fd
    walls.group = -1 if group is None else group.fd
    walls.own_session = policy.session == OWN
    walls.limits, walls.limit_count = native_limits, len(limits)
    return walls
