"""What --drive and --case say: the volumes of a run."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ntshim.fs.rules import CaseMode
from picobox.errors import PicoboxError
from picobox.names import Meaning, Names
from picobox.platform.drives import Drives, real_directory
from picobox.platform.host import AT_FDCWD, own_tid

if TYPE_CHECKING:
    from types import SimpleNamespace

DEFAULT_LETTER = "C"
# Of the directory for temporary files, where Windows' rules hold.
TEMPORARY_LETTER = "T"
_SETTING = re.compile("([A-Za-z])=(.+)", re.DOTALL)
# WSL's own words for its mount option (facts/wsl1.md section 4.4).
CASE_ALIASES = {"off": CaseMode.INSENSITIVE, "dir": CaseMode.PER_DIRECTORY, "force": CaseMode.SENSITIVE}


def drives_of(options: SimpleNamespace, names: Names) -> Drives:
    """The drives that the options name; C: is the working directory if none of them is.

    `names` finds the working directory, which may be spelled otherwise. PicoboxError for what cannot be a drive.
    """
    letters = letters_of(options.drive, options.workdir, names)
    return Drives(letters, CASE_ALIASES.get(options.case) or CaseMode(options.case))


def letters_of(settings: list[str], workdir: str | None, names: Names) -> dict[str, bytes]:
    """The root directory of each drive that `LETTER=DIR` settings name, and of C:, by its letter."""
    letters: dict[str, bytes] = {}
    for given in settings:
        letter, root = _drive(given)
        if letter in letters:
            raise PicoboxError(f"--drive {given}: {letter}: is a drive already. Give each letter once.")
        letters[letter] = root
    if DEFAULT_LETTER not in letters:
        working_directory = _working_directory(os.fsencode(workdir or "."), names)
        if working_directory is not None:
            letters[DEFAULT_LETTER] = working_directory
    return letters


def _drive(given: str) -> tuple[str, bytes]:
    found = _SETTING.fullmatch(given)
    if found is None:
        raise PicoboxError(f"--drive {given}: write it as LETTER=DIR, such as D=/srv/data")
    letter, directory = found.groups()
    try:
        return letter.upper(), real_directory(os.fsencode(directory))
    except OSError as error:
        raise PicoboxError(f"--drive {given}: {error.strerror}. Name a directory that is there.") from None


def _working_directory(path: bytes, names: Names) -> bytes | None:
    """The root of C:; None if there is no such directory, which is told when the program starts."""
    found = names.find(own_tid(), AT_FDCWD, path, Meaning(follow=True)).path
    try:
        return real_directory(path if found is None else found)
    except OSError:
        return None
