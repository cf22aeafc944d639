"""Names of NT's as names of files."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picobox.nt_files.escape import meant, spelt


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        (b"Local", b"Local"),
        (b"a/b", b"a%2Fb"),
        (b"a\nb", b"a%0Ab"),
        (b"\0", b"%00"),
        (b"100%", b"100%25"),
        (b".", b"%2E"),
        (b"..", b"%2E%2E"),
        (b"...", b"..."),
        ("é".encode(), "é".encode()),
    ],
)
def test_spelling(name: bytes, spelling: bytes) -> None:
    assert spelt(name) == spelling
    assert meant(spelling) == name


@pytest.mark.parametrize("spelling", [b"%41", b"%2f", b"a%", b"%2E%2Ea", b""])
def test_what_is_no_spelling(spelling: bytes) -> None:
    assert meant(spelling) is None


@given(st.binary(min_size=1))
def test_every_name_has_one(name: bytes) -> None:
    spelling = spelt(name)
    assert meant(spelling) == name
    assert b"/" not in spelling
    assert b"\0" not in spelling
    assert spelling not in (b".", b"..")


def test_runs_without_the_tree_load_nothing_of_it() -> None:
    program = "import sys, picobox.confine.namespaces, picobox.platform.host\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert [name for name in loaded.split() if name.startswith("picobox.nt_files")] == []
