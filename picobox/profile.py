"""The profiles: which rules a program meets under each name."""

from __future__ import annotations

from typing import NamedTuple


class Profile(NamedTuple):
    """The rules of a run (design section 6).

    `translates`: the names that guests write are looked up; without it the host's rules hold alone, all else is off.
    `windows`: the version of Windows, 10 or 11, whose Win32 rules hold on the drives; 0: none do.
    `wsl`: the tree is laid out and behaves as WSL1 has it: VolFs with the drives mounted in it.
    """

    name: str
    translates: bool = True
    windows: int = 0
    wsl: bool = False


LINUX = Profile("linux", translates=False)
NT = Profile("nt")
_ALL = (LINUX, NT, Profile("wsl1", wsl=True), Profile("windows10", windows=10), Profile("windows11", windows=11))


def profile_of(name: str) -> Profile:
    """The profile of that name. KeyError if there is none."""
    return {profile.name: profile for profile in _ALL}[name]
