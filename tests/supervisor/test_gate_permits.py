"""Who makes a name again and again need not ask each time, and finds what others have made of it meanwhile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from build import compile_source

from picobox._native._core import lib
from picobox.abi.table import ROWS
from picobox.platform.trace import TracePlatform

from .sandbox import Sandbox
from .test_gate_lookups import look, top

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.names import Resolver

__all__ = ["top"]

pytestmark = pytest.mark.usefixtures("fast_modes")

PROGRAM = Path(__file__).parent / "gate_permits.c"
MAKINGS = 400
ROUNDS, TWINS = 1000, 4  # what the program makes at least, and where others were first


@pytest.fixture(autouse=True)
def _channel() -> None:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"


def again(how: str, name: str, times: int = 8) -> list[str]:
    """A script that makes a name and removes it, many times."""
    return [f"stat {name}", f"{how} {name}", f"stat {name}", f"remove {name}"] * times


@pytest.mark.parametrize("how", ["new", "nolink"])
def test_a_name_that_is_made_again_and_again_is_asked_for_a_few_times(top: Path, how: str) -> None:
    (top / "Sub").mkdir()
    seen = look(
        top, [line for name in ("Name", f"{top}/Sub/Name") for line in again(how, name, MAKINGS)], gate=True, rounds=1
    )
    assert {line.split()[2] for line in seen.lines if line.startswith("open")} == {"0"}
    assert [line.split()[2] for line in seen.lines if line.startswith("stat")] == ["-1", "0"] * 2 * MAKINGS
    assert seen.resolved + seen.asked < MAKINGS


def test_a_link_is_asked_about_each_time(top: Path) -> None:
    # An open that follows links may make what another name leads to.
    script = again("make", "Name", 20)
    assert look(top, script, gate=True, rounds=1).resolved >= 20


def scripts(top: Path) -> list[str]:
    """What the task that has made a name again and again does to it by itself."""
    for directory in ("one", "two", "three"):
        (top / directory).mkdir()
    for name in ("two/NAME", "three/nAME"):
        (top / name).touch()
    own = ["make NAME", "stat Name", "nolink Name", "stat Name", "remove name", "stat Name"]
    link = ["make target", "symlink TARGET -> Name", "stat Name", "nolink Name", "new Name", "remove Name"]
    lines = [
        line
        for how in ("new", "nolink")
        for turn in (own, [*link, "remove target"])
        for line in (*again(how, "Name"), *turn)
    ]
    for how in ("new", "nolink"):
        there = [f"{how} Name", "stat Name"]
        lines += [
            "cd one",
            *again(how, "Name"),
            "cd ../two",
            *there,
            "cd ../one",
            *again(how, "Name"),
            "cd-in-thread ../three",
        ]
        lines += [*there, "cd-in-thread ../one", *again(how, "Name"), "cd ..", *again(how, "one/Name")]
        lines += [
            "rename one -> four",
            "stat one/Name",
            f"{how} one/Name",
            "mkdir ONE",
            f"{how} one/Name",
            "stat ONE/Name",
        ]
        lines += [
            "remove one/name",
            "rmdir one",
            "rename two -> one",
            f"{how} one/Name",
            "stat one/Name",
            "rename one -> two",
        ]
        lines += ["rename four -> one"]
    return lines


def test_what_a_name_means_is_what_it_means_now(top: Path) -> None:
    script = scripts(top)
    # Inodes are new each time.
    expected, seen = (
        [line.rpartition(" ")[0] for line in look(top, script, gate=gate).lines] for gate in (False, True)
    )
    assert seen == expected


def act(top: Path, what: str) -> None:
    """What the program has somebody else do."""
    directory = top / "dir"
    if what == "o":
        (directory / "NAME").touch(exist_ok=False)
    elif what == "u":
        (directory / "NAME").unlink()
    elif what == "l":
        (directory / "name").symlink_to("TARGET")
    elif what == "x":
        (directory / "name").unlink()
    elif what == "d":
        directory.rename(top / "away")
        (top / "other").rename(directory)


def serve(top: Path, told: int, done: int) -> None:
    """Does what a program tells until it says that this is the end, or its end is closed."""
    what = ""
    while what != "e":
        what = os.read(told, 1).decode()
        act(top, what)
        os.write(done, what.encode())


def run(top: Path, how: str) -> None:
    """Runs the program with all its calls on names in the gate."""
    sandbox = Sandbox(profile="nt", platform=cast("TracePlatform", object()))
    assert sandbox.names is not None
    platform = TracePlatform(ROWS, features=sandbox.names.features, gate=1)
    sandbox = Sandbox(profile="nt", platform=platform)
    assert sandbox.names is not None
    sandbox.names.resolve_by(cast("Resolver", platform))
    sandbox.run_ours(compile_source(PROGRAM), str(top), how)


def trace(top: Path, how: str) -> None:
    """Runs the program so that its calls are recorded."""
    program, output = str(compile_source(PROGRAM)), top.parent / "trace"
    words = [
        sys.executable,
        "-m",
        "picobox",
        "trace",
        "-o",
        str(output),
        "--gate",
        "1",
        "--profile",
        "nt",
        "--",
        program,
        str(top),
        how,
    ]
    done = subprocess.run(words, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    made = re.findall(r'openat\(AT_FDCWD, "dir/name".*?\) += (\d|-1 EEXIST)', output.read_text())
    assert made.count("-1 EEXIST") == TWINS
    assert len(made) - TWINS > ROUNDS


@pytest.mark.parametrize("runs", [run, trace])
@pytest.mark.parametrize("who", ["guest", "outside"])
def test_what_others_make_of_it_is_there(top: Path, who: str, runs: Callable[[Path, str], None]) -> None:
    for directory in ("dir", "other"):
        (top / directory).mkdir()
    for name in ("dir/target", "other/NAME"):
        (top / name).touch()
    for name in ("to", "from"):
        os.mkfifo(top / name)
    told, done = (os.open(top / name, os.O_RDWR) for name in ("to", "from"))
    server = threading.Thread(target=serve, args=(top, told, done), daemon=True)
    if who == "outside":
        server.start()
    try:
        runs(top, who)
    finally:
        os.write(told, b"e")
        if who == "outside":
            server.join()
        os.close(told)
        os.close(done)
