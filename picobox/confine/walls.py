"""Chooses the walls of a run: namespaces where the machine gives them, else Landlock and the supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.confine.cgroups import group_of
from picobox.confine.namespaces import NoNamespaces, Walls
from picobox.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.confine.cgroups import Group
    from picobox.confine.limits import LimitsAlone
    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import Policy
    from picobox.confine.supervised import SupervisedWalls
    from picobox.nt_files.process import NtFiles

_REMEDY = "`picobox doctor` tells what this machine allows; "


def walls_of(
    policy: Policy,
    kept: Mapping[bytes, LayerMount] | None = None,
    *,
    namespaces: bool = True,
    nt_files: NtFiles | None = None,
) -> Walls | SupervisedWalls | LimitsAlone | None:
    """The walls of a policy, entered; None if it needs none. Without `namespaces` those that need none.

    A policy that only limits has its limits alone.

    `kept`: what to mount for its rules whose layers are kept, by their paths. `nt_files`: what is to be at /nt.
    PlatformError with a remedy where there can be no walls.
    """
    if not policy.refuses:
        return None
    # Before any wall: guests' trees do not have it.
    group = group_of(policy.limits)
    if not policy.confines:
        from picobox.confine.limits import LimitsAlone

        return LimitsAlone(policy, group)
    try:
        return _entered(policy, kept or {}, group, nt_files, namespaces=namespaces)
    except (PlatformError, OSError) as error:
        if group is not None:
            group.close()
        without = "run it without --overlay" if kept else "--unconfined runs without walls"
        raise PlatformError(f"no walls: {error}; {_REMEDY}{without}") from None


def _entered(
    policy: Policy,
    kept: Mapping[bytes, LayerMount],
    group: Group | None,
    nt_files: NtFiles | None,
    *,
    namespaces: bool,
) -> Walls | SupervisedWalls:
    why = "they are not wanted"
    if namespaces:
        try:
            return Walls(policy, kept, group, nt_files)
        except NoNamespaces as error:
            why = str(error)
    if kept:
        raise PlatformError(f"a layer cannot be kept without namespaces ({why})")
    if nt_files is not None:
        raise PlatformError(f"--nt-files: nothing can be mounted without namespaces ({why})")
    from picobox.confine.supervised import SupervisedWalls

    return SupervisedWalls(policy, why, group)
