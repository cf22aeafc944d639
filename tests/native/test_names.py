"""Builds the directory index with a C program in place of Python and runs it, plainly and under the sanitizers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .test_core import BUILDS, HERE, NATIVE, passes_in_place

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("names.c", "name_directories.c", "name_observers.c", "name_table.c", "release.c")


@pytest.mark.parametrize("flags", BUILDS)
def test_names(tmp_path: Path, flags: tuple[str, ...]) -> None:
    passes_in_place(tmp_path, flags, [str(HERE / "names_test.c"), *(str(NATIVE / name) for name in SOURCES)])
