"""Paths of tasks as the host sees them, whatever a guest has made of links and descriptors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from picobox.platform import host
from picobox.platform.base import HostTid

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = 1300  # more links than Python recurses


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A file, a link that leads past it, one that leads elsewhere, and a chain that no kernel follows."""
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    (tmp_path / "way").symlink_to("file/below")
    (tmp_path / "away").symlink_to("directory/missing")
    (tmp_path / "round").symlink_to("round")
    for number in range(CHAIN):
        (tmp_path / f"link{number}").symlink_to(f"link{number + 1}")
    (tmp_path / "long").symlink_to("file/../link0")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "existing"),
    [
        ("file", "file"),
        ("file/below", "file"),
        ("way", "file"),
        ("away", "directory"),
        ("directory/missing/below", "directory"),
        ("round/below", ""),
        ("long/below", "file"),
        ("link0", ""),
    ],
)
def test_the_existing_part_of_a_path(tree: Path, path: str, existing: str) -> None:
    assert host.existing_part(os.fsencode(tree / path)) == os.fsencode(tree / existing)


def test_a_descriptor_of_no_directory_begins_no_path() -> None:
    for fd in os.pipe():
        with pytest.raises(NotADirectoryError):
            host.full_path(host.own_tid(), fd, b"file")
        assert host.full_path(host.own_tid(), fd, b"//file/") == b"/file"
        os.close(fd)


def test_a_task_s_own_directory_of_proc_is_not_ours() -> None:
    other = HostTid(1)
    assert host.path_of(other, host.AT_FDCWD, b"/proc/self/cwd/file") == b"/proc/1/cwd/file"
    assert host.path_of(other, 7, b"/proc/selfish") == b"/proc/selfish"
    assert host.path_of(other, 7, b"file") == b"/proc/1/fd/7/file"


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        (b"/proc/self/fd/3", b"/proc/7/fd/3"),
        (b"//proc//self/fd/3", b"/proc/7/fd/3"),
        (b"/proc/thread-self/x", b"/proc/7/task/7/x"),
        (b"/dev/fd/3", b"/proc/7/fd/3"),
        (b"/dev//fd/", b"/proc/7/fd/"),
        (b"/dev/stderr", b"/proc/7/fd/2"),
        (b"/dev/stdinx", b"/dev/stdinx"),
        (b"/dev/fdx/3", b"/dev/fdx/3"),
        (b"/proc/selfx/fd", b"/proc/selfx/fd"),
        (b"/proc/self", b"/proc/self"),
        (b"/x/proc/self/fd/3", b"/x/proc/self/fd/3"),
    ],
)
def test_links_to_a_task_s_own_things_are_not_ours(path: bytes, ours: bytes) -> None:
    assert host.as_ours(HostTid(7), path) == ours
