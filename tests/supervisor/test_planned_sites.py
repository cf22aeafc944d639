"""Sites enter the gate as the plan of their image tells, from the run on that comes after the first."""

from __future__ import annotations

import os
import shutil
import sys
import time
from struct import pack_into
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from picobox.platform import site_cache
from picobox.platform.site_cache import SiteCache
from picobox.platform.site_records import RECORD, StoredPlan
from supervisor.guests import guest, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("fast_modes")

HEADER, CHECK_AT = 64, 48
ALONE, PLANNED = "1 jumps, 0 signals in stubs", "8 jumps, 0 signals in stubs"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, and a cache that has no plan of it; it is taken for old enough."""
    path = tmp_path / "planned_sites"
    shutil.copy(guest("planned_sites"), path)
    monkeypatch.setattr(site_cache, "_SETTLED_NS", -1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return path


def said(program: Path, rounds: int) -> str:
    """What the program says of its sites and signals in a run."""
    command = [sys.executable, "-m", "picobox", "-q", "--gate", "1", "--", str(program), str(rounds)]
    done = run(command, 60, program.parent)
    assert (done.status, done.stderr) == (0, "")
    return done.stdout


def plan(program: Path) -> Path:
    """The kept plan of the program, made now."""
    with program.open("rb") as image:
        made = SiteCache.of_user().make(image.fileno())
    return program.parent.joinpath("caches", "picobox", "sites", made.digest.hex())


def test_planned_sites_enter_the_gate_and_signals_do_not_see_it(program: Path) -> None:
    assert said(program, 50).startswith(ALONE)
    # The first run has made the plan, but the program is so new that it may yet be changed.
    assert len(StoredPlan(plan(program).read_bytes())) == 8
    for _ in range(3):
        assert said(program, 20000) == f"{PLANNED}, many signals\n"


def test_plans_are_kept_from_behind_walls(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICOBOX_POLICY", "default")
    monkeypatch.setenv("HOME", str(program.parent))
    # Caches of a home are a layer there, so this is not where the plan may go.
    monkeypatch.setenv("XDG_CACHE_HOME", str(program.parent / ".cache"))
    # A file that was changed as long ago as this is taken for old enough by a run.
    time.sleep(max(0.0, program.stat().st_ctime + 2.1 - time.time()))
    assert said(program, 50).startswith(ALONE)
    assert list(program.parent.glob(".cache/picobox/sites/*"))
    assert said(program, 50).startswith(PLANNED)


def forge(path: Path, at: int, *values: int) -> None:
    """Change bytes of all records as somebody would who knows the form."""
    kept = bytearray(path.read_bytes())
    for start in range(HEADER, len(kept), RECORD.size):
        pack_into(f"{len(values)}B", kept, start + at, *values)
    pack_into("<I", kept, CHECK_AT, crc32(kept[HEADER:]))
    path.write_bytes(kept)


@pytest.mark.parametrize(
    ("at", "values"),
    [
        (21, [255]),
        (22, [255, 255]),
        (24, [0, 1, 0, 0, 1, 0, 0, 0]),
    ],
    ids=["replaced", "code", "one literal"],
)
def test_forged_plan_is_not_believed(at: int, values: list[int], program: Path) -> None:
    path = plan(program)
    forge(path, at, *values)
    if values[1:2] == [1]:
        # A literal that begins in the code and ends behind it.
        forge(path, 136, *([60] * 8))
    assert said(program, 20).startswith(ALONE)


@pytest.mark.parametrize("damage", ["changed", "others may write", "a link"])
def test_damaged_plan_is_not_believed(damage: str, program: Path) -> None:
    path = plan(program)
    data = path.read_bytes()
    if damage == "others may write":
        path.chmod(0o666)
    elif damage == "a link":
        for each in path.parent.iterdir():
            os.rename(each, program.parent / each.name)
            each.symlink_to(program.parent / each.name)
    else:
        path.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
    assert said(program, 20).startswith(ALONE)


def test_what_the_plan_refuses_stays_a_stop(program: Path) -> None:
    path = plan(program)
    kept = path.read_bytes()
    empty = bytearray(kept[:HEADER])
    pack_into("<IIII", empty, 40, 0, 0, 0, HEADER)
    path.write_bytes(empty)
    assert said(program, 20).startswith("0 jumps")
