"""What files of the host are: looks at them wait for nobody."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from picobox.platform.base import HostTid
from picobox.platform.host import PseudoDevices
from picobox.platform.identity import Identities

if TYPE_CHECKING:
    from pathlib import Path

SELF = HostTid(os.getpid())


class Overlay(PseudoDevices):
    """Each file may be copied when it is opened for writing."""

    def copies_up(self, device: int, tid: HostTid) -> bool:
        del device, tid
        return True


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A file with two names, which overlayfs would give another number."""
    file = tmp_path / "one"
    file.write_bytes(b"text")
    os.link(file, tmp_path / "two")
    return file


@pytest.mark.timeout(20)
def test_a_fifo_that_has_the_name_meanwhile_holds_nobody(tmp_path: Path, linked: Path) -> None:
    found = os.stat(linked)
    os.mkfifo(tmp_path / "fifo")
    os.replace(tmp_path / "fifo", linked)
    seen = Identities(Overlay())._copied_up(SELF, os.fsencode(linked), os.stat(tmp_path), found)
    assert seen.st_ino != found.st_ino


@pytest.mark.timeout(20)
def test_who_has_a_lease_holds_nobody(linked: Path) -> None:
    """It is told, and has 45 seconds to give it up (fcntl(2))."""
    told = signal.signal(signal.SIGIO, signal.SIG_IGN)
    held = os.open(linked, os.O_RDONLY)
    try:
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        began = time.monotonic()
        found = Identities(Overlay()).of_path(SELF, -100, os.fsencode(linked), follow=True)
        assert found is not None
        assert found.file == (os.stat(linked).st_dev, os.stat(linked).st_ino)
        assert time.monotonic() - began < 10
    finally:
        os.close(held)
        signal.signal(signal.SIGIO, told)
