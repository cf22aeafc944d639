"""Shows that the program gets a signal once, whether somebody sent it to the whole group or to the supervisor alone."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .guests import PLATFORMS, environment, guest, picobox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Send = Callable[[int, int], None]

TIMES = 200
CHILDREN = ("0", "1", "4")


@contextmanager
def counting(platform: str, children: str) -> Iterator[subprocess.Popen[str]]:
    """Picobox in a group of its own, with the program that counts."""
    command = picobox(guest("counts_signals"), children, platform=platform)
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert line(process) == "0"
        yield process
        process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """What the program says next; one that has nothing to say makes the test run into its time limit."""
    assert process.stdout is not None
    return process.stdout.readline().removesuffix("\n")


def count_after(process: subprocess.Popen[str], send: Send) -> int:
    """How many SIGINTs have reached the program when everything that one has led to is over."""
    send(process.pid, signal.SIGINT)
    line(process)
    os.kill(process.pid, signal.SIGUSR1)
    answers = iter(lambda: line(process), "")
    return int(next(answer.split()[0] for answer in answers if answer.endswith("asked")))


@pytest.mark.parametrize("children", CHILDREN)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_signal_to_the_supervisor_arrives_once(platform: str, children: str) -> None:
    with counting(platform, children) as process:
        assert [count_after(process, os.kill) for _ in range(TIMES)] == list(range(1, TIMES + 1))


@pytest.mark.parametrize("children", CHILDREN)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_signal_to_the_group_arrives_once(platform: str, children: str) -> None:
    with counting(platform, children) as process:
        assert [count_after(process, os.killpg) for _ in range(TIMES)] == list(range(1, TIMES + 1))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_of_a_mixture_arrives_once(platform: str) -> None:
    with counting(platform, "1") as process:
        sends = [(os.kill, os.killpg)[turn % 3 > 0] for turn in range(TIMES)]
        assert [count_after(process, send) for send in sends] == list(range(1, TIMES + 1))
