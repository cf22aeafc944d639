"""Shows a policy as it holds here: each rule with who says so, as text for people, as TOML to edit, as JSON."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from itertools import groupby
from typing import TYPE_CHECKING, Any

from picobox.confine.additions import source_of_device
from picobox.confine.named import NOTHING
from picobox.confine.policy import KEEP, PRIVATE, READ, RIGHTS, SET, UNSET, WRITE, FileRule, Policy
from picobox.confine.values import written
from picobox.errors import PicoboxError
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


def as_toml(policy: Policy) -> str:
    """A file that gives the same policy wherever on this machine it is read.

    PicoboxError for names that TOML cannot hold.
    """
    lines = ["[policy]", f'extends = "{NOTHING}"', f"network = {_quoted(policy.network)}"]
    lines += [f"session = {_quoted(policy.session)}", f"private-tmp = {str(policy.private_tmp).lower()}"]
    lines += _list("devices", [(path, policy.sources.get(source_of_device(path), "")) for path in policy.devices])
    lines += ["", "[policy.files]"]
    rules = [rule for rule in file_rules(policy) if rule.source != PRIVATE]
    for right in RIGHTS:
        given = [(rule.written or rule.path, rule.source) for rule in rules if rule.right == right]
        lines += _list(right, given) if given else []
    lines += ["", "[policy.environment]"]
    # Of equal patterns the last counts, which in TOML is the last of these.
    variables = {rule.pattern: rule for rule in policy.environment}.values()
    for action in (UNSET, KEEP):
        patterns = [(os.fsencode(rule.pattern), rule.source) for rule in variables if rule.action == action]
        lines += _list(action, patterns) if patterns else []
    settings = [f"{_quoted(rule.pattern)} = {_quoted(rule.value)}" for rule in variables if rule.action == SET]
    lines += ["", "[policy.environment.set]", *settings] if settings else []
    lines += ["", "[policy.limits]"]
    limits = policy.limits._asdict().items()
    lines += [f"{field.replace('_', '-')} = {_quoted(written(field, value))}" for field, value in limits]
    if policy.drives:
        lines += ["", "[policy.drives]"]
        lines += [f"{drive.letter} = {_quoted(os.fsdecode(drive.path))}" for drive in policy.drives]
    return "\n".join(lines) + "\n"


def _list(key: str, values: Iterable[tuple[bytes, str]]) -> list[str]:
    entries = [f"    {_quoted(os.fsdecode(value))},  # {visible(source)}" for value, source in values]
    return [f"{key} = [", *entries, "]"] if entries else [f"{key} = []"]


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
