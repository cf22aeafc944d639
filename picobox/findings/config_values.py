"""Checks what a file of settings holds, key by key: every mistake in it is told at once, each with what to write."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from picobox.errors import PicoboxError
from picobox.findings.config import Config, Drive, Ignore
from picobox.findings.finding import NEVER, SEVERITIES
from picobox.findings.reading import Reader, flag, nearest, one_of, path, tables, text, texts
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from picobox.findings.settings import Settings

PROFILES = ("windows10", "windows11")
FORMATS = ("text", "json", "sarif", "junit", "github", "html")
FAIL_ON = (*SEVERITIES, NEVER)
OFF = "off"
# The table that picobox.confine.settings reads.
POLICY = "policy"
LEVELS = (OFF, *SEVERITIES)
_LETTER = re.compile("[A-Za-z]")


def checked(settings: Settings) -> Config:
    """The settings as a Config. PicoboxError, in one line, tells every mistake of the file."""
    reader = Reader(os.path.dirname(settings.file), os.path.basename(settings.file))
    values = reader.table("", settings.values, KEYS)
    values.pop("policy", None)
    if reader.mistakes:
        raise PicoboxError(f"{settings.file}: {'; '.join(reader.mistakes)}")
    return Config(**values)


def _rule_ids(reader: Reader, place: str, value: Any) -> Any:
    ids = texts(reader, place, value)
    for each in ids:
        _check_rule(reader, place, each)
    return ids


def _check_rule(reader: Reader, place: str, name: str) -> None:
    if name not in RULES:
        reader.mistakes.append(f'{place}: no rule "{name}", {nearest(name, RULES)}')


def _rules(reader: Reader, place: str, value: Any) -> Any:
    if not isinstance(value, dict):
        reader.expected(place, 'a table, such as PB010 = "off",', value)
        return {}
    for name, level in value.items():
        _check_rule(reader, place, name)
        one_of(LEVELS)(reader, f"{place}.{name}", level)
    return value


def _drives(reader: Reader, place: str, value: Any) -> Any:
    found = []
    for where, given in tables(reader, place, value, _DRIVE_KEYS):
        if len(given) < len(_DRIVE_KEYS):
            reader.mistakes.append(f'{where}: write letter = "D" and path = "DIR"')
            continue
        found.append(Drive(**given))
    letters = [drive.letter for drive in found]
    for letter in sorted({letter for letter in letters if letters.count(letter) > 1}):
        reader.mistakes.append(f"{place}: {letter}: is there twice, give each letter once")
    return tuple(found)


def _letter(reader: Reader, place: str, value: Any) -> Any:
    if not isinstance(value, str) or _LETTER.fullmatch(value.removesuffix(":")) is None:
        reader.expected(place, 'a letter, such as "D",', value)
        return ""
    return value[0].upper()


def _ignores(reader: Reader, place: str, value: Any) -> Any:
    found = []
    for where, given in tables(reader, place, value, _IGNORE_KEYS):
        reason = given.pop("reason", "")
        if not given:
            reader.mistakes.append(f"{where}: it would ignore everything, name a rule, a path or a process")
            continue
        entry = Ignore(
            rules=given.get("rules", ()),
            path=os.path.expanduser(given.get("path", "")),
            process=given.get("process", ""),
            reason=reason,
            base=reader.directory,
            place=f"{reader.name}, {where}",
        )
        found.append(entry)
    return tuple(found)


def _policy(reader: Reader, place: str, value: Any) -> Any:
    if not isinstance(value, dict):
        reader.expected(place, f"[{place}]", value)


_DRIVE_KEYS = {"letter": ("letter", _letter), "path": ("path", path)}
_IGNORE_KEYS = {
    "rule": ("rules", _rule_ids),
    "rules": ("rules", _rule_ids),
    "path": ("path", text),
    "process": ("process", text),
    "reason": ("reason", text),
}
KEYS = {
    "profile": ("profile", one_of(PROFILES)),
    "enforce": ("enforce", flag),
    "fail-on": ("fail_on", one_of(FAIL_ON)),
    "format": ("format", one_of(FORMATS)),
    "output": ("output", path),
    "baseline": ("baseline", path),
    "windows-prefix": ("windows_prefix", text),
    "share": ("share", texts),
    "rules": ("rules", _rules),
    "drive": ("drives", _drives),
    "ignore": ("ignores", _ignores),
    POLICY: ("policy", _policy),
}
