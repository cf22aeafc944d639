"""Tests of the list of declared differences: how it is read, how it is applied, when an entry is stale."""

from __future__ import annotations

import pytest

from . import divergences
from .divergences import Divergence
from .outcome import Outcome, differences
from .rows import ROWS

NATIVE = Outcome(status=b"0", stdout=b"name\nTracerPid:\t0\nend\n", stderr=b"", files=b"a: file 0644\n")
TRACED = NATIVE._replace(stdout=b"name\nTracerPid:\t4711\nend\n")
TRACER = Divergence("bash", "status", "stdout", r"^TracerPid:\t\d+\n", "the supervisor is the tracer")
ENTRY = """
[[divergence]]
program = "bash"
row = "status"
part = "PART"
pattern = '^TracerPid:\\t\\d+\\n'
reason = "REASON"
"""


def test_the_checked_in_list_is_valid_and_names_rows_of_the_table() -> None:
    rows = {(row.program, row.name) for row in ROWS}
    for entry in divergences.load(divergences.PATH.read_text()):
        assert (entry.program, entry.row) in rows


def test_an_entry_is_read() -> None:
    text = ENTRY.replace("PART", "stdout").replace("REASON", TRACER.reason)
    assert divergences.load(text) == [TRACER]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY.replace("PART", "stdin"), "no part 'stdin'"),
        (ENTRY.replace("PART", "stdout").replace("REASON", " "), "no reason"),
        ('[[divergence]]\nprogram = "bash"\n', "the keys must be"),
    ],
)
def test_a_broken_entry_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        divergences.load(text)


def test_a_declared_difference_is_not_compared_and_others_are() -> None:
    assert "TracerPid" in differences(NATIVE, TRACED)
    assert differences(divergences.without(NATIVE, [TRACER]), divergences.without(TRACED, [TRACER])) == ""
    other = TRACED._replace(stdout=TRACED.stdout + b"more\n")
    assert "+more" in differences(divergences.without(NATIVE, [TRACER]), divergences.without(other, [TRACER]))


def test_entries_belong_to_one_row() -> None:
    assert divergences.belonging_to("bash", "status", "linux", [TRACER]) == [TRACER]
    assert divergences.belonging_to("bash", "other", "linux", [TRACER]) == []
    assert divergences.belonging_to("dash", "status", "linux", [TRACER]) == []


@pytest.mark.parametrize(
    ("picobox", "stale"),
    [
        (TRACED, False),
        (NATIVE, True),
        (NATIVE._replace(stderr=b"TracerPid:\t1\n"), True),
    ],
)
def test_an_entry_is_stale_when_its_part_is_equal_without_it(picobox: Outcome, stale: bool) -> None:
    assert (divergences.unneeded(NATIVE, picobox, [TRACER]) == [TRACER]) is stale


def test_an_entry_that_matches_nothing_is_stale_even_if_the_part_differs() -> None:
    elsewhere = TRACER._replace(pattern="no such text")
    assert divergences.unneeded(NATIVE, TRACED, [elsewhere]) == [elsewhere]


def test_status_and_files_are_compared() -> None:
    assert "-0\n+1" in differences(NATIVE, NATIVE._replace(status=b"1"))
    assert "+a: file 0600" in differences(NATIVE, NATIVE._replace(files=b"a: file 0600\n"))
