"""Owns Additions, what a file or a command line says of a policy, and how it is laid over one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine.policy import ALL_DEVICES, Drive, FileRule, Limits, Policy, VariableRule

if TYPE_CHECKING:
    from collections.abc import Mapping


class Additions(NamedTuple):
    """What is said, in the order in which it counts; None or empty where nothing is.

    extends: the name of the policy that it is said of. limits: by the name of a field of Limits, None for no limit.
    sources: as Policy has them, for what is said.
    """

    extends: str | None = None
    files: tuple[FileRule, ...] = ()
    drives: tuple[Drive, ...] = ()
    network: str | None = None
    environment: tuple[VariableRule, ...] = ()
    limits: Mapping[str, float | None] = {}
    devices: tuple[bytes, ...] = ()
    session: str | None = None
    private_tmp: bool | None = None
    sources: Mapping[str, str] = {}


def laid_over(policy: Policy, additions: Additions, name: str) -> Policy:
    """The policy with what is said besides, under a new name; where both speak of one thing, what is said counts."""
    drives = {drive.letter: drive for drive in (*policy.drives, *additions.drives)}
    devices = dict.fromkeys((*policy.devices, *additions.devices))
    return policy._replace(
        name=name,
        files=(*policy.files, *additions.files),
        drives=tuple(drives.values()),
        network=additions.network or policy.network,
        environment=(*policy.environment, *additions.environment),
        limits=Limits(**{**policy.limits._asdict(), **additions.limits}),
        devices=ALL_DEVICES if ALL_DEVICES[0] in devices else tuple(devices),
        session=additions.session or policy.session,
        private_tmp=policy.private_tmp if additions.private_tmp is None else additions.private_tmp,
        sources={**policy.sources, **additions.sources},
    )


def source_of_device(path: bytes) -> str:
    """The key in Policy.sources of a device."""
    return f"devices {os.fsdecode(path)}"
