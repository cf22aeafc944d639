"""Reads values of TOML one by one, and collects every mistake in them, each with what to write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    # What reads a value: a Reader, perhaps one that knows more, the value's place, and the value.
    Read = Callable[[Any, str, Any], Any]


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say of a word that is not known: the one it was meant to be, or all."""
    from difflib import get_close_matches

    known = list(known)
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"the nearest is {near[0]}" if near else f"known are {', '.join(known)}"


class Reader:
    """Reads values, and collects what is wrong with them."""

    def __init__(self, directory: str, name: str, source: str = "") -> None:
        """`directory`: what paths are relative to. `source`: the text of the file, if lines are to be told."""
        self.directory = directory
        self.name = name
        self.mistakes: list[str] = []
        self._source = source

    def table(self, where: str, given: dict[str, Any], keys: Mapping[str, tuple[str, Read]]) -> dict[str, Any]:
        """The values of a table by the names of our fields; keys with mistakes are left out."""
        found = {}
        for key, value in given.items():
            place = f"{where}{key}"
            if key not in keys:
                self.mistake(place, f"unknown key, {nearest(key, keys)}")
                continue
            field, read = keys[key]
            mistakes = len(self.mistakes)
            result = read(self, place, value)
            if len(self.mistakes) == mistakes:
                found[field] = result
        return found

    def expected(self, place: str, what: str, value: object) -> None:
        """Note a value that is not what it must be."""
        self.mistake(place, f"{what} is expected, not {_shown(value)}")

    def mistake(self, place: str, message: str) -> None:
        """Note what is wrong at a place, a key with those of its tables before it."""
        from picobox.findings.toml_lines import line_of

        line = line_of(self._source, place) if self._source else None
        self.mistakes.append(f"{place}: {message}" if line is None else f"line {line}: {place}: {message}")

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


def one_of(known: tuple[str, ...]) -> Callable[[Reader, str, Any], Any]:
    """A string out of some."""

    def read(reader: Reader, place: str, value: Any) -> Any:
        if value not in known:
            reader.expected(place, " or ".join(f'"{word}"' for word in known), value)
        return value

    return read


def flag(reader: Reader, place: str, value: Any) -> Any:
    """True or false."""
    if not isinstance(value, bool):
        reader.expected(place, "true or false", value)
    return value


def text(reader: Reader, place: str, value: Any) -> Any:
    """A string that is not empty."""
    if not isinstance(value, str) or not value or "\0" in value:
        reader.expected(place, "a string", value)
        return ""
    return value


def path(reader: Reader, place: str, value: Any) -> Any:
    """A path, absolute."""
    return reader.path(text(reader, place, value))


def texts(reader: Reader, place: str, value: Any) -> Any:
    """A list of strings, or one."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        reader.expected(place, "a string or a list of strings", value)
        return ()
    return tuple(value)


def tables(
    reader: Reader, place: str, value: Any, keys: Mapping[str, tuple[str, Read]]
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Each table of an array of them, with its place and the values it has."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        reader.expected(place, f"[[{place}]]", value)
        return
    for number, given in enumerate(value, 1):
        where = f"{place} {number}"
        yield where, reader.table(f"{where}: ", given, keys)
