"""Layers committed: the host is as if the same had been done there, whatever it was, however often interrupted."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import commit_cases, committed
from .guests import NOBODY
from .mounted import ROOT, apart

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS = (ROOT, NOBODY) if os.geteuid() == 0 else (os.geteuid(),)


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest) -> int:
    """Who runs picobox."""
    return int(request.param)


@pytest.fixture
def place(user: int) -> Iterator[str]:
    """A directory of the user's own, in memory: much is synchronised."""
    directory = Path(tempfile.mkdtemp(prefix="picobox-layers-", dir="/dev/shm"))
    os.chown(directory, user, -1)
    yield str(directory)
    shutil.rmtree(directory)


def test_a_commit_equals_what_was_done_directly(place: str, user: int) -> None:
    apart(committed.sequences, place, 0, 4, user=user)


def test_so_do_operations_that_nobody_has_seen(place: str, user: int) -> None:
    apart(committed.sequences, place, random.SystemRandom().randrange(10**6, 10**9), 1, user=user)


def test_a_commit_that_is_killed_is_finished_by_the_next(place: str, user: int) -> None:
    apart(committed.interruptions, place, 0, 3, user=user)


def test_what_the_host_changed_meanwhile_counts(place: str, user: int) -> None:
    apart(commit_cases.carry_out, place, user == ROOT, user=user)


@pytest.mark.full
@pytest.mark.parametrize("shard", range(8))
def test_every_commit_equals_what_was_done_directly(place: str, user: int, shard: int) -> None:
    apart(committed.sequences, place, 100 + 100 * shard, 100, user=user)


@pytest.mark.full
@pytest.mark.parametrize("shard", range(4))
def test_every_commit_that_is_killed_is_finished(place: str, user: int, shard: int) -> None:
    apart(committed.interruptions, place, 1000 + 60 * shard, 60, user=user)
