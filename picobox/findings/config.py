"""Owns the settings of a check: those of the project, below them the user's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from picobox.errors import PicoboxError
from picobox.findings.settings import nearest_settings, settings_of, user_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.findings.settings import Settings


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


def _checked(found: Settings) -> Config:
    from picobox.findings.config_values import checked

    return checked(found)
