"""What the core refuses to let guests trace."""

from __future__ import annotations

import signal
from errno import ESRCH
from typing import TYPE_CHECKING

import pytest

from picobox.abi.table import ROWS
from picobox.errors import Errno
from picobox.platform.base import STOP_DEAD, SpawnRequest
from picobox.platform.trace import TracePlatform

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def platform() -> Iterator[TracePlatform]:
    made = TracePlatform(ROWS)
    yield made
    made.kill_all()
    while made.task_count():
        made.next()
    made.close()


def test_who_is_being_launched_is_not_attached_to(platform: TracePlatform) -> None:
    """Whoever held it there could take it over before its walls are up."""
    tid = platform.spawn(SpawnRequest((b"/bin/true",), (), (b"true",)))
    with pytest.raises(Errno) as caught:
        platform.debugging().begin(tid, tid, seized=True, options=0)
    assert caught.value.errno == ESRCH
    while (stop := platform.next()).kind != STOP_DEAD:
        platform.resume(stop)
    assert stop.status != signal.SIGKILL
