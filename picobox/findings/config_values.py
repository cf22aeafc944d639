"""Checks what a file of settings holds, key by key: every mistake in it is told at once, each with what to write."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from picobox.errors import PicoboxError
from picobox.findings.config import Config, Drive, Ignore
from picobox.findings.finding import NEVER, SEVERITIES
from picobox.findings.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from picobox.findings.config import Settings

    _Read = Callable[["_Reader", str, Any], Any]

PROFILES = ("windows10", "windows11")
FORMATS = ("text", "json", "sarif", "junit", "github", "html")
FAIL_ON = (*SEVERITIES, NEVER)
OFF = "off"
LEVELS = (OFF, *SEVERITIES)
_LETTER = re.compile("[A-Za-z]")


def checked(settings: Settings) -> Config:
    """The settings as a Config. PicoboxError, in one line, tells every mistake of the file."""
    reader = _Reader(os.path.dirname(settings.file), os.path.basename(settings.file))
    values = reader.table("", settings.values, _KEYS)
    if reader.mistakes:
        raise PicoboxError(f"{settings.file}: {'; '.join(reader.mistakes)}")
    return Config(**values)


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say of a word that is not known: the one it was meant to be, or all."""
    from difflib import get_close_matches

    known = list(known)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"the nearest is {near[0]}" if near else f"known are {', '.join(known)}"


class _Reader:
    """Reads values, and collects what is wrong with them."""

    def __init__(self, directory: str, name: str) -> None:
        self.directory = directory
        self.name = name
        self.mistakes: list[str] = []

    def table(self, where: str, given: dict[str, Any], keys: Mapping[str, tuple[str, _Read]]) -> dict[str, Any]:
        """The values of a table by the names of our fields; keys with mistakes are left out."""
        found = {}
        for key, value in given.items():
            place = f"{where}{key}"
            if key not in keys:
                self.mistakes.append(f"{place}: unknown key, {nearest(key, keys)}")
                continue
            field, read = keys[key]
            mistakes = len(self.mistakes)
            result = read(self, place, value)
            if len(self.mistakes) == mistakes:
                found[field] = result
        return found

    def expected(self, place: str, what: str, value: object) -> None:
        """Note a value that is not what it must be."""
        self.mistakes.append(f"{place}: {what} is expected, not {_shown(value)}")

    def path(self, given: str) -> str:
        """A path of the file's, absolute."""
        return os.path.normpath(os.path.join(self.directory, os.path.expanduser(given)))


def _shown(value: object) -> str:
    """A value as TOML writes it, if it is short."""
    if isinstance(value, dict):
        return "a table"
    text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else repr(value)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _one_of(known: tuple[str, ...]) -> Callable[[_Reader, str, Any], Any]:
    def read(reader: _Reader, place: str, value: Any) -> Any:
        if value not in known:
            reader.expected(place, " or ".join(f'"{word}"' for word in known), value)
        return value

    return read


def _flag(reader: _Reader, place: str, value: Any) -> Any:
    if not isinstance(value, bool):
        reader.expected(place, "true or false", value)
    return value


def _text(reader: _Reader, place: str, value: Any) -> Any:
    if not isinstance(value, str) or not value or "\0" in value:
        reader.expected(place, "a string", value)
        return ""
    return value


def _path(reader: _Reader, place: str, value: Any) -> Any:
    return reader.path(_text(reader, place, value))


def _texts(reader: _Reader, place: str, value: Any) -> Any:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        reader.expected(place, "a string or a list of strings", value)
        return ()
    return tuple(value)


def _rule_ids(reader: _Reader, place: str, value: Any) -> Any:
    ids = _texts(reader, place, value)
    for each in ids:
        _check_rule(reader, place, each)
    return ids


def _check_rule(reader: _Reader, place: str, name: str) -> None:
    if name not in RULES:
        reader.mistakes.append(f'{place}: no rule "{name}", {nearest(name, RULES)}')


def _rules(reader: _Reader, place: str, value: Any) -> Any:
    if not isinstance(value, dict):
        reader.expected(place, 'a table, such as PB010 = "off",', value)
        return {}
    for name, level in value.items():
        _check_rule(reader, place, name)
        _one_of(LEVELS)(reader, f"{place}.{name}", level)
    return value


def _tables(
    reader: _Reader, place: str, value: Any, keys: Mapping[str, tuple[str, _Read]]
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Each table of an array of them, with its place and the values it has."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        reader.expected(place, f"[[{place}]]", value)
        return
    for number, given in enumerate(value, 1):
        where = f"{place} {number}"
        yield where, reader.table(f"{where}: ", given, keys)


def _drives(reader: _Reader, place: str, value: Any) -> Any:
    found = []
    for where, given in _tables(reader, place, value, _DRIVE_KEYS):
        if len(given) < len(_DRIVE_KEYS):
            reader.mistakes.append(f'{where}: write letter = "D" and path = "DIR"')
            continue
        found.append(Drive(**given))
    letters = [drive.letter for drive in found]
    for letter in sorted({letter for letter in letters if letters.count(letter) > 1}):
        reader.mistakes.append(f"{place}: {letter}: is there twice, give each letter once")
    return tuple(found)


def _letter(reader: _Reader, place: str, value: Any) -> Any:
    if not isinstance(value, str) or _LETTER.fullmatch(value.removesuffix(":")) is None:
        reader.expected(place, 'a letter, such as "D",', value)
        return ""
    return value[0].upper()


def _ignores(reader: _Reader, place: str, value: Any) -> Any:
    found = []
    for where, given in _tables(reader, place, value, _IGNORE_KEYS):
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


_DRIVE_KEYS = {"letter": ("letter", _letter), "path": ("path", _path)}
_IGNORE_KEYS = {
    "rule": ("rules", _rule_ids),
    "rules": ("rules", _rule_ids),
    "path": ("path", _text),
    "process": ("process", _text),
    "reason": ("reason", _text),
}
_KEYS = {
    "profile": ("profile", _one_of(PROFILES)),
    "enforce": ("enforce", _flag),
    "fail-on": ("fail_on", _one_of(FAIL_ON)),
    "format": ("format", _one_of(FORMATS)),
    "output": ("output", _path),
    "baseline": ("baseline", _path),
    "windows-prefix": ("windows_prefix", _text),
    "share": ("share", _texts),
    "rules": ("rules", _rules),
    "drive": ("drives", _drives),
    "ignore": ("ignores", _ignores),
}
