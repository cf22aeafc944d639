"""Owns the compilation of the table into all the forms that one run gives to kernel and core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox._native._core import lib
from picobox.abi.arguments import active_rules, compile_rules
from picobox.abi.filter import (
    DISPOSITION_ACTION,
    DISPOSITION_DECIDED,
    DISPOSITION_GATE,
    DISPOSITION_NOTIFY,
    DISPOSITION_PASSES,
    LOOKING,
    MMAP,
    RECORDED_BOUNDED,
    Gate,
    compile_dispositions,
    compile_filter,
    compile_guards,
    compile_resolvable,
    maps_itself,
)
from picobox.abi.row import ACTION_CALL, CHECK
from picobox.confine.hardening import compile_hardening
from picobox.platform.forms import Forms

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from picobox.abi.row import Row

_CLOSE, _OPENAT = 3, 257


class FormCompiler:
    """The table as one run has it: who is told of which calls, and where they may be made."""

    def __init__(
        self,
        rows: tuple[Row, ...],
        *,
        subscribe: bool,
        calls: frozenset[int] | None,
        rules: frozenset[str],
        gate: bool,
        recorded: frozenset[int],
        judged: frozenset[int],
    ) -> None:
        """See TracePlatform; `rules`: the calls that rules about arguments are about."""
        self._rows = rows
        self._subscription = subscribe, calls
        self._rules = rules
        self._gate = gate
        self._recorded, self._judged = recorded, judged
        self._compiled: dict[frozenset[str], array[int]] = {}

    def dispositions(self, features: frozenset[str]) -> array[int]:
        """The core's array, under other features than the run began with if need be."""
        found = self._compiled.get(features)
        if found is None:
            subscribe, calls = self._subscription
            found = self._compiled[features] = compile_dispositions(
                self._rows, subscribe, features, calls, self._rules, self._gate, self._recorded, self._judged
            )
        return found

    def without_gates(self, features: frozenset[str]) -> bytes:
        """The filter with the notify channel where there can be no gate."""
        return compile_filter(self._rows, _notified(self.dispositions(features)))

    def forms(self, features: frozenset[str]) -> Forms:
        """All of them."""
        dispositions = self.dispositions(features)
        notified = _notified(dispositions)
        lowest = lib.PB_GATE_CODE if maps_itself(features) else 0
        gates = _gates(dispositions, looking=LOOKING if self._recorded else frozenset(), lowest=lowest)
        guards, mmap_nr = compile_guards(self._rows)
        return Forms(
            stopping=compile_filter(self._rows),
            notifying=compile_filter(self._rows, notified, gates) if notified else b"",
            dispositions=dispositions.tobytes(),
            guards=guards.tobytes(),
            mmap_nr=mmap_nr,
            rules=compile_rules(active_rules(features)).tobytes(),
            resolvable=compile_resolvable(self._rows).tobytes(),
            hardening=compile_hardening(),
            has_gates=bool(gates),
            watches=bool(gates and gates[1].calls),
            opens_unseen=CHECK not in features and any(_OPENAT in place.calls for place in gates),
            tells_closes=_CLOSE in notified and dispositions[_CLOSE] & DISPOSITION_ACTION == ACTION_CALL,
        )


def _notified(dispositions: Sequence[int]) -> frozenset[int]:
    return frozenset(nr for nr, word in enumerate(dispositions) if word & DISPOSITION_NOTIFY)


def _gates(dispositions: Sequence[int], looking: frozenset[int], lowest: int) -> Sequence[Gate]:
    """Where the gate makes calls, and which; none if it may make none.

    `looking`: it makes these for records. `lowest`: from there on it maps itself, where mappings are seen.
    """
    always, decided, bounded = (
        frozenset(nr for nr, word in enumerate(dispositions) if word & flag)
        for flag in (DISPOSITION_GATE, DISPOSITION_DECIDED, DISPOSITION_PASSES)
    )
    places = (
        Gate(lib.PB_GATE_CODE, lib.PB_GATE_CODE_SIZE, always, bounded),
        Gate(
            lib.PB_GATE_DECIDED, lib.PB_GATE_DECIDED_SIZE, (decided | looking) - RECORDED_BOUNDED,
            decided & RECORDED_BOUNDED,
            maps_code=MMAP in bounded,
            maps_itself=lowest,
        ),
    )  # fmt: skip
    resolving = Gate(lib.PB_GATE_RESOLVING, lib.PB_GATE_RESOLVING_SIZE, decided - RECORDED_BOUNDED, notified=True)
    return (*places, resolving) if always or decided else ()
