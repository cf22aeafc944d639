"""Learns a policy: watches a program once, then takes away whatever it runs without."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol

from picobox.confine.accesses import MOST_USES
from picobox.confine.candidates import DEVICE, FILE, NETWORK, PRIVATE_TMP, SESSION, VARIABLE, Part, parts_of
from picobox.confine.minimise import minimal
from picobox.confine.named import file_rule
from picobox.confine.place import is_below
from picobox.confine.policy import (
    ALL_DEVICES,
    HOST,
    KEEP,
    KEPT,
    LAYER,
    LOOPBACK,
    NONE,
    OWN,
    READ,
    STANDARD_DEVICES,
    WRITE,
    FileRule,
    Policy,
    VariableRule,
)
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.confine.accesses import Accesses
    from picobox.confine.place import Place

LEARNED = "learned"
# No tree of files that anybody keeps (filesystems(5)).
# Seconds.
_PATIENCE = 3
_KERNELS = (b"/proc", b"/sys", b"/dev", b"/run")


class Outcome(NamedTuple):
    """How a run ended: its exit status, what tells its standard output from others, and how long it took in seconds."""

    status: int
    output: str
    seconds: float


class Learned(NamedTuple):
    """What was learned, from how many runs; `outcome` of the first."""

    policy: Policy
    outcome: Outcome
    runs: int


class Runner(Protocol):
    """Runs the command once under a policy. Both raise PicoboxError if there can be no run at all."""

    def watch(self, policy: Policy) -> tuple[Outcome, Accesses]:
        """Runs it, shown to the user, and notes what it uses."""

    def run(self, policy: Policy, limit: float) -> Outcome | None:
        """Runs it unseen; None if it takes longer than `limit` seconds."""


def learn(runner: Runner, place: Place, *, same_output: bool) -> Learned:
    """The smallest policy under which the command ends as it did: without any one of its rules it does not.

    `same_output`: it has to write the same to standard output too. No run changes files: what may be written is
    written in layers that are dropped. PicoboxError if the command does not run twice alike, or not behind walls.
    """
    outcome, accesses = runner.watch(in_layers(place))
    if len(accesses.uses) >= MOST_USES:
        raise PicoboxError(
            f"the command uses more than {MOST_USES} files: write its policy by hand, directory by directory"
        )
    parts = parts_of(accesses, place, [os.fsencode(name) for name in place.environment])
    trials = _Trials(runner, place, outcome, same_output=same_output)
    if not trials.works(parts):
        raise PicoboxError(trials.told())
    left = minimal(parts, trials.works)
    return Learned(policy_of(left, place), outcome, trials.runs + 1)


def policy_of(parts: Sequence[Part], place: Place, *, trial: bool = False) -> Policy:
    """A policy that gives these parts and nothing else; in a trial what may be written is a layer."""
    files = tuple(_rule(part, place, trial=trial) for part in parts if part.kind == FILE)
    given = {kind: [part.value for part in parts if part.kind == kind] for kind in (DEVICE, VARIABLE, NETWORK)}
    kinds = {part.kind for part in parts}
    network = next((each for each in (HOST, LOOPBACK) if each.encode() in given[NETWORK]), NONE)
    return Policy(
        LEARNED,
        files,
        network=network,
        environment=tuple(VariableRule(os.fsdecode(name), KEEP, LEARNED) for name in given[VARIABLE]),
        devices=(*STANDARD_DEVICES, *given[DEVICE]),
        session=KEPT if SESSION in kinds else OWN,
        private_tmp=PRIVATE_TMP in kinds,
    )


def _rule(part: Part, place: Place, *, trial: bool) -> FileRule:
    right, value = part.right, part.value
    if trial and right == WRITE:
        # Of a single file there is no layer, of its directory there is.
        right, value = LAYER, value if os.path.isdir(value) else os.path.dirname(value)
    return file_rule(place.spot(os.fsdecode(value)), right, LEARNED)


def speller(file: str | None, place: Place) -> Callable[[bytes], str]:
    """How a policy in `file` writes paths: relative to the file below its directory, else with `~` below the home.

    None: on standard output, where it is not known what a path would be relative to.
    """
    directory = None if file is None else os.path.dirname(os.path.realpath(file))

    def spelled(path: bytes) -> str:
        text = os.fsdecode(path)
        if any(each in text for each in "*?[$"):
            raise PicoboxError(f"{text}: a policy would take this name for a pattern. Call it otherwise.")
        if directory is not None and is_below(text, directory) and directory != "/":
            return os.path.relpath(text, directory)
        home = place.homes[0] if place.homes else None
        return f"~{text[len(home) :]}" if home is not None and is_below(text, home) else text

    return spelled


def in_layers(place: Place) -> Policy:
    """Everything may be read, and changed in layers: each file system gets one, since a layer ends where one does."""
    with open("/proc/self/mounts", "rb") as table:
        mounted = [line.split(b" ")[1] for line in table]
    tops = [b"/" + name for name in os.listdir(b"/")]
    directories = {_unescaped(path) for path in mounted} | set(tops) | {os.fsencode(place.directory)}
    layers = [FileRule(path, LAYER, LEARNED) for path in sorted(directories) if _takes_a_layer(path)]
    return Policy(
        LEARNED,
        (FileRule(b"/", READ, LEARNED), *layers),
        network=HOST,
        environment=(VariableRule("*", KEEP, LEARNED),),
        devices=ALL_DEVICES,
        session=KEPT,
        private_tmp=False,
    )


def _takes_a_layer(path: bytes) -> bool:
    kernels = any(path == each or path.startswith(each + b"/") for each in _KERNELS)
    return path != b"/" and not kernels and _is_directory(path)


def _is_directory(path: bytes) -> bool:
    """Whether a path is a directory, no link to one, and its file system says so in time: a dead one never does."""
    found: list[bool] = []
    look = threading.Thread(target=lambda: found.append(os.path.isdir(path) and not os.path.islink(path)), daemon=True)
    look.start()
    look.join(_PATIENCE)
    return found == [True]


def _unescaped(path: bytes) -> bytes:
    """A path as the table of mounts writes it (fstab(5))."""
    for escape, letter in ((rb"\040", b" "), (rb"\011", b"\t"), (rb"\012", b"\n"), (rb"\134", b"\\")):
        path = path.replace(escape, letter)
    return path


class _Trials:
    """Tries parts, each choice of them once."""

    def __init__(self, runner: Runner, place: Place, wanted: Outcome, *, same_output: bool) -> None:
        self._runner = runner
        self._place = place
        self._wanted = wanted
        self._same_output = same_output
        self._limit = max(10.0, 10 * wanted.seconds)
        self._known: dict[tuple[Part, ...], bool] = {}
        self._last: Outcome | None = None
        self.runs = 0

    def works(self, parts: Sequence[Part]) -> bool:
        """Whether the command ends with these parts as it did with everything."""
        chosen = tuple(parts)
        if chosen not in self._known:
            self.runs += 1
            self._last = outcome = self._runner.run(policy_of(chosen, self._place, trial=True), self._limit)
            self._known[chosen] = outcome is not None and self._is_wanted(outcome)
        return self._known[chosen]

    def _is_wanted(self, outcome: Outcome) -> bool:
        same = outcome.status == self._wanted.status
        return same and (outcome.output == self._wanted.output or not self._same_output)

    def told(self) -> str:
        """Why nothing can be learned: with all that it used the command does not run as it did."""
        end = "not in time" if self._last is None else f"with status {self._last.status}"
        if self._last is not None and self._last.status == self._wanted.status:
            return "the command's output differs from run to run: leave --same-output out"
        return (
            f"the command ended with status {self._wanted.status} while it was watched, and {end} when it got all that "
            "it had used and nothing else. It may not run the same twice; `picobox --report` tells what is refused."
        )
