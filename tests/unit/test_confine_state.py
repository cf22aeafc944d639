"""What is remembered of a user between runs, and what is not made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.confine.state import State

if TYPE_CHECKING:
    from pathlib import Path


def test_a_hint_is_given_once(tmp_path: Path) -> None:
    for environment in ({"HOME": str(tmp_path)}, {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": "/nonexistent"}):
        assert State(environment).first_time("hint")
        assert not State(environment).first_time("hint")
        assert State(environment).first_time("other")


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert not State({"HOME": str(tmp_path / "none")}).first_time("hint")
    assert not (tmp_path / "none").exists()
