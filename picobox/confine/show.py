"""Shows a policy as it holds here: each rule with who says so, as text for people, as TOML to edit, as JSON."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from itertools import groupby
from typing import TYPE_CHECKING, Any

from picobox.confine.additions import source_of_device
from picobox.confine.named import NOTHING
from picobox.confine.policy import (
    KEEP,
    NONE,
    OWN,
    PRIVATE,
    READ,
    RIGHTS,
    SET,
    STANDARD_DEVICES,
    UNSET,
    WRITE,
    FileRule,
    Policy,
)
from picobox.confine.values import written
from picobox.errors import PicoboxError
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SCHEMA = "picobox.policy/1"


def file_rules(policy: Policy) -> list[FileRule]:
    """The rules that count, by path."""
    return sorted(policy.rules().values())


def is_there(rule: FileRule) -> bool:
    """Whether the host has what a rule is about."""
    return rule.source == PRIVATE or os.path.lexists(rule.path)


def not_there(policy: Policy, file: str) -> list[FileRule]:
    """What a file gives to read or write that the host does not have; what is hidden may well come later."""
    source = f"{os.path.abspath(file)}: "
    own = [rule for rule in policy.files if rule.right in (READ, WRITE) and rule.source.startswith(source)]
    return [rule for rule in own if not is_there(rule)]


def other_rows(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """What a policy says but for files: key as in TOML, value, who says so."""
    source = policy.sources.get
    yield "network", policy.network, source("network", "")
    yield "session", policy.session, source("session", "")
    yield "private-tmp", str(policy.private_tmp).lower(), source("private-tmp", "")
    for field, value in policy.limits._asdict().items():
        key = f"limits.{field.replace('_', '-')}"
        yield key, written(field, value), source(key, "")
    for path in policy.devices:
        yield "devices", visible(os.fsdecode(path)), source(source_of_device(path), "")
    for drive in policy.drives:
        yield "drives", f"{drive.letter} = {visible(os.fsdecode(drive.path))}", drive.source
    for (action, source_of_rules), rules in groupby(policy.environment, lambda rule: (rule.action, rule.source)):
        texts = [f"{rule.pattern}={rule.value}" if action == SET else rule.pattern for rule in rules]
        yield f"environment.{action}", visible(" ".join(texts)), source_of_rules


def as_toml(policy: Policy, spelled: Callable[[bytes], str] = os.fsdecode) -> str:
    """A file that gives the same policy wherever on this machine it is read; only what is given stands in it.

    `spelled` writes a path of a rule. PicoboxError for names that TOML cannot hold.
    """
    lines = ["[policy]", f'extends = "{NOTHING}"']
    lines += [f"network = {_quoted(policy.network)}"] if policy.network != NONE else []
    lines += [f"session = {_quoted(policy.session)}"] if policy.session != OWN else []
    lines += ["private-tmp = true"] if policy.private_tmp else []
    more = [path for path in policy.devices if path not in STANDARD_DEVICES]
    devices = [(os.fsdecode(path), policy.sources.get(source_of_device(path), "")) for path in more]
    lines += _list("devices", devices, policy.name)
    rules = [rule for rule in file_rules(policy) if rule.source != PRIVATE]
    files = []
    for right in RIGHTS:
        given = [(spelled(rule.written or rule.path), rule.source) for rule in rules if rule.right == right]
        files += _list(right, given, policy.name)
    # Of equal patterns the last counts.
    variables = {rule.pattern: rule for rule in policy.environment}.values()
    environment = []
    for action in (UNSET, KEEP):
        patterns = [(rule.pattern, rule.source) for rule in variables if rule.action == action]
        environment += _list(action, patterns, policy.name)
    limits = [(key, value) for key, value in policy.limits._asdict().items() if value is not None]
    for name, entries in (
        ("files", files),
        ("environment", environment),
        (
            "environment.set",
            [f"{_quoted(each.pattern)} = {_quoted(each.value)}" for each in variables if each.action == SET],
        ),
        ("limits", [f"{key.replace('_', '-')} = {_quoted(written(key, value))}" for key, value in limits]),
        ("drives", [f"{drive.letter} = {_quoted(spelled(drive.path))}" for drive in policy.drives]),
    ):
        lines += ["", f"[policy.{name}]", *entries] if entries else []
    return "\n".join(lines) + "\n"


def _list(key: str, values: Iterable[tuple[str, str]], name: str) -> list[str]:
    """A list with who says each thing, where that is more than the policy's name; nothing for an empty one."""
    said = [(_quoted(value), "" if source == name else f"  # {visible(source)}") for value, source in values]
    entries = [f"    {value},{remark}" for value, remark in said]
    return [f"{key} = [", *entries, "]"] if entries else []


def _quoted(text: str) -> str:
    """A basic string (TOML 1.0.0), whose escapes are JSON's."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PicoboxError(f"{visible(text)}: TOML is UTF-8 and cannot hold this name. Use --format json.") from None
    # What JSON leaves as it is and TOML does not allow: DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def as_json(policy: Policy) -> str:
    """One JSON object. A path that is no UTF-8 is {"b64": ...}; limits are in bytes and seconds, null for none."""
    sources = dict(policy.sources)
    files = [
        {"path": _bytes(rule.path), "right": rule.right, "source": rule.source, "there": is_there(rule)}
        | ({"written": _bytes(rule.written)} if rule.written else {})
        | ({"kept": rule.kept} if rule.kept else {})
        for rule in file_rules(policy)
    ]
    variables = [
        {"pattern": rule.pattern, "action": rule.action, "source": rule.source}
        | ({"value": rule.value} if rule.action == SET else {})
        for rule in policy.environment
    ]
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "name": policy.name,
        "files": files,
        "network": policy.network,
        "session": policy.session,
        "private-tmp": policy.private_tmp,
        "devices": [_bytes(path) for path in policy.devices],
        "limits": {field.replace("_", "-"): value for field, value in policy.limits._asdict().items()},
        "environment": variables,
        "drives": [{"letter": each.letter, "path": _bytes(each.path), "source": each.source} for each in policy.drives],
        "sources": sources,
    }
    return json.dumps(values, indent=2) + "\n"


def _bytes(path: bytes) -> object:
    try:
        return path.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(path).decode()}
