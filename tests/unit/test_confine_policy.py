"""Policies as data: which rule decides of a path or a variable, and when a policy gives more than another."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picobox.confine.policy import (
    ALL_DEVICES,
    HIDE,
    HOST,
    KEEP,
    KEPT,
    LAYER,
    LOOPBACK,
    READ,
    SET,
    UNSET,
    WRITE,
    FileRule,
    Limits,
    Policy,
    VariableRule,
    matches,
    wider,
)

POLICY = Policy(
    "test",
    files=(
        FileRule(b"/", READ, "a"),
        FileRule(b"/home", HIDE, "b"),
        FileRule(b"/home/me", READ, "c"),
        FileRule(b"/home/me/.cache", LAYER, "d"),
        FileRule(b"/home/me/work", READ, "e"),
        FileRule(b"/home/me/work", WRITE, "f"),
    ),
    limits=Limits(processes=7),
)
OPEN = Policy(
    "open", (FileRule(b"/", WRITE, "open"),), network=HOST, devices=ALL_DEVICES, session=KEPT, private_tmp=False
)


@pytest.mark.parametrize(
    ("path", "right", "source"),
    [
        (b"/", READ, "a"),
        (b"/etc/hosts", READ, "a"),
        (b"/home", HIDE, "b"),
        (b"/home/you/x", HIDE, "b"),
        # A name that only begins alike is another.
        (b"/home/meander", HIDE, "b"),
        (b"/homes", READ, "a"),
        (b"/home/me", READ, "c"),
        (b"/home/me/.cache/x/y", LAYER, "d"),
        (b"/home/me/work/x", WRITE, "f"),
        (b"/tmp/x", WRITE, "private-tmp"),
        (b"/var/tmp", WRITE, "private-tmp"),
        (b"/var/tmpx", READ, "a"),
    ],
)
def test_the_longest_path_decides_and_of_one_path_the_last_rule(path: bytes, right: str, source: str) -> None:
    rule = POLICY.decide(path)
    assert (rule.right, rule.source) == (right, source)


def test_a_rule_for_tmp_itself_counts_more_than_that_it_is_private() -> None:
    assert POLICY._replace(files=(FileRule(b"/tmp", HIDE, "me"),)).decide(b"/tmp/x").right == HIDE


def test_what_nothing_names_is_hidden() -> None:
    assert Policy("empty", private_tmp=False).decide(b"/etc").right == HIDE


@pytest.mark.parametrize("path", [b"", b"etc", b"/etc/", b"//", b"/a//b", b"/a/../b", b"/a/.", b"/.."])
def test_only_resolved_paths_are_decided(path: bytes) -> None:
    with pytest.raises(ValueError, match="no resolved path"):
        POLICY.decide(path)


def test_the_most_exact_rule_for_a_variable_counts_and_of_equal_ones_the_last() -> None:
    rules = (
        VariableRule("GH_TOKEN", KEEP, "c"),
        VariableRule("*_TOKEN", UNSET, "b"),
        VariableRule("*", KEEP, "a"),
        VariableRule("CI", SET, "d", "1"),
        VariableRule("A[", SET, "e", "x=y"),
        VariableRule("GONE", SET, "f", "1"),
        VariableRule("GONE", UNSET, "g"),
    )
    environment = (b"PATH=/bin", b"X_TOKEN=1", b"GH_TOKEN=2", b"CI=no", b"odd", b"GONE=2", b"\xff=\xfe")
    left = Policy("test", environment=rules).variables(environment)
    assert left == (b"PATH=/bin", b"GH_TOKEN=2", b"odd", b"\xff=\xfe", b"CI=1", b"A[=x=y")
    assert Policy("test").variables(environment) == ()


PATTERNS = st.text("AB*?[]", max_size=4)
RULES = st.builds(VariableRule, PATTERNS, st.sampled_from((KEEP, UNSET, SET)), st.just("x"), st.just("1"))


@given(st.lists(RULES, max_size=8), st.lists(st.text("AB*?[]", max_size=4), max_size=8))
def test_what_is_left_of_an_environment_is_what_the_rules_for_its_names_keep(
    rules: list[VariableRule], names: list[str]
) -> None:
    policy = Policy("test", environment=tuple(rules))
    entries = tuple(name.encode() + b"=1" for name in names)
    found = [policy.variable(name.encode()) for name in names]
    kept = [entry for entry, rule in zip(entries, found, strict=True) if rule is not None and rule.action == KEEP]
    set_here = {f"{rule.pattern}={rule.value}".encode() for rule in rules if rule.action == SET}
    left = list(policy.variables(entries))
    assert left[: len(kept)] == kept
    assert set(left[len(kept) :]) <= set_here


def test_confines() -> None:
    assert not OPEN.confines
    assert not OPEN._replace(limits=Limits(memory=1), environment=(VariableRule("X", UNSET, ""),)).confines
    changes: tuple[dict[str, Any], ...] = (
        {"network": LOOPBACK},
        {"devices": (b"/dev/null",)},
        {"session": "own"},
        {"private_tmp": True},
        {"files": (*OPEN.files, FileRule(b"/x", HIDE, ""))},
        {"files": ()},
    )
    for change in changes:
        assert OPEN._replace(**change).confines, change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"network": HOST}, ["network host"]),
        ({"session": KEPT}, ["session kept"]),
        ({"private_tmp": False}, ["files.read /tmp", "files.read /var/tmp"]),
        ({"devices": (b"/dev/null", b"/dev/kvm")}, ["devices /dev/kvm"]),
        ({"devices": ALL_DEVICES}, ["devices /dev"]),
        ({"files": (*POLICY.files, FileRule(b"/home/you", READ, ""))}, ["files.read /home/you"]),
        ({"files": (*POLICY.files, FileRule(b"/home", READ, ""))}, ["files.read /home"]),
        ({"files": (*POLICY.files, FileRule(b"/etc", LAYER, ""))}, ["files.layer /etc"]),
        ({"files": (*POLICY.files, FileRule(b"/home/me/work", READ, ""))}, []),
        ({"files": (*POLICY.files, FileRule(b"/home/me/work/.git", HIDE, ""))}, []),
        # Fewer rules may give more: what was kept apart falls back to the rule above it.
        ({"files": (FileRule(b"/", READ, ""),)}, ["files.read /home"]),
        ({"environment": (VariableRule("X", SET, "", "1"), VariableRule("Y", UNSET, ""))}, ["environment.set X"]),
        ({"limits": Limits(memory=10, processes=7)}, []),
        ({"limits": Limits(processes=8, memory=10)}, ["limits.processes 8"]),
        ({"limits": Limits(memory=10)}, ["limits.processes none"]),
    ],
)
def test_what_gives_more_is_told_as_it_would_be_written(change: dict[str, Any], told: list[str]) -> None:
    assert wider(POLICY._replace(**change), POLICY) == told


def test_patterns_match_as_those_of_fnmatch() -> None:
    names = ("", "a", "A", "aba", "ab", "a.b", "xab", "abx", "a*b", "a\nb", "[a]")
    patterns = (
        "",
        "a",
        "*",
        "a*",
        "*b",
        "a*b",
        "ab*ba",
        "a*ba",
        "?",
        "a?b",
        "[a]",
        "*a*",
        "[!a]*",
        "*b*a",
        "a*a*b",
        "a**",
    )
    for name in names:
        assert [matches(name, each) for each in patterns] == [fnmatchcase(name, each) for each in patterns]
