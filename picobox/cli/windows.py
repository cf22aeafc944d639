"""What --share and --windows-prefix say, and which drives a run under the rules of Windows has."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ntshim.fs.names import from_host
from ntshim.fs.rules import CaseMode
from ntshim.io.share import FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE
from picobox.cli.drives import DEFAULT_LETTER, TEMPORARY_LETTER, letters_of
from picobox.cli.options import CASE_MODES
from picobox.cli.prefix import windows_prefix
from picobox.errors import PicoboxError
from picobox.names import Names
from picobox.platform.drives import Drives, real_directory
from picobox.runtimes import Runtimes, Shares
from picobox.windows import WindowsRules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import SimpleNamespace

    from ntshim.fs.view import DirectoryIndex
    from picobox.profile import Profile

_SHARES = {"R": FILE_SHARE_READ, "W": FILE_SHARE_WRITE, "D": FILE_SHARE_DELETE}
_MODE = re.compile("0|[RWD]{1,3}")


def windows_names(options: SimpleNamespace, profile: Profile, index: DirectoryIndex) -> Names:
    """What looks names up under a version of Windows; PicoboxError for options that cannot be used."""
    if options.case != CASE_MODES[0]:
        raise PicoboxError(
            f"--case: under profile {profile.name} the directories of drives say where case counts. Leave --case out."
        )
    letters = letters_of(options.drive, options.workdir, Names(index))
    _add_temporary_directory(letters, given=options.drive)
    drives = Drives(letters, CaseMode.INSENSITIVE, windows=True)
    prefixes = {volume.path: f"{volume.letters[0]}:" for volume in drives.volumes if volume.letters}
    working_directory = letters.get(DEFAULT_LETTER)
    if working_directory is not None:
        prefixes[working_directory] = windows_prefix(
            options.windows_prefix, from_host(working_directory.rpartition(b"/")[2])
        )
    names = Names(index, drives, profile)
    names.windows = WindowsRules(drives, profile.windows, Runtimes(shares_of(options.share)), prefixes)
    return names


def _add_temporary_directory(letters: dict[str, bytes], given: list[str]) -> None:
    """The temporary directory is a drive too, unless the drives are named."""
    if given:
        return
    try:
        temporary = real_directory(os.fsencode(os.environ.get("TMPDIR") or "/tmp"))  # noqa: S108 - the guests'; nothing is made there
    except OSError:
        return
    if temporary not in letters.values():
        letters[TEMPORARY_LETTER] = temporary


def shares_of(settings: Iterable[str]) -> Shares:
    """What --share says; the last of several for one program counts."""
    everywhere: int | None = None
    by_name: dict[bytes, int] = {}
    for given in settings:
        program, equals, mode = given.rpartition("=")
        if _MODE.fullmatch(mode) is None or len(set(mode)) < len(mode) or (equals and not program):
            raise PicoboxError(
                f"--share {given}: write letters of RWD, or 0, after the name of a program if you like: python3=RWD"
            )
        share = sum(_SHARES.get(letter, 0) for letter in mode)
        if program:
            by_name[os.fsencode(program)] = share
        else:
            everywhere = share
    return Shares(everywhere, by_name)
