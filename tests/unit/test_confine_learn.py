"""Learning: what is taken away, what a used file belongs to, and what is written in the end."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picobox.confine.accesses import CHANGED, FILLED, LISTED, SEEN, USED, Accesses, Use
from picobox.confine.candidates import DEVICE, FILE, NETWORK, PRIVATE_TMP, SESSION, VARIABLE, Part, parts_of
from picobox.confine.learn import Outcome, in_layers, learn, policy_of, speller
from picobox.confine.minimise import minimal
from picobox.confine.place import Place
from picobox.confine.policy import HOST, LAYER, LOOPBACK, NONE, OWN, READ, WRITE, Policy
from picobox.confine.show import as_toml
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A project of a user, with what programs may use."""
    for name in ("me/.ssh", "me/data/deep", "me/project/src", "me/project/out"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("me/.ssh/id", "me/notes", "me/project/a", "me/project/b", "me/project/c", "me/project/d"):
        (tmp_path / name).touch()
    return Place({"HOME": str(tmp_path / "me"), "PATH": "/bin"}, str(tmp_path / "me" / "project"), os.getuid())


@given(st.sets(st.integers(0, 15)), st.integers(0, 16))
def test_of_what_is_needed_everything_is_left_and_of_what_is_not_nothing(needed: set[int], count: int) -> None:
    needed &= set(range(count))
    assert set(minimal(range(count), needed.issubset)) == needed


@settings(max_examples=40)
@given(st.lists(st.sets(st.integers(0, 9), min_size=1), min_size=1, max_size=4))
def test_none_of_what_is_left_can_be_taken_away(ways: list[set[int]]) -> None:
    def works(parts: tuple[int, ...]) -> bool:
        # Any of the ways will do: which one is found may differ, that it is smallest may not.
        return any(way <= set(parts) for way in ways)

    left = minimal(range(10), works)
    assert works(left)
    for index in range(len(left)):
        assert not works(left[:index] + left[index + 1 :])


def test_a_part_that_was_in_the_way_of_another_goes_as_well() -> None:
    # 0 is needed as long as 1 is there: only a second look finds that it is not.
    def works(parts: tuple[int, ...]) -> bool:
        return 2 in parts and (0 in parts or 1 not in parts)

    assert minimal((0, 1, 2), works) == (2,)


def test_parts_that_are_not_needed_cost_few_trials() -> None:
    tried: list[tuple[int, ...]] = []

    def works(parts: tuple[int, ...]) -> bool:
        tried.append(parts)
        return 7 in parts

    assert minimal(range(128), works) == (7,)
    assert len(tried) < 24


def files(place: Place, *uses: tuple[str, str]) -> dict[str, str]:
    """The rules for files that some uses lead to; paths are relative to the home if they do not begin with a slash."""
    accesses = Accesses()
    accesses.uses = {Use(os.fsencode(os.path.normpath(os.path.join(place.home, path))), how) for path, how in uses}
    parts = [part for part in parts_of(accesses, place, []) if part.kind == FILE]
    return {os.fsdecode(part.value).removeprefix(place.home + "/"): part.right for part in parts}


@pytest.mark.parametrize(
    ("uses", "rules"),
    [
        ([("notes", USED)], {"notes": READ}),
        # What is installed is one hierarchy.
        ([("/usr/bin/env", USED), ("/usr/lib/os-release", USED)], {"/usr/bin": READ, "/usr/lib": READ}),
        ([("/etc/passwd", USED), ("/etc/ssl/certs", LISTED)], {"/etc/passwd": READ, "/etc/ssl": READ}),
        # Four files of a directory are the directory, three are three.
        ([(f"project/{name}", USED) for name in "abc"], {f"project/{name}": READ for name in "abc"}),
        ([(f"project/{name}", USED) for name in "abcd"], {"project": READ}),
        ([("project", LISTED)], {"project": READ}),
        # A home is never given as a whole because of what is in it.
        ([(name, LISTED) for name in (".ssh", "data", "project", "notes")],
         {".ssh": READ, "data": READ, "project": READ, "notes": READ}),
        # Passing through a directory is no use of what is in it.
        ([("project", SEEN), ("project/a", USED)], {"project/a": READ}),
        ([("", SEEN), ("/", SEEN)], {}),
        ([("data", SEEN)], {"data": READ}),
        # What is written is given as the directory that holds it.
        ([("project/a", CHANGED)], {"project": WRITE}),
        ([("project/out", FILLED)], {"project/out": WRITE}),
        ([("project/out", FILLED), ("project/out/gone", USED)], {"project/out": WRITE}),
        # A directory that the run made itself is filled by whoever may fill the one above it.
        ([("project/out/new/deep", FILLED)], {"project/out": WRITE}),
        ([("notes", CHANGED)], {"notes": WRITE}),
        ([("project", FILLED), ("project/a", USED)], {"project": WRITE}),
        # The guest's own.
        ([("/proc/self/maps", USED), ("/dev/shm/x", CHANGED), ("/dev/fd/3", USED), ("/dev/null", CHANGED)], {}),
    ],
)  # fmt: skip
def test_what_a_use_leads_to(uses: list[tuple[str, str]], rules: dict[str, str], place: Place) -> None:
    assert files(place, *uses) == rules


def test_directories_between_which_a_name_moves_are_given_as_one(place: Place) -> None:
    accesses = Accesses()
    src, out = (os.fsencode(f"{place.directory}/{name}") for name in ("src", "out"))
    accesses.uses = {Use(src, FILLED), Use(out, FILLED)}
    parts = [part for part in parts_of(accesses, place, []) if part.kind == FILE]
    assert [part.value for part in parts] == [out, src]
    accesses.together = {(out, src)}
    parts = [part for part in parts_of(accesses, place, []) if part.kind == FILE]
    assert parts == [Part(FILE, os.fsencode(place.directory), WRITE)]


def test_what_is_no_file(place: Place) -> None:
    accesses = Accesses()
    kinds = [part.kind for part in parts_of(accesses, place, [])]
    assert kinds == [SESSION]
    accesses.speaks = True
    accesses.uses = {Use(b"/tmp/never-there-before", CHANGED), Use(b"/dev/mem", USED)}
    parts = parts_of(accesses, place, [b"PATH=/bin", b"odd[=x", b"=x", b"\xff=x"])
    assert Part(NETWORK, b"host") in parts
    assert Part(NETWORK, b"loopback") in parts
    assert Part(PRIVATE_TMP, b"true") in parts
    assert [part.value for part in parts if part.kind == VARIABLE] == [b"PATH"]
    assert [part.value for part in parts if part.kind == DEVICE] == [b"/dev/mem"] * os.path.exists("/dev/mem")


class Program:
    """A runner whose command needs some parts, or fails; it never starts a process."""

    def __init__(self, accesses: Accesses, needs: set[tuple[bytes, str]], network: str = NONE) -> None:
        self.accesses = accesses
        self.needs = needs
        self.network = network
        self.policies: list[Policy] = []
        self.outputs = itertools.repeat("same")

    def watch(self, policy: Policy) -> tuple[Outcome, Accesses]:
        assert policy.decide(b"/etc/hosts").right == LAYER
        return Outcome(3, next(self.outputs), 0.1), self.accesses

    def run(self, policy: Policy, limit: float) -> Outcome | None:
        assert limit >= 10
        self.policies.append(policy)
        networks = (NONE, LOOPBACK, HOST)
        enough = networks.index(policy.network) >= networks.index(self.network)
        works = enough and all(policy.decide(path).right == right for path, right in self.needs)
        return Outcome(3 if works else 1, next(self.outputs), 0.1)


def program(place: Place, network: str = NONE) -> Program:
    accesses = Accesses()
    project = os.fsencode(place.directory)
    accesses.uses = {
        Use(b"/usr/bin/cat", USED), Use(b"/usr/share/locale/x", USED), Use(project + b"/out", FILLED),
        Use(project + b"/a", USED), Use(project + b"/b", USED),
    }  # fmt: skip
    accesses.speaks = True
    needs = {(b"/usr/bin/cat", READ), (project + b"/out/x", LAYER), (project + b"/a", READ)}
    return Program(accesses, needs, network)


@pytest.mark.parametrize("network", [NONE, LOOPBACK, HOST])
def test_what_is_learned_is_needed_and_nothing_else(network: str, place: Place) -> None:
    learned = learn(program(place, network), place, same_output=False)
    rules = {rule.path: rule.right for rule in learned.policy.files}
    project = os.fsencode(place.directory)
    assert rules == {b"/usr/bin": READ, project + b"/out": WRITE, project + b"/a": READ}
    assert (learned.policy.network, learned.policy.session, learned.policy.environment) == (network, OWN, ())
    assert learned.outcome.status == 3


def test_learning_is_always_the_same(place: Place) -> None:
    first, second = program(place), program(place)
    assert learn(first, place, same_output=False) == learn(second, place, same_output=False)
    assert first.policies == second.policies


def test_no_trial_may_change_a_file(place: Place) -> None:
    tried = program(place)
    learn(tried, place, same_output=False)
    assert tried.policies
    for policy in (in_layers(place), *tried.policies):
        assert [rule for rule in policy.files if rule.right == WRITE] == []


def test_a_command_that_fails_with_all_that_it_used_teaches_nothing(place: Place) -> None:
    tried = program(place)
    tried.needs.add((b"/srv/unseen", READ))
    with pytest.raises(PicoboxError, match="ended with status 3 while it was watched, and with status 1"):
        learn(tried, place, same_output=False)


def test_output_counts_if_that_is_wanted(place: Place) -> None:
    tried = program(place)
    tried.outputs = map(str, itertools.count())  # type: ignore[assignment]
    with pytest.raises(PicoboxError, match="leave --same-output out"):
        learn(tried, place, same_output=True)
    assert learn(tried, place, same_output=False).policy.files


def test_paths_are_written_as_a_person_would(place: Place, tmp_path: Path) -> None:
    project = os.fsencode(place.directory)
    home = os.fsencode(place.home)
    parts = [Part(FILE, path, READ) for path in (b"/usr/bin", home + b"/data", project, project + b"/a")]
    policy = policy_of([*parts, Part(VARIABLE, b"PATH")], place)
    text = as_toml(policy, speller(f"{place.directory}/policy.toml", place))
    for spelled in ('"/usr/bin"', '"~/data"', '"."', '"a"'):
        assert f"    {spelled},\n" in text
    text = as_toml(policy, speller(None, place))
    assert '"~/project/a"' in text
    assert str(tmp_path) not in text
    assert "network" not in text
    with pytest.raises(PicoboxError, match="take this name for a pattern"):
        as_toml(policy_of([Part(FILE, project + b"/[x]", READ)], place), speller(None, place))


def test_a_link_is_written_and_what_it_leads_to_is_given(place: Place, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("me/data")
    (rule,) = policy_of([Part(FILE, os.fsencode(tmp_path / "link" / "deep"), READ)], place).files
    assert rule.path == os.fsencode(tmp_path / "me/data/deep")
    assert rule.written == os.fsencode(tmp_path / "link" / "deep")
