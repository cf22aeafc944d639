"""Names that guests make in the gate are those that stops would have made, and of each there is one spelling."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from build import compile_source

from picobox._native._core import lib
from picobox.abi.row import ACTION_CALL
from picobox.abi.table import BY_NAME, ROWS
from picobox.platform.trace import TracePlatform

from .sandbox import Sandbox
from .test_gate_lookups import COMPONENTS, look, top

if TYPE_CHECKING:
    from picobox.names import Resolver

__all__ = ["top"]

PROGRAM = Path(__file__).parent / "gate_makings.c"
SPELLINGS = Path(__file__).parent / "gate_spellings.c"
CREATORS = Path(__file__).parent.parent / "syscalls" / "creators.c"
MAKING = tuple(BY_NAME[name].nr for name in ("openat", "mkdir"))
WORDS = ("make", "make", "new", "nolink", "mkdir", "mkdir", "remove", "rmdir", "stat", "lstat", "open")
OF_TWO = ("rename", "rename", "keep", "exchange", "link", "follow", "symlink")


@pytest.fixture(autouse=True)
def _channel() -> None:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"


def path(choose: random.Random) -> str:
    """One of few names, in any case, in directories that may be there."""
    parts = [choose.choice(COMPONENTS[:6]) for _ in range(choose.choice((1, 1, 2, 2, 3)))]
    parts = [choose.choice((part, part.upper(), part.lower())) for part in parts]
    return "/".join(parts) + choose.choice(("",) * 12 + ("/", "/.", "//"))


@pytest.mark.parametrize("seed", [1, *[pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 30)]])
def test_a_tree_comes_out_the_same(top: Path, seed: int) -> None:
    choose, script = random.Random(seed), []
    for _ in range(250):
        if choose.random() < 0.7:
            script.append(f"{choose.choice(WORDS)} {path(choose)}")
        else:
            script.append(f"{choose.choice(OF_TWO)} {path(choose)} -> {path(choose)}")
    trees, outputs = [], []
    for gate in (False, True):
        directory = top / f"tree-{gate}"
        directory.mkdir()
        # Inodes are new each time.
        seen = look(directory, script, gate=gate)
        outputs.append([line.rpartition(" ")[0].replace(str(directory), "") for line in seen.lines])
        trees.append(sorted((str(each.relative_to(directory)), each.lstat().st_nlink) for each in directory.rglob("*")))
    assert outputs[0] == outputs[1]
    assert trees[0] == trees[1]


def run(program: Path, *arguments: str) -> int:
    """Runs a program whose calls on names are all in the gate; how often Python was asked about an open or a mkdir."""
    sandbox = Sandbox(profile="nt", platform=cast("TracePlatform", object()))
    assert sandbox.names is not None
    platform = TracePlatform(ROWS, features=sandbox.names.features, gate=1)
    sandbox = Sandbox(profile="nt", platform=platform)
    assert sandbox.names is not None
    sandbox.names.resolve_by(cast("Resolver", platform))
    sandbox.run_ours(compile_source(program), *arguments)
    calls = sandbox.counters[ACTION_CALL]
    return sum(calls[nr] for nr in MAKING)


def test_who_has_made_a_name_keeps_nobody_from_another_spelling(top: Path) -> None:
    assert 20 <= run(PROGRAM, str(top), "waits") <= 60


def test_of_many_who_make_spellings_of_a_name_one_makes_it(top: Path) -> None:
    run(PROGRAM, str(top), "together")


def test_a_name_in_another_spelling_is_that_of_whoever_has_it_now(top: Path) -> None:
    run(SPELLINGS, str(top))


@pytest.mark.parametrize("how", ["plain", "exclusive", "killed", "stopped"])
def test_creators_of_variants_make_one(how: str) -> None:
    run(CREATORS, how, "6")
