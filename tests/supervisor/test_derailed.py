"""A task whose calls for the supervisor end elsewhere than they must is killed, and the run says so."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from supervisor.guests import guest, run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_task_that_is_killed_for_where_it_stands_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "picobox", "-q", "--profile", "nt", "--no-fast", "--", str(guest("derailed"))]
    done = run(command, 60, tmp_path)
    assert done.status == 0
    # SIGILL stopped it, where a call was to begin or to end.
    assert re.fullmatch(r"picobox: tasks killed .*: 1, .* wait status 0x47f\. Please report this\.\n", done.stderr)
