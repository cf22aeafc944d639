"""The profiles: every name of the command line has its rules."""

from __future__ import annotations

import pytest

from picobox.cli.options import PROFILES
from picobox.profile import LINUX, NT, profile_of


@pytest.mark.parametrize("name", PROFILES)
def test_every_name_of_the_command_line_is_a_profile(name: str) -> None:
    assert profile_of(name).name == name


def test_rules() -> None:
    assert not LINUX.translates
    assert [profile_of(name).windows for name in ("nt", "wsl1", "windows10", "windows11")] == [0, 0, 10, 11]
    assert [name for name in PROFILES if profile_of(name).wsl] == ["wsl1"]
    assert NT.translates


def test_other_names_are_none() -> None:
    with pytest.raises(KeyError):
        profile_of("windows")
