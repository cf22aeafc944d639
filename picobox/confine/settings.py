"""Reads a policy from TOML: the table [policy] of a file of settings, or a file that is nothing but a policy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from picobox.confine.additions import Additions, source_of_device
from picobox.confine.named import BASES, file_rule
from picobox.confine.policy import HIDE, KEEP, LAYER, NETWORKS, READ, SESSIONS, SET, UNSET, WRITE, Drive, VariableRule
from picobox.confine.values import KINDS, limit
from picobox.errors import PicoboxError
from picobox.findings.config_values import KEYS as KEYS_OF_SETTINGS
from picobox.findings.config_values import POLICY
from picobox.findings.reading import Reader, flag, nearest, one_of, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from picobox.confine.place import Place
    from picobox.confine.policy import FileRule
    from picobox.findings.reading import Read
    from picobox.findings.settings import Settings

# In the order in which they count where one path is named twice: it may be read although it lies in what is hidden.
_FILES = (HIDE, READ, LAYER, WRITE)


def policy_table(settings: Settings) -> dict[str, Any] | None:
    """What a file of settings says of a policy; None if it says nothing. PicoboxError for keys that nobody knows."""
    unknown = [key for key in settings.values if key not in KEYS_OF_SETTINGS]
    if unknown:
        known = nearest(unknown[0], KEYS_OF_SETTINGS)
        raise PicoboxError(f"{settings.file}: {unknown[0]}: unknown key, {known}")
    return None if POLICY not in settings.values else _table(settings, settings.values[POLICY])


def whole_table(settings: Settings) -> dict[str, Any]:
    """What a file that was named as a policy says, whether or not it is below [policy]."""
    if POLICY in settings.values or (settings.values and not _KEYS.keys() & settings.values.keys()):
        found = policy_table(settings)
        if found is None:
            raise PicoboxError(f"{settings.file}: there is no [policy] in it. Add one, or name another file.")
        return found
    return settings.values


def _table(settings: Settings, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PicoboxError(f"{settings.file}: policy is a {type(value).__name__}. Write it as a table, [policy].")
    return value


def additions_of(settings: Settings, table: dict[str, Any], place: Place) -> Additions:
    """What a table says. PicoboxError, in one line, tells every mistake of it, with lines."""
    reader = _Reader(settings, place)
    where = f"{POLICY}." if settings.values.get(POLICY) is table else ""
    values = reader.table(where, table, _KEYS)
    if not reader.mistakes:
        additions = _checked(reader, where, values)
    if reader.mistakes:
        raise PicoboxError(f"{settings.file}: {'; '.join(reader.mistakes)}")
    return additions


class _Reader(Reader):
    """A reader that knows where the run is, and who says what is read."""

    def __init__(self, settings: Settings, place: Place) -> None:
        super().__init__(os.path.dirname(settings.file), os.path.basename(settings.file), settings.text)
        self.file = settings.file
        self.place = place
        self.sources: dict[str, str] = {}

    def source(self, key: str) -> str:
        """For reports: where a thing is said."""
        return f"{self.file}: {key}"


def _checked(reader: _Reader, where: str, values: dict[str, Any]) -> Additions:
    """What was read, if no path is given two rights."""
    rights: dict[bytes, str] = {}
    for rule in values.get("files", ()):
        other = rights.setdefault(rule.path, rule.right)
        if other != rule.right:
            path = os.fsdecode(rule.path)
            reader.mistake(f"{where}files.{rule.right}", f"{path} is in files.{other} too, give it one right")
    for key in ("network", "session", "private_tmp"):
        if key in values:
            name = key.replace("_", "-")
            reader.sources[name] = reader.source(name)
    return Additions(**values, sources=reader.sources)


def _files(reader: _Reader, place: str, value: Any) -> Any:
    found: dict[str, Iterable[FileRule]] = reader.table(f"{place}.", _dict(reader, place, value), _FILE_KEYS)
    return tuple(rule for right in _FILES for rule in found.get(right, ()))


def _rules(right: str) -> Read:
    def read(reader: _Reader, place: str, value: Any) -> Any:
        rules = []
        for written in texts(reader, place, value):
            try:
                spots = list(reader.place.expand_written(written, reader.directory))
            except KeyError as error:
                reader.mistake(place, f"{written}: no variable {error.args[0]} is set, set it or write the path out")
                continue
            source = reader.source(f"files.{right}")
            rules += [file_rule(spot, right, source) for spot in spots]
        return rules

    return read


def _dict(reader: _Reader, place: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    reader.expected(place, f"[{place}]", value)
    return {}


def _drives(reader: _Reader, place: str, value: Any) -> Any:
    found = []
    for letter, path in _dict(reader, place, value).items():
        if len(letter.removesuffix(":")) != 1 or not letter[0].isascii() or not letter[0].isalpha():
            reader.mistake(f"{place}.{letter}", 'a letter is expected, such as D = "data"')
        elif not isinstance(path, str) or not path:
            reader.expected(f"{place}.{letter}", "a directory", path)
        else:
            root = os.fsencode(reader.path(path))
            found.append(Drive(letter[0].upper(), root, reader.source("drives")))
    return tuple(found)


def _environment(reader: _Reader, place: str, value: Any) -> Any:
    found = reader.table(f"{place}.", _dict(reader, place, value), _VARIABLE_KEYS)
    return tuple(rule for action in (UNSET, KEEP, SET) for rule in found.get(action, ()))


def _patterns(action: str) -> Read:
    def read(reader: _Reader, place: str, value: Any) -> Any:
        patterns = texts(reader, place, value)
        if any("=" in pattern for pattern in patterns):
            reader.mistake(place, "a name holds no =, write NAME = VALUE below environment.set")
        return [VariableRule(pattern, action, reader.source(f"environment.{action}")) for pattern in patterns]

    return read


def _variables(reader: _Reader, place: str, value: Any) -> Any:
    rules = []
    for name, text in _dict(reader, place, value).items():
        if not isinstance(text, str) or "\0" in text:
            reader.expected(f"{place}.{name}", "a string", text)
        elif not name or "=" in name or "\0" in name:
            reader.mistake(f"{place}.{name}", "this is no name of a variable")
        else:
            rules.append(VariableRule(name, SET, reader.source("environment.set"), text))
    return rules


def _limits(reader: _Reader, place: str, value: Any) -> Any:
    return reader.table(f"{place}.", _dict(reader, place, value), _LIMIT_KEYS)


def _limit(field: str) -> Read:
    def read(reader: _Reader, place: str, value: Any) -> Any:
        key = f"limits.{field.replace('_', '-')}"
        reader.sources[key] = reader.source(key)
        try:
            return limit(field, value)
        except ValueError as error:
            reader.expected(place, str(error), value)
            return None

    return read


def _devices(reader: _Reader, place: str, value: Any) -> Any:
    found = []
    for written in texts(reader, place, value):
        path = os.path.normpath(written)
        if path != "/dev" and not path.startswith("/dev/"):
            reader.mistake(place, f'"{written}" is no device, write it as "/dev/kvm"')
            continue
        found.append(os.fsencode(path))
        reader.sources[source_of_device(found[-1])] = reader.source("devices")
    return tuple(found)


_FILE_KEYS: Mapping[str, tuple[str, Read]] = {right: (right, _rules(right)) for right in _FILES}
_VARIABLE_KEYS: Mapping[str, tuple[str, Read]] = {
    KEEP: (KEEP, _patterns(KEEP)),
    UNSET: (UNSET, _patterns(UNSET)),
    SET: (SET, _variables),
}
_LIMIT_KEYS: Mapping[str, tuple[str, Read]] = {field.replace("_", "-"): (field, _limit(field)) for field in KINDS}
_KEYS: Mapping[str, tuple[str, Read]] = {
    "extends": ("extends", one_of(BASES)),
    "files": ("files", _files),
    "drives": ("drives", _drives),
    "network": ("network", one_of(NETWORKS)),
    "environment": ("environment", _environment),
    "limits": ("limits", _limits),
    "devices": ("devices", _devices),
    "session": ("session", one_of(SESSIONS)),
    "private-tmp": ("private_tmp", flag),
}
