"""What the options that disturb a program ask for, and what is wrong with those that ask for nothing."""

from __future__ import annotations

from errno import EACCES
from types import SimpleNamespace

import pytest

from ntshim.status import STATUS_SHARING_VIOLATION
from picobox.check.chaos_inject import Injection, When
from picobox.cli.chaos import chaos_settings
from picobox.errors import PicoboxError


def options(**given: object) -> SimpleNamespace:
    return SimpleNamespace(**{"inject": [], "handle_limit": None, "shuffle_dirs": None, "virus_scanner": None, **given})


def test_nothing_is_disturbed_unasked() -> None:
    assert chaos_settings(options()) is None


@pytest.mark.parametrize(
    ("text", "injection"),
    [
        ("open:error=EACCES", Injection(frozenset(("open",)), EACCES)),
        ("open,close:error=EACCES:when=3", Injection(frozenset(("open", "close")), EACCES, when=When(3, 3))),
        ("open:when=3+:error=EACCES", Injection(frozenset(("open",)), EACCES, when=When(3))),
        ("open:error=EACCES:when=3+2", Injection(frozenset(("open",)), EACCES, when=When(3, None, 2))),
        ("open:error=EACCES:when=3..9", Injection(frozenset(("open",)), EACCES, when=When(3, 9))),
        ("open:error=EACCES:when=3..9+2", Injection(frozenset(("open",)), EACCES, when=When(3, 9, 2))),
        (
            "open:error=STATUS_SHARING_VIOLATION",
            Injection(frozenset(("open",)), None, STATUS_SHARING_VIOLATION),
        ),
    ],
)
def test_injections(text: str, injection: Injection) -> None:
    found = chaos_settings(options(inject=[text]))
    assert found is not None
    assert found.inject == (injection,)


def test_a_class_stands_for_its_calls() -> None:
    found = chaos_settings(options(inject=["%process:error=EPERM"]))
    assert found is not None
    assert {"fork", "clone", "execve"} <= found.inject[0].names


@pytest.mark.parametrize(
    ("when", "meant"),
    [
        (When(), [1, 2, 3, 4, 5, 6, 7]),
        (When(3, 3), [3]),
        (When(3), [3, 4, 5, 6, 7]),
        (When(2, None, 3), [2, 5]),
        (When(2, 6, 2), [2, 4, 6]),
    ],
)
def test_which_calls_are_meant(when: When, meant: list[int]) -> None:
    assert [number for number in range(1, 8) if when.includes(number)] == meant


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"inject": ["opn:error=EACCES"]}, "nearest is open"),
        ({"inject": ["open:error=EACCESS"]}, "nearest is EACCES"),
        ({"inject": ["open:error=STATUS_SHARING_VIOLATON"]}, "nearest is STATUS_SHARING_VIOLATION"),
        ({"inject": ["open:error=STATUS_SUCCESS"]}, "no error STATUS_SUCCESS"),
        ({"inject": ["open:error=STATUS_PENDING"]}, "no error STATUS_PENDING"),
        ({"inject": ["open:error="]}, "no error"),
        ({"inject": ["open"]}, "needs one error"),
        ({"inject": [""]}, "empty name"),
        ({"inject": ["open:retval=3"]}, "retval is none of error and when"),
        ({"inject": ["open:error=EIO:error=EPERM"]}, "needs one error"),
        ({"inject": ["open:error=EIO:when=0"]}, "when=0"),
        ({"inject": ["open:error=EIO:when=1+0"]}, "when=1+0"),
        ({"inject": ["open:error=EIO:when=3..2"]}, "when=3..2"),
        ({"inject": ["open:error=EIO:when=x"]}, "when=x"),
        ({"handle_limit": "many"}, "--handle-limit many"),
        ({"handle_limit": "3"}, "at least 4"),
        ({"shuffle_dirs": "-1"}, "--shuffle-dirs -1"),
    ],
)
def test_bad_input_is_told_in_a_line(given: dict[str, object], part: str) -> None:
    with pytest.raises(PicoboxError) as caught:
        chaos_settings(options(**given))
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scanner_keeps_a_file_for_that_time() -> None:
    found = chaos_settings(options(virus_scanner="20"))
    assert found is not None
    assert found.scan == 20
    with pytest.raises(PicoboxError, match="--virus-scanner 0: no number"):
        chaos_settings(options(virus_scanner="0"))
