"""Each step is taken from the states that WSL's service takes it from, and what is seen has WSL's precedence."""

from __future__ import annotations

import pytest

from picobox.session.errors import ErrorCode, SessionError
from picobox.session.states import LOCKED, WRITTEN, State, Step, after, present

# Facts wsl1.md 5.2: start, export and set-default need Installed (which a running instance is in the registry).
INSTALLED_ONLY = (Step.START, Step.EXPORT, Step.CONVERT, Step.SET_DEFAULT, Step.CONFIGURE)


@pytest.mark.parametrize("written", sorted(WRITTEN))
@pytest.mark.parametrize("locked", [None, *sorted(LOCKED)])
@pytest.mark.parametrize("runs", [False, True])
def test_running_counts_before_the_lock_list_and_that_before_the_registry(
    written: State, locked: State | None, runs: bool
) -> None:
    expected = State.RUNNING if runs else written
    if not runs and written == State.INSTALLED and locked is not None:
        expected = locked
    assert present(written, locked, runs) == expected


@pytest.mark.parametrize("step", INSTALLED_ONLY)
@pytest.mark.parametrize("state", sorted(set(State) - {State.INSTALLED, State.RUNNING}))
def test_what_comes_or_goes_or_is_locked_is_left_alone(step: Step, state: State) -> None:
    with pytest.raises(SessionError) as caught:
        after(state, step, "Debian")
    assert caught.value.code == ErrorCode.E_ILLEGAL_STATE_CHANGE
    assert "Debian" in str(caught.value)


def test_a_life() -> None:
    steps = [Step.REGISTER, Step.FINISH, Step.START, Step.START, Step.EXPORT, Step.END, Step.UNREGISTER, Step.VANISH]
    state, seen = State.INVALID, []
    for step in steps:
        state = after(state, step, "Debian")
        seen.append(state.name)
    assert seen == [
        "INSTALLING", "INSTALLED", "RUNNING", "RUNNING", "EXPORTING", "INSTALLED", "UNINSTALLING", "INVALID",
    ]  # fmt: skip


def test_only_what_may_be_written_is_left_in_the_registry() -> None:
    """Whatever step is taken, a state that is not written has one that ends it."""
    ends = {State.RUNNING: Step.STOP, State.CONVERTING: Step.END, State.EXPORTING: Step.END}
    for state in set(State) - WRITTEN - {State.INVALID}:
        assert after(state, ends[state], "Debian") in WRITTEN
