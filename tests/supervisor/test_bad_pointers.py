"""H8: a bad pointer in any argument of any call gives EFAULT or what it gives natively, and the supervisor lives."""

from __future__ import annotations

import errno
import functools
import signal
import tempfile
from pathlib import Path

import pytest

from picobox.abi.row import ACTION_ERRNO
from picobox.abi.table import BY_NAME, ROWS
from picobox.abi.types import UserPointer

from .calls import EXCLUDED, FIXED, VALUES, call_lines
from .guests import guest, picobox, run

# Seconds; some thirty of these calls block until an alarm of 1.5 s, many at a time.
TIMEOUTS = {"native": 60, "trace": 110, "reference": 300}
VARIANTS = 7
# Of all arguments that are addresses, those at whose bad value the kernel says EFAULT (others are hints, or are
# looked at later than something that a small buffer cannot satisfy).
LEAST_FAULTING = 0.6

# Calls of which the kernel would do a part, or all, to whatever lies in a wild range: a program that has memory of
# picobox's in it is refused as a whole.
REACHING = {
    ("mremap", "old_size", "unmapped"): errno.EPERM,
    ("munmap", "length", "unmapped"): errno.EPERM,
    ("pkey_mprotect", "len", "kernel"): errno.ENOMEM,
    ("pkey_mprotect", "len", "ones"): errno.ENOMEM,
    ("pkey_mprotect", "len", "unmapped"): errno.ENOMEM,
    # Nobody knows how large the segment would be.
    ("shmat", "shmflg", "ones"): errno.EPERM,
    ("shmat", "shmflg", "unmapped"): errno.EPERM,
}

# Resource 0 is CPU time, of which none is left then: whether the kernel's next tick finds the program alive is chance.
KILLED_BY_CHANCE = {"prlimit64", "setrlimit"}

Answers = dict[tuple[str, str, str], tuple[str, int]]


def ask(platform: str) -> Answers:
    """Make every call on a platform, "native" for none: (call, argument, variant) to what came of it."""
    with tempfile.TemporaryDirectory() as directory:
        table = Path(directory, "calls")
        table.write_text("".join(f"{line}\n" for line in call_lines()))
        command = [str(guest("bad_pointers")), str(table)]
        if platform != "native":
            command = picobox(*command, platform=platform)
        done = run(command, TIMEOUTS[platform], Path(directory))
    assert (done.status, done.stderr) == (0, "")
    answers = {}
    for line in done.stdout.splitlines():
        call, argument, variant, outcome, number = line.split()
        answers[call, argument, variant] = (outcome, int(number))
    return answers


@functools.cache
def native() -> Answers:
    return ask("native")


def expected(platform: str) -> Answers:
    """The native answers, but for the rows that the table or the platform refuses."""
    answers = {}
    for key, answer in native().items():
        do = BY_NAME[key[0]].do
        answers[key] = ("error", do.errno) if do.action == ACTION_ERRNO else answer
        if platform == "reference" and key[0] == "ptrace":
            answers[key] = ("error", errno.EPERM)
    return answers


@pytest.mark.timeout(400)
@pytest.mark.parametrize("platform", ["trace", pytest.param("reference", marks=pytest.mark.full)])
def test_bad_arguments_get_the_native_answer(platform: str) -> None:
    answers, wanted = ask(platform), expected(platform)
    assert answers.keys() == wanted.keys()
    differing = {key: (answers[key], wanted[key]) for key in wanted if answers[key] != wanted[key]}
    for key, number in REACHING.items():
        if answers[key] == ("error", number):
            differing.pop(key, None)
    killed = ("dies", int(signal.SIGKILL))
    assert {key: pair for key, pair in differing.items() if key[0] not in KILLED_BY_CHANCE or killed not in pair} == {}


def test_every_argument_is_tried() -> None:
    arguments = {(row.name, argument.name) for row in ROWS if row.name not in EXCLUDED for argument in row.args}
    tried = arguments - FIXED.keys()
    assert {key[:2] for key in native()} == tried
    assert len(native()) == VARIANTS * len(tried)


def test_calls_come_as_far_as_their_pointers() -> None:
    pointers = {(row.name, argument.name) for row in ROWS for argument in row.args if isinstance(argument, UserPointer)}
    tried = {key[:2] for key in native() if BY_NAME[key[0]].do.action != ACTION_ERRNO} & pointers
    silent = {key for key in tried if native()[*key, "unmapped"] != ("error", errno.EFAULT)}
    assert 1 - len(silent) / len(tried) >= LEAST_FAULTING, sorted(silent)


def test_lists_name_rows_and_arguments_of_the_table() -> None:
    assert set(EXCLUDED) <= BY_NAME.keys()
    assert all(EXCLUDED.values())
    arguments = {row.name: {argument.name for argument in row.args} for row in ROWS}
    assert all(name in arguments[call] for call, name in FIXED)
    assert all(set(values) <= arguments[call] for call, values in VALUES.items())
