"""The names of a run that are made when somebody asks are those that would have been made at its start."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from picobox.cli import naming
from picobox.cli.naming import Naming, make_names

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.names import Names
    from picobox.platform.name_table import NameTable


def options(**said: Any) -> SimpleNamespace:
    none: dict[str, Any] = {
        "profile": "nt", "drive": [], "case": "insensitive", "workdir": None, "share": [], "windows_prefix": None,
        "faithful": [],
    }  # fmt: skip
    return SimpleNamespace(**{**none, **said})


def volumes(names: Names) -> list[tuple[object, ...]]:
    return [(*volume[:3], type(volume.rules)) for volume in names.drives.volumes]


class Resolver:
    """Takes the table that a platform would give to the core."""

    def __init__(self) -> None:
        self.tables: list[NameTable] = []

    def resolve_names(self, table: NameTable) -> None:
        self.tables.append(table)


def test_what_is_made_late_is_what_would_have_been_made_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    late, early = Naming(options()), make_names(options())
    assert late.made is None
    assert early is not None
    assert late.features == early.features
    monkeypatch.chdir("/")
    names = late.names()
    assert names is not None
    assert late.names() is names
    assert late.features == early.features
    assert names.profile is early.profile
    assert volumes(names) == volumes(early)
    assert (names.drives.folds_all, names.drives.keep_flags) == (early.drives.folds_all, early.drives.keep_flags)
    assert (names.windows, names.wsl) == (early.windows, early.wsl)


def test_a_directory_that_is_gone_is_no_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    late, early = Naming(options()).names(), make_names(options())
    assert late is not None
    assert early is not None
    assert volumes(late) == volumes(early)
    monkeypatch.chdir("/")


def test_the_core_and_we_have_one_table() -> None:
    resolver = Resolver()
    late = Naming(options())
    late.is_walled = True
    late.resolve_by(cast("Any", resolver))
    names = late.names()
    assert names is not None
    assert cast("Any", names.resolver) is resolver
    assert names.walled
    assert names.sparing is not None
    assert resolver.tables == [names.sparing.table]


@pytest.mark.parametrize(
    "said",
    [{"drive": ["D=/"]}, {"case": "per-directory"}, {"workdir": "/"}, {"profile": "windows11"}],
    ids=lambda said: next(iter(said)),
)
def test_what_is_asked_for_is_made_early(said: dict[str, Any]) -> None:
    assert Naming(options(**said)).made is not None


def test_the_hosts_own_names_need_nothing() -> None:
    of_host = Naming(options(profile="linux"))
    assert of_host.names() is None
    assert of_host.features == frozenset()
    assert of_host.stored(b"NOTHING", b"") == b"NOTHING"


def test_who_spells_exactly_needs_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Here").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(naming, "_plain_names", lambda *_: pytest.fail("it made names"))
    directory = os.fsencode(tmp_path)
    late = Naming(options())
    assert late.stored(b"Here", b"") == b"Here"
    assert late.stored(directory + b"/Here", b"/nowhere") == directory + b"/Here"
    assert late.stored(b"Here", directory) == b"Here"


@pytest.mark.parametrize("asked", [b"HERE", b"here/../hERE", b"LINK/file", b"Nowhere", b""])
def test_other_spellings_mean_what_they_mean_to_names(
    asked: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Here").write_text("")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "File").write_text("")
    (tmp_path / "link").symlink_to("dir")
    monkeypatch.chdir(tmp_path)
    early = Naming(options(drive=["D=/"]))
    assert Naming(options()).stored(asked, b"") == early.stored(asked, b"")


@pytest.mark.parametrize(
    ("path", "is_plain"),
    [
        ("bin/there", True),
        ("bin/missing", True),
        ("bin/nowhere/missing", True),
        ("nowhere/bin/there", True),
        ("./bin//missing", True),
        ("bin/../missing", True),
        ("nowhere/../bin", True),
        ("bin/THERE", False),
        ("BIN/there", False),
        ("BIN/missing", False),
        ("link/there", False),
        ("bin/leads", False),
        ("bin/LEADS", False),
        ("bin/there/missing", False),
        ("letters/missing", False),
        ("letters/\N{LATIN SMALL LETTER E WITH ACUTE}", False),
        ("", False),
    ],
)
def test_a_program_that_is_not_there_is_looked_up_only_if_it_may_be_spelled_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, is_plain: bool
) -> None:
    for name in ("bin", "letters"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "there").write_text("")
    (tmp_path / "bin" / "leads").symlink_to("NoWhere")
    (tmp_path / "link").symlink_to("Bin")
    (tmp_path / "letters" / "\N{LATIN CAPITAL LETTER E WITH ACUTE}").write_text("")
    monkeypatch.chdir(tmp_path)
    quick, whole = Naming(options()), Naming(options())
    monkeypatch.setattr(whole, "_table", None)
    whole.made = make_names(options())
    asked = os.fsencode(path)
    assert quick.stored(asked, b"") == whole.stored(asked, b"")
    assert (quick.made is None) == is_plain
    if path:
        assert quick.stored(asked, b".") == whole.stored(asked, b".")
        absolute = os.path.join(os.fsencode(tmp_path), asked)
        assert quick.stored(absolute, b"bin") == whole.stored(absolute, b"bin")


def test_where_names_cannot_be_listed_they_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: bytes) -> list[bytes]:
        raise PermissionError

    (tmp_path / "bin").mkdir()
    # Root may list every directory.
    monkeypatch.setattr(os, "listdir", refused)
    quick = Naming(options())
    quick.stored(os.fsencode(tmp_path / "bin" / "missing"), b"")
    assert quick.made is not None
