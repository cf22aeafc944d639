"""Every attack gets nothing and leaves the sandbox working; without the wall that stops it, it succeeds."""

from __future__ import annotations

import functools
import tomllib

import pytest

from . import runs
from .catalogue import SUPERVISOR, Attack, attacks, elsewhere
from .table import PAGE, page
from .walls import WALLS

ATTACKS = attacks()
GROUPS = sorted({group for attack in ATTACKS for group in attack.walls if SUPERVISOR not in group})
BARE_GROUPS = sorted({group for attack in ATTACKS for group in attack.bare})
IN_PYTHON = [group for group in GROUPS if all(WALLS[wall].take_off for wall in group)]
# Of each kind one: what picobox decides, the tree, processes, the network.
FAST = (("architecture",), ("copied-memory",), ("tree",), ("pid-namespace", "landlock"), ("net-namespace",))
MODES = runs.modes()
MUTANTS = runs.REPOSITORY / "tests" / "mutants" / "confine.toml"


@functools.cache
def outcomes(mode: runs.Mode) -> dict[str, runs.Outcome]:
    """All attacks in one sandbox, once for each test process."""
    return runs.run(ATTACKS, mode)


def check(outcome: runs.Outcome, mode: runs.Mode, attack: Attack) -> None:
    """It got nothing, but for a gap that is known."""
    if mode.name == runs.BARE and attack.gap:
        assert outcome.got, "the gap is closed: take it out of the program's head"
        outcome = outcome._replace(got=())
    assert outcome.is_stopped, outcome


def unsuccessful(group: tuple[str, ...], left: list[Attack], modes: list[runs.Mode]) -> dict[str, runs.Outcome]:
    """The outcomes of the attacks that get nothing without these walls, in no mode; a race may be lost once."""
    found: dict[str, runs.Outcome] = {}
    for rounds in (1, 8):
        for mode in modes:
            found = runs.run(left, mode, without=group, rounds=rounds) if left else {}
            left = [attack for attack in left if not found[attack.name].got]
    return {attack.name: found[attack.name] for attack in left}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.xdist_group("attacks")
def test_gets_nothing(mode: runs.Mode, attack: Attack) -> None:
    check(outcomes(mode)[attack.name], mode, attack)


@pytest.mark.parametrize(
    "group",
    [pytest.param(group, id="+".join(group), marks=() if group in FAST else pytest.mark.full) for group in IN_PYTHON],
)
def test_without_its_wall_it_succeeds(group: tuple[str, ...]) -> None:
    """As root or as an ordinary user: each has rights that the other's guests do not have."""
    modes = [mode for mode in MODES if mode.name != runs.BARE]
    assert unsuccessful(group, [attack for attack in ATTACKS if group in attack.walls], modes) == {}


@pytest.mark.full
@pytest.mark.parametrize("group", BARE_GROUPS, ids="+".join)
def test_without_its_wall_it_succeeds_where_there_are_no_namespaces(group: tuple[str, ...]) -> None:
    assert unsuccessful(group, [attack for attack in ATTACKS if group in attack.bare], MODES[-1:]) == {}


def test_walls_of_the_core_have_mutants() -> None:
    mutants = {mutant["name"]: mutant for mutant in tomllib.loads(MUTANTS.read_text())["mutant"]}
    for group in GROUPS:
        for wall in group:
            if WALLS[wall].take_off is None:
                stopped = [attack.name for attack in ATTACKS if group in attack.walls]
                assert any(name in mutants[WALLS[wall].mutant]["test"] for name in stopped)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_gets_nothing_in_many_rounds(mode: runs.Mode, attack: Attack) -> None:
    check(runs.run([attack], mode, rounds=20, seconds=300)[attack.name], mode, attack)


def test_attacks_are_real() -> None:
    """Without picobox each of them gets what it wants, but those on the supervisor, which is not there."""
    real = [attack for attack in attacks() if attack.all_walls() != {SUPERVISOR}]
    found = runs.run(real, None)
    assert {name: outcome for name, outcome in found.items() if not outcome.got} == {}


def test_every_row_has_an_attack() -> None:
    rows = {attack.row for attack in attacks()} | {row.row for row in elsewhere()}
    assert rows >= {f"A{number}" for number in range(1, 51)}


def test_tests_elsewhere_are_there() -> None:
    paths = {test.partition("::")[0] for row in elsewhere() for test in row.tests}
    assert {path for path in paths if not (runs.REPOSITORY / path).exists()} == set()


def test_the_page_names_every_attack() -> None:
    text = PAGE.read_text()
    assert [attack.name for attack in attacks() if f"`{attack.name}`" not in text] == []
    assert text.count("\n| A") == page({}).count("\n| A")
