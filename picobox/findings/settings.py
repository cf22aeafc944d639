"""Finds and reads the files that hold settings: picobox.toml or [tool.picobox] of pyproject.toml, and the user's."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_NAME = "picobox.toml"
PROJECT_NAME = "pyproject.toml"


class Settings(NamedTuple):
    """What a file holds for picobox, not yet looked at; `text`: the whole file."""

    file: str
    values: dict[str, Any]
    text: str = ""


def user_file() -> str:
    """The user's own file, by the XDG base directory specification; a relative XDG_CONFIG_HOME is to be ignored."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = home if os.path.isabs(home) else os.path.expanduser("~/.config")
    return os.path.join(base, "picobox", "config.toml")


def nearest_settings(directory: str, warnings: list[str]) -> Settings | None:
    """What the nearest file at a directory or above it holds; None: there is none. Appends what a user should know.

    A pyproject.toml without the word picobox is not parsed, which costs as much as starting a program.
    """
    for place in _upwards(directory):
        own, project = os.path.join(place, OWN_NAME), os.path.join(place, PROJECT_NAME)
        shared = settings_of(project, skim=True) if os.path.exists(project) else None
        if not os.path.exists(own):
            if shared is not None:
                return shared
            continue
        if shared is not None:
            warnings.append(f"{project}: [tool.picobox] is not read, since there is {own}. Keep one of them.")
        return settings_of(own)
    return None


def _upwards(directory: str) -> Iterator[str]:
    """A directory and those above it, to the one that holds the repository.

    What everybody may write, as /tmp, is nobody's project: settings there may be anybody's.
    """
    place, last = directory, ""
    while place != last:
        yield place
        if os.path.exists(os.path.join(place, ".git")):
            return
        last, place = place, os.path.dirname(place)
        try:
            if os.stat(place).st_mode & stat.S_IWOTH:
                return
        except OSError:
            return


def settings_of(file: str, *, skim: bool = False) -> Settings | None:
    """What a file holds for picobox; None if it is a pyproject.toml without it.

    `skim`: one without the word is not parsed.
    """
    try:
        with open(file, "rb") as opened:
            content = opened.read()
    except OSError as error:
        raise PicoboxError(f"{file}: {error.strerror}. Name a file that you may read.") from None
    if skim and os.path.basename(file) == PROJECT_NAME and b"picobox" not in content:
        return None
    text = _text(file, content)
    values = _parsed(file, text)
    if os.path.basename(file) != PROJECT_NAME:
        return Settings(file, values, text)
    tool = values.get("tool", {})
    if not isinstance(tool, dict) or "picobox" not in tool:
        return None
    if not isinstance(tool["picobox"], dict):
        raise PicoboxError(f"{file}: tool.picobox is a {type(tool['picobox']).__name__}. Write it as a table.")
    return Settings(file, tool["picobox"], text)


def _text(file: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise PicoboxError(f"{file}: byte {error.start} is not UTF-8, which TOML is. Save the file as UTF-8.") from None


def _parsed(file: str, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PicoboxError(f"{file}: {error}. Mend the TOML there.") from None
    except RecursionError:
        raise PicoboxError(f"{file}: it is nested too deeply to be read. Mend the TOML there.") from None
