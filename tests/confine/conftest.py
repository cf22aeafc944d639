"""Directories of tests that everybody may enter."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .guests import NOBODY, USERS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def usual_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are as users have them: behind walls unless they say otherwise."""
    monkeypatch.delenv("PICOBOX_POLICY")


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest) -> str:
    """Who runs picobox."""
    return str(request.param)


@pytest.fixture
def place(user: str) -> Iterator[Path]:
    """An empty directory of the user's own, which others may enter; pytest's own are for one user alone."""
    directory = Path(tempfile.mkdtemp(prefix="picobox-walls-"))
    if user == "nobody":
        os.chown(directory, NOBODY, NOBODY)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
