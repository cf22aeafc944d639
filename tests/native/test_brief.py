"""Builds what is known of brief files with a C program in place of guests, plainly and under the sanitizers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .test_core import BUILDS, HERE, core_sources, passes_in_place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("flags", BUILDS)
def test_brief_files(tmp_path: Path, flags: tuple[str, ...]) -> None:
    passes_in_place(tmp_path, flags, [str(HERE / "brief_test.c"), *core_sources()])
