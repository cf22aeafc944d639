"""The forms of the table that are kept between runs: used only while they are ours, whole and right."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from _imp import source_hash
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import picobox
from picobox.abi.filter import DISPOSITION_NOTIFY, compile_dispositions, compile_filter
from picobox.abi.row import LOCKS, NAMES, NO_NETWORK, OBSERVERS, SUPERVISED, UNSEEN, WALLS
from picobox.abi.table import ROWS
from picobox.platform import forms
from picobox.platform.form_compiler import FormCompiler
from picobox.platform.forms import SOURCES, Forms, KeptForms

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
PLAIN = frozenset((NAMES, OBSERVERS, UNSEEN, WALLS))
KINDS = [
    frozenset[str](),
    PLAIN,
    PLAIN - {WALLS},
    frozenset((NAMES, OBSERVERS, SUPERVISED, NO_NETWORK, WALLS)),
]


def compiler(*, gate: bool = True) -> FormCompiler:
    nothing = frozenset[int]()
    return FormCompiler(
        ROWS, subscribe=False, calls=None, rules=frozenset(), gate=gate, recorded=nothing, judged=nothing
    )


MADE = compiler().forms(PLAIN)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state" / "forms"


@pytest.fixture
def kept(place: Path) -> Iterator[KeptForms]:
    """What keeps the forms of a plain run."""
    found = KeptForms(str(place))
    found.keep(MADE, PLAIN, gate=True, notify=True)
    yield found
    found.close()


def find(place: Path) -> Forms | None:
    """The forms of a plain run that somebody finds who looks now."""
    found = KeptForms(str(place))
    try:
        return found.find(PLAIN, gate=True, notify=True)
    finally:
        found.close()


def file_of(place: Path) -> Path:
    (file,) = place.iterdir()
    return file


@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize("features", KINDS, ids=lambda kind: "+".join(sorted(kind)) or "none")
def test_what_is_kept_is_what_was_compiled(place: Path, features: frozenset[str], gate: bool) -> None:
    made = compiler(gate=gate).forms(features)
    keeper = KeptForms(str(place))
    assert keeper.find(features, gate=gate, notify=True) is None
    keeper.keep(made, features, gate=gate, notify=True)
    assert keeper.find(features, gate=gate, notify=True) == made
    assert keeper.find(features, gate=not gate, notify=True) is None
    assert keeper.find(features, gate=gate, notify=False) is None
    assert all(keeper.find(other, gate=gate, notify=True) is None for other in KINDS if other != features)
    keeper.close()


def test_every_run_that_may_keep_them_has_forms_of_its_own(place: Path) -> None:
    keeper = KeptForms(str(place))
    for features in KINDS:
        keeper.keep(compiler().forms(features), features, gate=True, notify=True)
    for features in KINDS:
        assert keeper.find(features, gate=True, notify=True) == compiler().forms(features)
    keeper.close()


def test_what_is_shown_tells_forms_apart(kept: KeptForms) -> None:
    nothing = frozenset[int]()
    seen = FormCompiler(
        ROWS, subscribe=True, calls=None, rules=frozenset(), gate=True, recorded=nothing, judged=nothing
    ).forms(PLAIN)
    assert seen != MADE
    kept.keep(seen, PLAIN, gate=True, notify=True, shown="every call")
    assert kept.find(PLAIN, gate=True, notify=True, shown="every call") == seen
    assert kept.find(PLAIN, gate=True, notify=True, shown="some") is None
    assert kept.find(PLAIN, gate=True, notify=True) == MADE


def test_only_their_user_may_change_them(kept: KeptForms, place: Path) -> None:
    assert kept.find(PLAIN, gate=True, notify=True) == MADE
    assert file_of(place).stat().st_mode & 0o7777 & ~0o644 == 0


def test_what_sees_more_keeps_nothing(kept: KeptForms, place: Path) -> None:
    kept.keep(MADE, PLAIN | {LOCKS}, gate=True, notify=True)
    assert len(list(place.iterdir())) == 1
    assert kept.find(PLAIN | {LOCKS}, gate=True, notify=True) is None


def test_they_are_found_by_a_descriptor_of_before(kept: KeptForms, place: Path) -> None:
    place.rename(place.with_name("elsewhere"))
    assert kept.find(PLAIN, gate=True, notify=True) == MADE


@pytest.mark.usefixtures("kept")
def test_what_is_damaged_is_not_used(place: Path) -> None:
    file = file_of(place)
    whole = file.read_bytes()
    assert find(place) == MADE
    for at in range(0, len(whole), 97):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert find(place) is None, at
        file.write_bytes(whole[:at])
        assert find(place) is None, at
    file.write_bytes(whole + b"\0")
    assert find(place) is None


@pytest.mark.usefixtures("kept")
def test_what_says_something_else_is_not_used(place: Path) -> None:
    import marshal

    file = file_of(place)
    whole = file.read_bytes()
    stamp, told, fields = marshal.loads(whole[8:])
    others = [
        (stamp, told, (*fields[:-1], 1)),
        (stamp, told, fields[:-1]),
        (stamp[:-1], told, fields),
        (stamp, (*told[:-1], "more"), fields),
        (stamp, told),
    ]
    for other in others:
        body = marshal.dumps(other)
        file.write_bytes(source_hash(forms._HASH_KEY, body) + body)
        assert find(place) is None, other
    file.write_bytes(whole)
    assert find(place) == MADE


@pytest.mark.usefixtures("kept")
def test_what_others_may_write_is_not_used(place: Path) -> None:
    file = file_of(place)
    for path, usual, modes in ((file, 0o644, (0o020, 0o002)), (place, 0o755, (0o002,))):
        for mode in modes:
            path.chmod(usual | mode)
            assert find(place) is None
        path.chmod(usual)
        assert find(place) == MADE


@pytest.mark.usefixtures("kept")
def test_what_somebody_else_has_made_is_not_used(place: Path) -> None:
    found = list(file_of(place).stat())
    assert forms._is_trusted(os.stat_result(found))
    found[stat.ST_UID] = 0
    assert forms._is_trusted(os.stat_result(found))
    found[stat.ST_UID] = os.geteuid() + 1
    assert not forms._is_trusted(os.stat_result(found))


def test_where_compiled_modules_lie_elsewhere_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", "/nonexistent")
    assert KeptForms().find(PLAIN, gate=True, notify=True) is None


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_what_is_no_file_is_not_used(place: Path, kind: str) -> None:
    file = file_of(place)
    moved = file.rename(place.parent / "moved")
    if kind == "link":
        file.symlink_to(moved)
    elif kind == "pipe":
        os.mkfifo(file, 0o600)
    else:
        file.mkdir(0o700)
    assert find(place) is None


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keeper = KeptForms(str(tmp_path / "file" / "forms"))
    keeper.keep(MADE, PLAIN, gate=True, notify=True)
    assert keeper.find(PLAIN, gate=True, notify=True) is None


@pytest.mark.parametrize("name", SOURCES)
def test_a_change_of_what_they_are_made_from_is_seen(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = tmp_path / "picobox"
    for source in SOURCES:
        (package / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / "picobox" / source, package / source)
    monkeypatch.setattr(picobox, "__file__", str(package / "__init__.py"))
    keeper = KeptForms(str(place))
    keeper.keep(MADE, PLAIN, gate=True, notify=True)
    keeper.close()
    assert find(place) == MADE
    found = (package / name).stat()
    os.utime(package / name, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    assert find(place) is None


def test_another_version_is_seen_whatever_time_its_files_say(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "picobox"
    for source in SOURCES:
        (package / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / "picobox" / source, package / source)
    monkeypatch.setattr(picobox, "__file__", str(package / "__init__.py"))
    keeper = KeptForms(str(place))
    keeper.keep(MADE, PLAIN, gate=True, notify=True)
    keeper.close()
    table = package / "abi" / "table.py"
    found, text = table.stat(), table.read_text()
    table.write_text(text.replace("harmless=True", "harmless=None", 1))
    os.utime(table, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert table.stat().st_size == found.st_size
    assert find(place) is None


def test_another_copy_of_picobox_has_its_own(kept: KeptForms, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = place.parent / "picobox"
    shutil.copytree(REPOSITORY / "picobox", other, ignore=shutil.ignore_patterns("__pycache__", "_native"))
    monkeypatch.setattr(picobox, "__file__", str(other / "__init__.py"))
    assert find(place) is None
    assert kept.find(PLAIN, gate=True, notify=True) == MADE


def test_all_that_they_are_made_from_is_looked_at() -> None:
    code = "import sys, picobox.platform.form_compiler, picobox.abi.table; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("picobox.").replace(".", "/") + ".py" for name in done.stdout.split()}
    # These hold nothing that a form is made of.
    empty = {"abi/memory.py", "abi.py"}
    assert {name for name in loaded if name.startswith(("abi/", "platform/form"))} - empty <= set(SOURCES)
    assert set(SOURCES) <= loaded


def test_where_no_gate_can_be_opened_the_filter_has_none() -> None:
    words = compile_dispositions(ROWS, features=PLAIN, gate=True)
    notified = frozenset(nr for nr, word in enumerate(words) if word & DISPOSITION_NOTIFY)
    assert compiler().without_gates(PLAIN) == compile_filter(ROWS, notified)
    assert len(compiler().without_gates(PLAIN)) < len(MADE.notifying)
