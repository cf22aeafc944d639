"""Two sandboxes of one user share no name, no object of NT and no handle; within one of them they are shared."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pytest
from build import compile_source

from picobox.confine.policy import READ

from .guests import command_looked_at, policy_of

if TYPE_CHECKING:
    from types import TracebackType

SHARED = {"memory", "semaphore", "queue", "segment", "set", "messages", "abstract", "temporary"}
HELD = 5
# Of the handles of one that only has what it was started with.
STANDARD = 3


class Seen(NamedTuple):
    """After a word to the guest: what it has found, and what NT has."""

    found: dict[str, bool]
    nt: dict[str, Any]


class Sandbox:
    """A sandbox whose guest does a word at a time."""

    def __init__(self, user: str, place: Path, name: str) -> None:
        self._process = subprocess.Popen(
            command_looked_at(policy_of((place, READ)), user, (place / "shares", name)),
            cwd=place,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate(timeout=60)
        assert kind is not None or self._process.returncode == 0

    def does(self, word: str) -> Seen:
        """What comes of a word."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        found: dict[str, bool] = {}
        seen: dict[str, Any] = {}
        for line in self._process.stdout:
            if line == "over\n":
                return Seen(found, seen)
            head, _, rest = line.strip().partition(" ")
            if head == "NT":
                seen = json.loads(rest)
            else:
                found[head] = rest == "there"
        raise AssertionError("the guest has ended")


@pytest.fixture
def name(place: Path) -> str:
    """What the guests' things are called."""
    shutil.copy(compile_source(Path(__file__).with_name("shares.c")), place / "shares")
    return f"{place.name}-shared"


def test_they_share_nothing(user: str, place: Path, name: str) -> None:
    with Sandbox(user, place, name) as first, Sandbox(user, place, name) as second:
        assert first.does("find").found == dict.fromkeys(SHARED, False)
        made = first.does("make").nt
        assert {name, f"sem.{name}"} <= set(made["named"])
        assert (len(made["processes"]), len(made["threads"]), len(made["handles"])) == (2, 1, 1)
        assert len(made["handles"][0]) >= STANDARD + HELD
        # The other has the same user, policy, directory and program, and finds none of it.
        seen = second.does("find")
        assert seen.found == dict.fromkeys(SHARED, False)
        assert not {name, f"sem.{name}"} & set(seen.nt["named"])
        assert (len(seen.nt["processes"]), len(seen.nt["threads"])) == (2, 1)
        assert len(seen.nt["handles"][0]) < STANDARD + HELD
        # It can have its own by the same names, and what it takes away is its own.
        assert {name, f"sem.{name}"} <= set(second.does("make").nt["named"])
        assert not {name, f"sem.{name}"} & set(second.does("drop").nt["named"])
        kept = first.does("child")
        assert kept.found == dict.fromkeys(SHARED, True)
        assert {name, f"sem.{name}"} <= set(kept.nt["named"])


def test_within_one_they_are_shared(user: str, place: Path, name: str) -> None:
    with Sandbox(user, place, name) as one:
        one.does("make")
        assert one.does("child").found == dict.fromkeys(SHARED, True)
        assert one.does("drop").found == {}
        assert {thing for thing, there in one.does("child").found.items() if there} == {"abstract"}
