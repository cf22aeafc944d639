"""What the options of a run say under profile wsl1: how drives are mounted, faults, where the program starts."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from ntshim.fs.rules import CaseMode
from ntshim.lx.attributes import INVALID_ID, MountOptions
from picobox.cli.drives import letters_of
from picobox.errors import PicoboxError
from picobox.faults import faults_of
from picobox.platform import mounts
from picobox.platform.drives import Drives
from picobox.platform.host import own_ids
from picobox.profile import profile_of
from picobox.wsl import KERNEL_TEXTS, WSLPATH, Wsl

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.names import Names
    from picobox.profile import Profile

_CASES = {"off": CaseMode.FLAGGED, "dir": CaseMode.PER_DIRECTORY, "force": CaseMode.SENSITIVE}
_CASE_WORDS = {"insensitive": "off", "per-directory": "dir", "sensitive": "force"}
_NUMBERS = {"uid": 10, "gid": 10, "umask": 8, "dmask": 8, "fmask": 8}
_LIMITS = {10: INVALID_ID, 8: 0o1000}
_REMEDY = "after DIR: metadata, uid=, gid=, umask=, dmask=, fmask=, case=off|dir|force, ro"


def lay_out(options: SimpleNamespace, names: Names) -> tuple[Drives, Profile, Wsl]:
    """Mount the drives and start where the working directory is now; PicoboxError for what cannot be.

    `names` finds the working directory on the host.
    """
    faults = faults_of(options.faithful) if options.faithful else frozenset[str]()
    user, group = own_ids()
    case = _CASE_WORDS.get(options.case, options.case)
    settings, mounted = [], {}
    for given in options.drive:
        setting, *words = given.split(",")
        settings.append(setting)
        mounted[setting[:1].upper()] = _mount_options(given, words, MountOptions(uid=user, gid=group, case=case))
    letters = letters_of(settings, options.workdir, names)
    for letter in letters:
        mounted.setdefault(letter, MountOptions(uid=user, gid=group, case=case))
    drives = [mounts.DriveMount(letter, path, mounted[letter].read_only) for letter, path in sorted(letters.items())]
    workdir = os.fsencode(options.workdir or ".")
    mounts.lay_out(drives, KERNEL_TEXTS, {WSLPATH: _wslpath_script()})
    start = mounts.place_of(drives, workdir)
    if start is not None:
        options.workdir = os.fsdecode(start)
        if "PWD" in os.environ:
            # A shell believes it where it leads to its directory, which the host's name does too.
            options.env = [f"PWD={options.workdir}", *options.env]
    modes = {letter: _CASES[mounted[letter].case] for letter in letters}
    targets = {drive.letter: drive.target for drive in drives}
    return Drives(targets, CaseMode.SENSITIVE, modes), profile_of("wsl1"), Wsl(mounted, faults)


def _wslpath_script() -> bytes:
    """The program wslpath: the verb, run by this interpreter, whose path may be longer than a `#!` line."""
    return b'#!/bin/sh\nexec %s -P -m picobox wslpath "$@"\n' % os.fsencode(shlex.quote(sys.executable))


def _mount_options(given: str, words: list[str], options: MountOptions) -> MountOptions:
    """The options of one drive (facts/wsl1.md section 4.4)."""
    numbers = {name: getattr(options, name) for name in _NUMBERS}
    for word in words:
        name, equals, value = word.partition("=")
        if word == "metadata":
            options = options._replace(metadata=True)
        elif word == "ro":
            options = options._replace(read_only=True)
        elif name == "case" and value in _CASES:
            options = options._replace(case=value)
        elif name in _NUMBERS and equals:
            numbers[name] = _number(given, word, value, _NUMBERS[name])
        else:
            raise PicoboxError(f"--drive {given}: {word or 'nothing'} is no option of a drive; {_REMEDY}")
    return MountOptions(options.metadata, **numbers, case=options.case, read_only=options.read_only)


def _number(given: str, word: str, value: str, base: int) -> int:
    try:
        number = int(value, base) if value.isascii() and value.isdigit() else -1
    except ValueError:
        number = -1
    if not 0 <= number < _LIMITS[base]:
        raise PicoboxError(f"--drive {given}: {word} is out of range: ids are decimal, masks octal up to 777")
    return number
