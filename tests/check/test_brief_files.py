"""Files that are made and soon removed, many in one directory: that one is open still is told, however it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .test_unshown_changes import found_in

if TYPE_CHECKING:
    from pathlib import Path

# After some rounds nothing is shown any more, and the kernel tells of the directory. In that of `LATE` something stays.
LATE = 90
ROUNDS = f"""
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL
stays = None
for n in range({LATE + 10}):
    fd = os.open('brief', FLAGS)
    {{}}
    if n == {LATE}: stays = other
    else: os.close(other)
    os.close(fd)
    os.unlink('brief')
"""
LAST = "fd = os.dup(0); other = os.open('brief', os.O_RDONLY)"
# What else there is of a file, and what is told if it stays, and if it does not.
OTHERS: dict[str, tuple[str, list[str], list[str]]] = {
    "a copy": ("other = os.dup(fd)", ["PB010"], []),
    "an open for reading": ("other = os.open('brief', os.O_RDONLY)", ["PB010"], []),
    "an open for writing": ("other = os.open('brief', os.O_WRONLY)", ["PB010"], []),
    "an open that empties it": ("other = os.open('brief', os.O_WRONLY | os.O_TRUNC)", ["PB010"], []),
    "an open that would have made it": ("other = os.open('brief', os.O_WRONLY | os.O_CREAT)", ["PB010"], []),
    "an open by its descriptor": ("other = os.open(f'/proc/self/fd/{fd}', os.O_RDONLY)", ["PB010"], []),
    "an open by its descriptor's other name": ("other = os.open(f'/dev/fd/{fd}', os.O_RDONLY)", ["PB010"], []),
    "an open by a link": (
        "os.link('brief', 'l'); other = os.open('l', os.O_RDONLY); os.close(fd); os.unlink('l'); fd = os.dup(0)",
        ["PB010"],
        ["PB010"],
    ),
    "an open by a symbolic link": (
        "os.symlink('brief', 's'); other = os.open('s', os.O_RDONLY); os.unlink('s')",
        ["PB019", "PB010"],
        ["PB019"],
    ),
    "an open by another way": ("other = os.open('../work/brief', os.O_RDONLY)", ["PB010"], []),
    "an open of what gets its name": (
        "other = os.open('new', FLAGS); os.close(fd); os.rename('new', 'brief'); fd = os.dup(0)",
        ["PB011"],
        ["PB011"],
    ),
    "an open of what has got its name": (
        f"os.close(os.open('new', FLAGS)); os.close(fd); os.unlink('brief'); os.rename('new', 'brief'); {LAST}",
        ["PB010"],
        [],
    ),
}
AGAIN = f"""
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL
for n in range({LATE + 10}):
    fd = os.open('brief', FLAGS)
    if n == {LATE}:
        before = fd
        os.unlink('brief')
    elif n == {LATE + 1}:
        os.close(before)
        os.unlink('brief')
    else:
        os.close(fd)
        os.unlink('brief')
"""
OF_ANOTHER = f"""
another = Other()
for n in range({LATE + 10}):
    os.close(os.open('brief', os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    another.does("fd = os.open('brief', os.O_RDONLY)")
    if n != {LATE}: another.does("os.close(fd)")
    os.unlink('brief')
"""


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_open_still_is_told(tmp_path: Path, other: str) -> None:
    program, rules, _ = OTHERS[other]
    assert found_in(tmp_path, ROUNDS.format(program)) == rules


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_closed_is_not(tmp_path: Path, other: str) -> None:
    program, _, rules = OTHERS[other]
    assert found_in(tmp_path, ROUNDS.format(program).replace("stays = other", "os.close(other)")) == rules


def test_one_that_follows_another_of_its_name(tmp_path: Path) -> None:
    """The one before is closed while this is open."""
    assert found_in(tmp_path, AGAIN) == ["PB010", "PB010"]


def test_what_another_process_has_open(tmp_path: Path) -> None:
    assert found_in(tmp_path, OF_ANOTHER) == ["PB010"]
