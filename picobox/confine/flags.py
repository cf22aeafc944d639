"""Reads what a command line says of a policy; the options themselves are picobox.cli's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picobox.confine.additions import Additions, source_of_device
from picobox.confine.named import file_rule
from picobox.confine.place import is_below
from picobox.confine.policy import HIDE, KEEP, OWN, RIGHTS, UNSET, FileRule, VariableRule
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.confine.place import Place


def flags_of(options: SimpleNamespace, place: Place) -> Additions:
    """What the command line says of a policy. PicoboxError for what has no meaning."""
    sources = {"network": "--network"} if options.network else {}
    if options.new_session:
        sources["session"] = "--new-session"
    devices = tuple(map(_device, options.device))
    limits = dict(map(_limit, options.limit))
    sources |= {f"limits.{field.replace('_', '-')}": "--limit" for field in limits}
    return Additions(
        files=_files(options, place),
        network=options.network,
        environment=(
            *(VariableRule(pattern, UNSET, "--unset-env") for pattern in options.unset_env),
            *(VariableRule(pattern, KEEP, "--keep-env") for pattern in options.keep_env),
        ),
        limits=limits,
        devices=devices,
        session=OWN if options.new_session else None,
        sources=sources | {source_of_device(device): "--device" for device in devices},
    )


def notes_of(additions: Additions) -> tuple[str, ...]:
    """What gives nothing, since it is not there when the run begins."""
    gone = [rule for rule in additions.files if rule.right != HIDE and not os.path.lexists(rule.path)]
    return tuple(
        f"{rule.source} {os.fsdecode(rule.path)}: it is not there, so nothing is given. Make it first." for rule in gone
    )


def _files(options: SimpleNamespace, place: Place) -> tuple[FileRule, ...]:
    rules = []
    for right in RIGHTS:
        option = f"--{right}"
        for written in getattr(options, right):
            if not written:
                raise PicoboxError(f"{option}: a path is expected after it")
            try:
                spots = tuple(place.expand_written(written, place.started_in))
            except KeyError as error:
                raise PicoboxError(
                    f"{option} {written}: no variable {error.args[0]} is set. Write the path out."
                ) from None
            rules += [file_rule(spot, right, option) for spot in spots]
    rights: dict[bytes, str] = {}
    for rule in rules:
        other = rights.setdefault(rule.path, rule.right)
        if other != rule.right:
            raise PicoboxError(f"--{rule.right} {os.fsdecode(rule.path)}: --{other} names it too. Give it one right.")
    return tuple(rules)


def _limit(given: str) -> tuple[str, float | None]:
    from picobox.confine.values import KINDS, limit

    key, equals, value = given.partition("=")
    field = key.replace("-", "_")
    if field not in KINDS:
        from picobox.findings.reading import nearest

        known = nearest(key, [field.replace("_", "-") for field in KINDS])
        raise PicoboxError(f"--limit {given}: unknown limit {key}, {known}")
    try:
        return field, limit(field, value if equals else "")
    except ValueError as error:
        raise PicoboxError(f"--limit {given}: {error} is expected after {key}=") from None


def _device(given: str) -> bytes:
    path = os.path.normpath(given)
    if not is_below(path, "/dev"):
        raise PicoboxError(f"--device {given}: this is no device. Write it as /dev/kvm.")
    return os.fsencode(path)
