"""Owns what looks names up in a run, as its options say; where they say nothing, it is made for the first name."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from picobox.abi.row import NAMES, OBSERVERS
from picobox.cli.options import CASE_MODES
from picobox.errors import PicoboxError
from picobox.platform.guest_mounts import GuestMounts
from picobox.profile import NT, profile_of

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.names import Names, Resolver
    from picobox.nt_files.process import NtFiles
    from picobox.platform.base import Platform
    from picobox.platform.name_table import NameTable

# Those of Names whose only drive is the working directory, and to which case counts nowhere.
_PLAIN_FEATURES = frozenset((NAMES, OBSERVERS))


class Naming:
    """The names of a run. PicoboxError for options that contradict each other."""

    def __init__(self, options: SimpleNamespace, nt_files: NtFiles | None = None) -> None:
        self.translates = profile_of(options.profile).translates
        self.is_walled = False
        # Whose names this process may not look up: see PseudoDevices.
        self._served = None if nt_files is None else nt_files.place
        self._guest_mounts: GuestMounts | None = None
        self._table: NameTable | None = None
        self._resolver: Resolver | None = None
        # What there is of Names by now; None for good if the names are the host's own.
        self.made: Names | None = None
        if _is_plain(options):
            self._table = _new_table()
            self._directory = _working_directory()
        else:
            self.made = make_names(options)

    @property
    def features(self) -> frozenset[str]:
        """The features of the table that are active with these names."""
        if self.made is not None:
            return self.made.features
        return _PLAIN_FEATURES if self.translates else frozenset()

    def watch_mounts(self, platform: Platform) -> None:
        """Guests may mount file systems that they serve; see GuestMounts. Nothing of theirs is mounted yet."""
        with suppress(OSError):
            self._guest_mounts = GuestMounts()
            cast("Resolver", platform).watch_mounts()

    def names(self) -> Names | None:
        """What looks names up; None if they are the host's own."""
        if self.made is None and self._table is not None:
            self.made = _plain_names(self._table, self._directory)
            self.made.resolver = self._resolver
        if self.made is not None:
            self.made.walled = self.is_walled
            self.made.pseudo.served = self._served
            self.made.pseudo.guest_mounts = self._guest_mounts
        return self.made

    def bind(self, platform: Platform, *, resolves: bool) -> None:
        """The platform on which no guest runs yet; `resolves`: the core is to look names up by itself where it can."""
        if resolves:
            self.resolve_by(platform)
        if not self.is_walled:
            self.watch_mounts(platform)

    def resolve_by(self, platform: Platform) -> None:
        """See Names.resolve_by. The core would look up all names, and so some that we serve: it does not, then."""
        if self._served is not None:
            return
        resolver = cast("Resolver", platform)
        if self.made is not None:
            self.made.resolve_by(resolver)
        elif self._table is not None:
            self._resolver = resolver
            resolver.resolve_names(self._table)

    def stored(self, path: bytes, directory: bytes) -> bytes:
        """The stored spelling of a path of ours below a directory, which may be empty."""
        below = b"" if not directory or path.startswith(b"/") else directory + b"/"
        if not self.translates:
            return path
        if self._table is not None and (_is_there(below + path) or _is_in_no_spelling(below + path)):
            return path
        from picobox.names import Meaning
        from picobox.platform import host

        names = cast("Names", self.names())
        found = names.find(host.own_tid(), host.AT_FDCWD, below + path, Meaning(follow=True)).path
        return path if found is None else found.removeprefix(below)


def _is_plain(options: SimpleNamespace) -> bool:
    """Whether an option asks for nothing but what there is without any."""
    asks = (options.drive, options.workdir, options.share, options.windows_prefix, options.faithful)
    return profile_of(options.profile) is NT and options.case == CASE_MODES[0] and not any(asks)


def _new_table() -> NameTable:
    try:
        from picobox.platform.name_table import NameTable
    except ImportError as error:
        raise no_core(error) from None
    return NameTable()


def _working_directory() -> bytes | None:
    """The root of the only drive, as it is now: a guest may move it before somebody asks."""
    try:
        directory = os.getcwdb()
    except OSError:
        return None
    return directory if directory.startswith(b"/") else None


def _is_there(path: bytes) -> bool:
    """Whether a path is right as it is spelled: what the host finds is what is meant."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _is_in_no_spelling(path: bytes) -> bool:
    """Whether nothing of a path that is not there has its first missing name, in any case; false if that is not plain.

    Most directories of PATH lack the program that is looked for, and what looks names up takes milliseconds to load.
    """
    above = path
    while True:
        above, name = os.path.split(above.rstrip(b"/"))
        if not name or not name.isascii():
            return False
        try:
            names = os.listdir(above or b".")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return False
        folded = name.lower()
        # What other letters are folded to is not known here. A link that leads nowhere is found by its name.
        return not any(each.lower() == folded or not each.isascii() for each in names)


def _plain_names(table: NameTable, directory: bytes | None) -> Names:
    from ntshim.fs.rules import CaseMode
    from picobox.cli.drives import DEFAULT_LETTER
    from picobox.names import Names
    from picobox.platform.drives import Drives
    from picobox.platform.names import NativeIndex

    index = NativeIndex(table=table)
    letters = {} if directory is None else {DEFAULT_LETTER: directory}
    names = Names(index, Drives(letters, CaseMode.INSENSITIVE))
    names.sparing = index
    return names


def make_names(options: SimpleNamespace) -> Names | None:
    """What looks names up under the profile of a run; None if they are the host's own."""
    profile = profile_of(options.profile)
    if options.faithful and not profile.wsl:
        raise PicoboxError(f"--faithful: profile {profile.name} has no faults of WSL1. Choose --profile wsl1.")
    if not profile.windows:
        for option, given in (("share", options.share), ("windows-prefix", options.windows_prefix)):
            if given:
                raise PicoboxError(f"--{option}: profile {profile.name} has no such rule. Add --profile windows11.")
    if not profile.translates:
        for option, given in (("drive", options.drive), ("case", options.case != CASE_MODES[0])):
            if given:
                raise PicoboxError(
                    f"--{option}: profile {profile.name} changes no names. Leave --profile {profile.name} out."
                )
        return None
    from picobox.cli.drives import drives_of
    from picobox.names import Names

    try:
        from picobox.platform.names import NativeIndex
    except ImportError as error:
        raise no_core(error) from None
    index = NativeIndex()
    if profile.windows:
        from picobox.cli.windows import windows_names

        names = windows_names(options, profile, index)
    elif profile.wsl:
        from picobox.cli.wsl import lay_out

        names = Names(index, *lay_out(options, Names(index)))
    else:
        names = Names(index, drives_of(options, Names(index)), profile)
    names.sparing = index
    return names


def no_core(error: ImportError) -> PicoboxError:
    """What a missing C core is to the user."""
    return PicoboxError(f"the C core is not built ({error}): install picobox-nt with pip on this machine")
