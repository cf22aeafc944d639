"""Runs attacks in a throwaway sandbox, under picobox or without it, and tells what each of them got."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from build import compile_source

from .catalogue import PROGRAMS
from .outer import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .catalogue import Attack

REPOSITORY = Path(__file__).parents[2]
TOOLS = ("decoys", "driver", "forbidden")
PROTECT = "protect"
# The mode in which there are no namespaces.
BARE = "no namespaces"
# Namespaces of its own, so that a control, whose attack succeeds, meets nothing but decoys.
OUTER = ("unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child")


class Mode(NamedTuple):
    """Who runs picobox, and with which options."""

    name: str
    uid: int
    options: tuple[str, ...]


class Outcome(NamedTuple):
    """How one attack ended: what it got, how its program ended ("status 0"), whether the sandbox worked afterwards."""

    got: tuple[str, ...]
    ended: str
    alive: bool
    output: str = ""

    @property
    def is_stopped(self) -> bool:
        """It got nothing, came to its end, and the sandbox lives."""
        return not self.got and self.ended == "status 0" and self.alive


def run(
    attacks: Iterable[Attack],
    mode: Mode | None,
    uid: int = 0,
    without: Sequence[str] = (),
    rounds: int = 1,
    seconds: int = 25,
    beside: bool = False,
) -> dict[str, Outcome]:
    """Runs attacks one after another, those with the same options in one sandbox; gives outcomes by the attacks' names.

    `mode` None: without picobox, as `uid`. `without`: the walls that are left out. `beside`: the decoys
    are guests of another sandbox of the same kind.
    """
    by_options: dict[tuple[str, ...], list[Attack]] = {}
    for attack in attacks:
        options = (*attack.options, *(attack.control if without else ())) if mode is not None else ()
        by_options.setdefault(options, []).append(attack)
    outcomes = {}
    for options, wanted in by_options.items():
        launcher: list[str] = []
        if mode is not None:
            module = ["tests.attacks.without", ",".join(without)] if without else ["picobox"]
            launcher = [sys.executable, "-m", *module, "-q", *mode.options, *options, "--"]
            uid = mode.uid
        output = _run_together(wanted, launcher, uid, rounds, seconds, launcher if beside else [])
        outcomes.update({attack.name: _outcome(attack.name, output) for attack in wanted})
    return outcomes


def _run_together(
    wanted: list[Attack], launcher: list[str], uid: int, rounds: int, seconds: int, of_decoys: list[str]
) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="picobox-decoy-", dir="/tmp") as shared:
        shared.write("SECRET\n")
        shared.flush()
        os.chmod(shared.name, 0o644)
        request = {
            "launcher": launcher,
            "programs": [str(compile_source(PROGRAMS / f"{attack.name}.c")) for attack in wanted],
            "tools": {name: str(compile_source(PROGRAMS / f"{name}.c")) for name in TOOLS},
            "uid": uid,
            "seconds": seconds,
            "rounds": rounds,
            "shared": shared.name,
            "of_decoys": of_decoys,
        }
        return _run_outer(request, seconds * 10 + 30)


def _run_outer(request: dict[str, object], seconds: int) -> str:
    outer = OUTER if os.geteuid() == 0 else (*OUTER, "--user", "--map-root-user")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LC_ALL": "C.UTF-8"}
    with (
        tempfile.TemporaryFile("w+", errors="backslashreplace") as output,
        subprocess.Popen(
            [
                *outer,
                str(compile_source(PROGRAMS / f"{PROTECT}.c")),
                sys.executable,
                "-m",
                "tests.attacks.outer",
                json.dumps(request),
            ],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        output.seek(0)
        return output.read()


def _outcome(name: str, output: str) -> Outcome:
    """What the output of the driver says of one attack."""
    _, _, after = output.partition(f"BEGIN {name}\n")
    text, end, rest = after.partition(f"END {name} ")
    got = tuple(line.removeprefix("GOT ") for line in text.splitlines() if line.startswith("GOT "))
    if not end:
        return Outcome(got, "never", alive=False, output=output[-2000:])
    kind, number, state, *_ = rest.split("\n", 1)[0].split()
    return Outcome(got, f"{kind} {number}", state == "alive", text)


def modes() -> list[Mode]:
    """Each way in which the whole table is run on this machine."""
    options, bare = ("--policy=default",), ("--policy=default", "--walls=no-namespaces")
    own = os.geteuid()
    if own != 0:
        return [Mode("user", own, options), Mode(BARE, own, bare)]
    return [Mode("root", 0, options), Mode("user", NOBODY, options), Mode(BARE, NOBODY, bare)]
