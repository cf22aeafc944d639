"""Finds out where a run is: homes, working directory, environment; and what the paths of a policy stand for there."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine.policy import matches
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The XDG base directory specification: where a home's directories are unless a variable says otherwise.
_XDG = (
    ("/.config", "XDG_CONFIG_HOME"),
    ("/.local/share", "XDG_DATA_HOME"),
    ("/.local/state", "XDG_STATE_HOME"),
    ("/.cache", "XDG_CACHE_HOME"),
)
# Accounts below are the system's, and so are those above nobody's (login.defs(5), UID_MIN and UID_MAX).
_PEOPLE = range(1000, 60001)
_USUAL_HOMES = ("/home", "/root")


class Spot(NamedTuple):
    """A path with all links followed, and as it was before."""

    path: str
    written: str


class Place:
    """Where a run is, as it was at its start: what was looked up is kept.

    Paths are text as os.fsdecode makes it, absolute, with all links followed.
    """

    def __init__(self, environment: Mapping[str, str], directory: str, user: int, started_in: str = "") -> None:
        """`directory`: the program's working directory, `user`: the number of who runs it.

        `started_in`: where the command line was written, if that is another directory.
        """
        self.environment = environment
        self.directory = real(directory)
        self.user = user
        self.started_in = started_in or directory
        self._folders: dict[str, str] = {}
        self._listings: dict[str, frozenset[str] | None] = {}

    @classmethod
    def here(cls, workdir: str | None = None) -> Place:
        """That of this process, for a program that is to run in `workdir`. PicoboxError if there is no directory."""
        try:
            started_in = os.getcwd()
        except OSError as error:
            raise PicoboxError(f"the working directory: {error.strerror}. Run in a directory that is there.") from None
        return cls(os.environ, os.path.join(started_in, workdir or ""), os.getuid(), started_in)

    @cached_property
    def accounts(self) -> dict[int, str]:
        """Homes by user, of people and root, as /etc/passwd has them; no directory service is asked."""
        found: dict[int, str] = {}
        try:
            with open("/etc/passwd", encoding="utf-8", errors="surrogateescape") as file:
                entries = [line.rstrip("\n").split(":") for line in file]
        except OSError:
            return found
        for entry in entries:
            if len(entry) == 7 and entry[2].isdecimal() and os.path.isabs(entry[5]):
                found.setdefault(int(entry[2]), os.path.normpath(entry[5]))
        return found

    @cached_property
    def homes(self) -> tuple[str, ...]:
        """The user's own home: what HOME says, first, and what the system says; without `/`, which is nobody's."""
        named = (self.environment.get("HOME", ""), self.accounts.get(self.user, ""))
        found = dict.fromkeys(real(home) for home in named if os.path.isabs(home))
        return tuple(home for home in found if home != "/")

    @property
    def home(self) -> str:
        """The first of them; `/nonexistent` for who has none, as in passwd(5)."""
        return self.homes[0] if self.homes else "/nonexistent"

    @cached_property
    def homes_of_others(self) -> tuple[str, ...]:
        """Where other people's homes are: one directory for all, or each by itself."""
        people = [home for user, home in self.accounts.items() if user == 0 or user in _PEOPLE]
        found = dict.fromkeys([*_USUAL_HOMES, *map(real, people)])
        within = [home for home in found if home not in _USUAL_HOMES and _below(home, _USUAL_HOMES)]
        return tuple(home for home in found if home not in (*self.homes, *within, "/"))

    def expand(self, pattern: str) -> Iterator[Spot]:
        """What a path of ours stands for: each of the user's homes for `~`, what is there for a pattern at its end."""
        if pattern.startswith("~"):
            for start in self._homes_of(pattern):
                yield from self._spots(start)
        else:
            yield from self._spots(pattern)

    def expand_written(self, written: str, base: str) -> Iterator[Spot]:
        """What a path that somebody wrote stands for: `$NAME` is a variable, a relative path lies below `base`.

        KeyError names a variable that is not set.
        """
        for start in self._homes_of(written) if written == "~" or written.startswith("~/") else (written,):
            path = os.path.normpath(os.path.join(base, _with_variables(start, self.environment)))
            # normpath keeps two slashes at the beginning, as POSIX allows a system to.
            yield from self._spots("/" + path.lstrip("/"))

    def spot(self, path: str) -> Spot:
        """An absolute path in its simplest form, and nothing but that path."""
        folder, _, name = path.rpartition("/")
        return Spot(self._real(folder, name), path)

    def _homes_of(self, pattern: str) -> Iterator[str]:
        rest = pattern[1:]
        for home in self.homes:
            yield home + rest
        for usual, other in self._xdg:
            if rest.startswith(usual) and rest[len(usual) : len(usual) + 1] in ("", "/"):
                yield other + rest[len(usual) :]

    @cached_property
    def _xdg(self) -> list[tuple[str, str]]:
        """Where the XDG base directory specification's directories of a home are besides, since a variable says so."""
        given = [(usual, self.environment.get(variable, "")) for usual, variable in _XDG]
        return [(usual, os.path.normpath(other)) for usual, other in given if os.path.isabs(other)]

    def _spots(self, path: str) -> Iterator[Spot]:
        """What an absolute path in its simplest form stands for."""
        folder, _, last = path.rpartition("/")
        if "*" in last or "?" in last or "[" in last:
            names = sorted(name for name in self._names(folder) or () if _matches(name, last))
        else:
            names = [last]
        for name in names:
            written = f"{folder}/{name}"
            yield Spot(self._real(folder, name), written)

    def _real(self, folder: str, name: str) -> str:
        """A path with its links followed. What is not there has no link, but a directory above it may be one."""
        place = self._folders.get(folder)
        if place is None:
            place = self._folders[folder] = self._real(*_split(folder)) if folder else "/"
        names = self._names(folder)
        path = f"{place}/{name}" if place != "/" else f"/{name}"
        # A directory may let us through and not be listed.
        return path if names is not None and name not in names else real(path)

    def _names(self, folder: str) -> frozenset[str] | None:
        """The names in a directory, none if it is not there; None if that cannot be told."""
        if folder not in self._listings:
            above, name = _split(folder)
            siblings = self._names(above) if folder else None
            is_there = siblings is None or name in siblings
            self._listings[folder] = _listing(folder or "/") if is_there else frozenset()
        return self._listings[folder]


def real(path: str) -> str:
    """A path with its links followed as far as they lead."""
    return os.path.realpath(path)


def _split(path: str) -> tuple[str, str]:
    """The directory above a path, empty for the root, and its name there."""
    above, _, name = path.rpartition("/")
    return above, name


def is_below(path: str, directory: str) -> bool:
    """Whether a path is a directory or lies in it."""
    return directory in ("/", path) or path.startswith(directory + "/")


def _below(path: str, directories: tuple[str, ...]) -> bool:
    return any(is_below(path, directory) for directory in directories)


def _with_variables(path: str, environment: Mapping[str, str]) -> str:
    """A path with `$NAME` and `${NAME}` replaced; KeyError names a variable that is not set."""
    import re

    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda match: environment[match[1] or match[2]], path)


def _matches(name: str, pattern: str) -> bool:
    """As a shell has it: what begins with a dot is meant only by a pattern that does."""
    return matches(name, pattern) and name.startswith(".") == pattern.startswith(".")


def _listing(folder: str) -> frozenset[str] | None:
    try:
        return frozenset(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError:
        return None
