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


# A path with all links followed, and as it was before: no class, since a policy has hundreds.
Spot = tuple[str, str]


class _Folder(NamedTuple):
    """A directory as it was written and with its links followed, each with a slash at its end; the names in it.

    names: None if they cannot be told.
    """

    written: str
    path: str
    names: frozenset[str] | None


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
        self._folders: dict[str, _Folder] = {}
        self._folders_of: dict[str, list[_Folder]] = {}

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

    def expand(self, pattern: str) -> list[Spot]:
        """What a path of ours stands for: each of the user's homes for `~`, what is there for a pattern at its end."""
        above, _, last = pattern.rpartition("/")
        folders = self._folders_of.get(above)
        if folders is None:
            folders = self._folders_of[above] = [self._folder(place) for place in self._homes_of(above)]
        spots = []
        for folder in folders:
            written, path, names = folder
            if names is None or last in names or "*" in last or "?" in last or "[" in last:
                spots += _spots(folder, last)
            else:
                # Most of what rules name is not there.
                spots.append((path + last, written + last))
        if self._xdg and pattern.startswith("~"):
            spots += [spot for usual, other in self._xdg if pattern[1:] == usual for spot in self._spots(other)]
        return spots

    def expand_written(self, written: str, base: str) -> Iterator[Spot]:
        """What a path that somebody wrote stands for: `$NAME` is a variable, a relative path lies below `base`.

        KeyError names a variable that is not set.
        """
        for start in self._homes_of(written):
            path = os.path.normpath(os.path.join(base, _with_variables(start, self.environment)))
            # normpath keeps two slashes at the beginning, as POSIX allows a system to.
            yield from self._spots("/" + path.lstrip("/"))

    def spot(self, path: str) -> Spot:
        """An absolute path in its simplest form, and nothing but that path."""
        above, _, name = path.rpartition("/")
        return _followed(self._folder(above), name), path

    def _homes_of(self, path: str) -> list[str]:
        """What a path that may begin with `~` stands for."""
        if path != "~" and not path.startswith("~/"):
            return [path]
        rest = path[1:]
        places = [home + rest for home in self.homes]
        for usual, other in self._xdg:
            if rest.startswith(usual) and rest[len(usual) : len(usual) + 1] in ("", "/"):
                places.append(other + rest[len(usual) :])
        return places

    @cached_property
    def _xdg(self) -> list[tuple[str, str]]:
        """Where the XDG base directory specification's directories of a home are besides, since a variable says so."""
        given = [(usual, self.environment.get(variable, "")) for usual, variable in _XDG]
        return [(usual, os.path.normpath(other)) for usual, other in given if os.path.isabs(other)]

    def _spots(self, path: str) -> list[Spot]:
        """What an absolute path in its simplest form stands for."""
        above, _, last = path.rpartition("/")
        return _spots(self._folder(above), last)

    def _folder(self, path: str) -> _Folder:
        """A directory, empty for the root."""
        found = self._folders.get(path)
        if found is None:
            found = self._folders[path] = self._looked_up(path)
        return found

    def _looked_up(self, path: str) -> _Folder:
        if not path or path in self.homes:
            # They have no links; what lies beside them may be much, and is nobody's business here.
            return _Folder(f"{path}/", f"{path}/", _listing(path or "/"))
        above, _, name = path.rpartition("/")
        around = self._folder(above)
        is_there = around.names is None or name in around.names
        start = _followed(around, name).rstrip("/")
        return _Folder(f"{path}/", f"{start}/", _listing(path) if is_there else frozenset())


def _spots(folder: _Folder, last: str) -> list[Spot]:
    """What a path in a directory stands for."""
    if "*" in last or "?" in last or "[" in last:
        start = last.partition("*")[0].partition("?")[0].partition("[")[0]
        names = sorted(name for name in folder.names or () if name.startswith(start) and _matches(name, last))
        return [(_followed(folder, name), folder.written + name) for name in names]
    return [(_followed(folder, last), folder.written + last)]


def _followed(folder: _Folder, name: str) -> str:
    """A path with its links followed. What is not there has no link, but a directory above it may be one."""
    path = folder.path + name
    if folder.names is None:
        # A directory may let us through and not be listed.
        return real(path)
    return real(path) if name in folder.names and os.path.islink(path) else path


def real(path: str) -> str:
    """A path with its links followed as far as they lead."""
    return os.path.realpath(path)


def is_below(path: str, directory: str) -> bool:
    """Whether a path is a directory or lies in it."""
    return directory in ("/", path) or path.startswith(directory + "/")


def _below(path: str, directories: tuple[str, ...]) -> bool:
    return any(is_below(path, directory) for directory in directories)


def _with_variables(path: str, environment: Mapping[str, str]) -> str:
    """A path with `$NAME` and `${NAME}` replaced; KeyError names a variable that is not set."""
    if "$" not in path:
        return path
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
