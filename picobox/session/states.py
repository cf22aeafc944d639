"""Owns the states of an instance, and from which of them each step may be taken (facts wsl1.md 5.2).

Installed, Installing and Uninstalling are written down. Who holds the lock of a running instance makes it Running, who
holds the lock of one that he converts or exports makes it that; the kernel takes these locks back when their holder
ends, however that comes about.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import TYPE_CHECKING

from picobox.session.errors import ErrorCode, SessionError

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(IntEnum):
    """What an instance is at a time; the numbers are those of the registry's value `State`."""

    INVALID = 0
    INSTALLED = 1
    RUNNING = 2
    INSTALLING = 3
    UNINSTALLING = 4
    CONVERTING = 5
    EXPORTING = 6


# What the registry may say.
WRITTEN = frozenset((State.INSTALLED, State.INSTALLING, State.UNINSTALLING))
# What takes an instance for itself while it lasts, in the lock list.
LOCKED = frozenset((State.CONVERTING, State.EXPORTING))
# What a listing has only if all is asked for.
PASSING = frozenset((State.INSTALLING, State.UNINSTALLING, State.CONVERTING, State.EXPORTING))


class Step(IntEnum):
    """What is done to an instance."""

    REGISTER = auto()
    FINISH = auto()
    FAIL = auto()
    START = auto()
    STOP = auto()
    SET_DEFAULT = auto()
    CONFIGURE = auto()
    EXPORT = auto()
    CONVERT = auto()
    END = auto()
    UNREGISTER = auto()
    VANISH = auto()


_STEPS: Mapping[tuple[State, Step], State] = {
    (State.INVALID, Step.REGISTER): State.INSTALLING,
    (State.INSTALLING, Step.FINISH): State.INSTALLED,
    (State.INSTALLING, Step.FAIL): State.UNINSTALLING,
    (State.INSTALLED, Step.START): State.RUNNING,
    # A second client joins.
    (State.RUNNING, Step.START): State.RUNNING,
    (State.INSTALLED, Step.STOP): State.INSTALLED,
    (State.RUNNING, Step.STOP): State.INSTALLED,
    (State.INSTALLED, Step.SET_DEFAULT): State.INSTALLED,
    (State.RUNNING, Step.SET_DEFAULT): State.RUNNING,
    # A change stops it: what runs would go on as it was.
    (State.INSTALLED, Step.CONFIGURE): State.INSTALLED,
    (State.RUNNING, Step.CONFIGURE): State.INSTALLED,
    (State.INSTALLED, Step.EXPORT): State.EXPORTING,
    (State.RUNNING, Step.EXPORT): State.EXPORTING,
    (State.EXPORTING, Step.END): State.INSTALLED,
    (State.INSTALLED, Step.CONVERT): State.CONVERTING,
    (State.RUNNING, Step.CONVERT): State.CONVERTING,
    (State.CONVERTING, Step.END): State.INSTALLED,
    (State.INSTALLED, Step.UNREGISTER): State.UNINSTALLING,
    (State.RUNNING, Step.UNREGISTER): State.UNINSTALLING,
    (State.UNINSTALLING, Step.VANISH): State.INVALID,
}


def present(written: State, locked: State | None, runs: bool) -> State:
    """What an instance is: running counts before the lock list, and that before the registry if it is installed."""
    if runs:
        return State.RUNNING
    if written == State.INSTALLED and locked is not None:
        return locked
    return written


def after(state: State, step: Step, name: str) -> State:
    """What comes of a step; E_ILLEGAL_STATE_CHANGE if it cannot be taken from there."""
    found = _STEPS.get((state, step))
    if found is None:
        raise SessionError(
            ErrorCode.E_ILLEGAL_STATE_CHANGE,
            f"{name}: it is {state.name.lower()} and cannot {step.name.lower().replace('_', ' ')}. "
            f"Wait until that has ended; `picobox instance list --all -v` tells.",
        )
    return found
