"""Finds and reads the settings of a check: picobox.toml or [tool.picobox] of pyproject.toml, below them the user's."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN_NAME = "picobox.toml"
PROJECT_NAME = "pyproject.toml"


class Drive(NamedTuple):
    """A drive: its letter, and the directory that is its root, absolute."""

    letter: str
    path: str


class Ignore(NamedTuple):
    """Findings that are not to count: those of `rules`, at a path, by a program; what is empty says nothing.

    `path` and `process` are patterns as picobox.findings.suppress reads them; `base` is the directory that `path` is
    relative to, `place` tells a reader where the entry stands.
    """

    rules: tuple[str, ...]
    path: str
    process: str
    reason: str
    base: str
    place: str


class Config(NamedTuple):
    """What the files say; None or empty where they say nothing. Paths are absolute.

    `directory` is where the project's file lies; `warnings` are for the user, each one line.
    """

    profile: str | None = None
    enforce: bool | None = None
    fail_on: str | None = None
    format: str | None = None
    output: str | None = None
    baseline: str | None = None
    windows_prefix: str | None = None
    share: tuple[str, ...] = ()
    rules: Mapping[str, str] = {}
    drives: tuple[Drive, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    directory: str = ""
    warnings: tuple[str, ...] = ()


def load(directory: str, file: str | None = None) -> Config:
    """The settings for a project: of `file`, else of the nearest file at `directory` or above it; and of the user.

    Raises PicoboxError for a file that cannot be read, is no TOML, or holds what nobody knows.
    """
    warnings: list[str] = []
    if file is None:
        project = nearest_settings(os.path.abspath(directory), warnings)
    else:
        project = settings_of(os.path.abspath(file))
        if project is None:
            raise PicoboxError(f"{file}: there is no [tool.picobox] in it. Add one, or name another file.")
    config = Config()
    user = user_file()
    for found in (settings_of(user) if os.path.exists(user) else None, project):
        if found is not None:
            config = layered(config, _checked(found))
    where = os.path.dirname(project.file) if project else ""
    return config._replace(directory=where, warnings=tuple(warnings))


def layered(below: Config, above: Config) -> Config:
    """Both together; where both speak of one thing, `above` is right."""
    said = {name: value for name, value in above._asdict().items() if value is not None}
    drives = {drive.letter: drive for drive in (*below.drives, *above.drives)}
    return below._replace(**said)._replace(
        share=(*below.share, *above.share),
        rules={**below.rules, **above.rules},
        drives=tuple(drives.values()),
        ignores=(*below.ignores, *above.ignores),
    )


class Settings(NamedTuple):
    """What a file holds for picobox, not yet looked at; `text`: the whole file."""

    file: str
    values: dict[str, Any]
    text: str = ""


def _checked(found: Settings) -> Config:
    from picobox.findings.config_values import checked

    return checked(found)


def user_file() -> str:
    """The user's own file, by the XDG base directory specification; a relative XDG_CONFIG_HOME is to be ignored."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = home if os.path.isabs(home) else os.path.expanduser("~/.config")
    return os.path.join(base, "picobox", "config.toml")


def nearest_settings(directory: str, warnings: list[str], *, skim: bool = False) -> Settings | None:
    """What the nearest file at a directory or above it holds; None: there is none. Appends what a user should know.

    `skim`: a pyproject.toml without the word picobox is not parsed, which costs as much as starting a program.
    """
    for place in _upwards(directory):
        own, project = os.path.join(place, OWN_NAME), os.path.join(place, PROJECT_NAME)
        shared = settings_of(project, skim=skim) if os.path.exists(project) else None
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
    """What a file holds for picobox; None if it is a pyproject.toml without it. `skim` as in nearest_settings."""
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
