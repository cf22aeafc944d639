"""Two sandboxes of one user share nothing: what one of them has is attacked by the guests of the other."""

from __future__ import annotations

import pytest

from . import runs
from .catalogue import attacks

# Signals, processes, what /proc tells, sockets, System V objects, queues, shared memory, /tmp.
BETWEEN = ("a31_signals_out", "a32_foreign_processes", "a33_supervisor_files", "a47_ipc")


@pytest.mark.parametrize("mode", runs.modes(), ids=lambda mode: mode.name)
def test_a_guest_gets_nothing_of_another_sandbox(mode: runs.Mode) -> None:
    wanted = [attack for attack in attacks() if attack.name in BETWEEN]
    gaps = {attack.name for attack in wanted if mode.name == runs.BARE and attack.gap}
    found = runs.run(wanted, mode, beside=True)
    assert {name: outcome for name, outcome in found.items() if not outcome.is_stopped and name not in gaps} == {}
