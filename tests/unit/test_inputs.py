"""What the table of inputs may say, and that only pinned bytes are ever handed to a test."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from inputs import REPOSITORY, Input, MissingInputError, input_file, load

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

ENTRIES = list(load().values())


def fetch_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch", REPOSITORY / ".ci" / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entry_pins_a_release_by_version_and_bytes(entry: Input) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", entry.pypi)
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert entry.file.endswith((".whl", ".tar.gz"))


def test_two_entries_never_share_a_place() -> None:
    assert len({entry.path() for entry in ENTRIES}) == len(ENTRIES)


def test_unknown_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "inputs.toml").write_text('[a]\npypi = "a==1"\nfile = "a.whl"\nsha256 = "0"\nmembre = "b"\n')
    with pytest.raises(TypeError, match="membre"):
        load(tmp_path / "inputs.toml")


def test_missing_input_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"not in .*: run `.ci/run fetch` once"):
        input_file(ENTRIES[0].name, tmp_path)


def test_changed_input_is_never_handed_out(tmp_path: Path) -> None:
    path = ENTRIES[0].path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"{}")
    with pytest.raises(MissingInputError, match=r"not what \.ci/inputs\.toml pins"):
        input_file(ENTRIES[0].name, tmp_path)


def test_pinned_bytes_are_sound_and_no_others() -> None:
    pinned = Input("a", "a==1", "a.whl", hashlib.sha256(b"data").hexdigest())
    assert pinned.is_sound(b"data")
    assert not pinned.is_sound(b"Data")


def test_member_of_either_kind_of_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("a/b.json", "{}")
    with tarfile.open(tmp_path / "a-1.tar.gz", "w:gz") as source:
        entry = tarfile.TarInfo("a-1/b.json")
        entry.size = 2
        source.addfile(entry, io.BytesIO(b"[]"))
    member_of = fetch_module().member_of
    assert member_of(tmp_path / "a-1-py3-none-any.whl", "a/b.json") == b"{}"
    assert member_of(tmp_path / "a-1.tar.gz", "a-1/b.json") == b"[]"
    with pytest.raises(KeyError):
        member_of(tmp_path / "a-1.tar.gz", "a-1/c.json")
