"""What names mean is the same whether the core tells it to calls in the gate or Python finds it out at a stop."""

from __future__ import annotations

import os
import random
import tempfile
import threading
from errno import EACCES, ELOOP
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from build import compile_source

from picobox._native._core import lib
from picobox.abi.row import ACTION_CALL
from picobox.abi.table import BY_NAME, ROWS
from picobox.platform.trace import TracePlatform

from .sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.names import Resolver

PROGRAM = Path(__file__).parent / "gate_lookups.c"
ROUNDS = 3
WORDS = ("stat", "lstat", "access", "readlink", "open", "openlink")
COMPONENTS = (
    "alpha",
    "Alpha",
    "ALPHA",
    "beta",
    "Beta",
    "gamma",
    "straße",
    "STRASSE",
    "İx",
    "k",
    "\N{KELVIN SIGN}",
    "x y",
)
SEEN = tuple(BY_NAME[name].nr for name in ("newfstatat", "openat", "faccessat", "readlinkat"))


@pytest.fixture(autouse=True)
def _channel() -> None:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"


class Seen(NamedTuple):
    """What the program wrote, how many of its calls Python was asked about, and how many the core."""

    lines: list[str]
    asked: int
    resolved: int


def look(directory: Path, script: list[str], *, gate: bool, rounds: int = ROUNDS) -> Seen:
    """Runs a script in a directory, which it leaves as it is or makes the same of in each round."""
    lines, output = directory.parent / "script", directory.parent / "output"
    lines.write_bytes(b"".join(os.fsencode(line) + b"\n" for line in (f"cd {directory}", *script)))
    sandbox = Sandbox(profile="nt", platform=cast("TracePlatform", object()))
    assert sandbox.names is not None
    platform = TracePlatform(ROWS, features=sandbox.names.features, gate=1 if gate else 0)
    sandbox = Sandbox(profile="nt", platform=platform)
    assert sandbox.names is not None
    if gate:
        sandbox.names.resolve_by(cast("Resolver", platform))
    resolved = 0

    def close() -> None:
        nonlocal resolved
        resolved = platform.resolutions()
        TracePlatform.close(platform)

    platform.close = close  # type: ignore[method-assign]
    sandbox.run_ours(compile_source(PROGRAM), str(lines), str(output), str(rounds))
    calls = sandbox.counters[ACTION_CALL]
    return Seen(output.read_text(errors="surrogateescape").splitlines(), sum(calls[nr] for nr in SEEN), resolved)


def grow(directory: Path, choose: random.Random, depth: int = 0) -> list[str]:
    """A tree of directories, files, links that lead somewhere or not, some of it closed; gives its paths."""
    paths = []
    for name in choose.sample(COMPONENTS, choose.randint(3, 7)):
        path = directory / name
        kind = choose.random()
        if kind < 0.45 and depth < 3:
            path.mkdir()
            paths += grow(path, choose, depth + 1)
            path.chmod(choose.choice((0o755, 0o755, 0o755, 0o711, 0o700)))
        elif kind < 0.75:
            path.write_text(name)
        else:
            target = "/".join(choose.sample((*COMPONENTS, "..", "."), choose.randint(1, 3)))
            path.symlink_to(target if choose.random() < 0.8 else directory / target)
        paths.append(str(path))
    return paths


def misspell(path: str, choose: random.Random) -> str:
    """A path in another case, with dots, slashes and names that are not there."""
    parts = path.split("/")
    for place, part in enumerate(parts):
        what = choose.random()
        if what < 0.35:
            parts[place] = choose.choice((part.upper(), part.lower(), part.swapcase()))
        elif what < 0.4:
            parts[place] = part + choose.choice(("/.", "/../" + part, "//"))
        elif what < 0.44:
            parts[place] = choose.choice(("absent", part + "x", ".", ".."))
    return "/".join(parts) + choose.choice(("", "", "", "/", "/.", "//", "/absent"))


def make_script(top: Path, choose: random.Random, count: int) -> list[str]:
    paths = grow(top, choose)
    directories = [str(top)] + [path for path in paths if os.path.isdir(path) and not os.path.islink(path)]
    script = []
    for _ in range(count):
        path = misspell(os.path.relpath(choose.choice(paths), top), choose)
        what = choose.random()
        if what < 0.02:
            script += ["here -", f"cd {choose.choice(directories)}"]
        elif what < 0.04:
            script.append(f"in {misspell(choose.choice(directories), choose)}")
        elif what < 0.06:
            script += ["here -", f"cd {top}"]
        script.append(f"{choose.choice(WORDS)} {path if choose.random() < 0.6 else str(top).upper() + '/' + path}")
        if choose.random() < 0.3:
            script.append(f"{choose.choice(WORDS)} {top}/{path}")
    return script


@pytest.fixture
def top() -> Iterator[Path]:
    """A directory that every user can reach."""
    with tempfile.TemporaryDirectory() as directory:
        above = Path(directory)
        above.chmod(0o755)
        (above / "Tree").mkdir()
        yield above / "Tree"


def is_same(seen: str, expected: str) -> bool:
    """Where the kernel refuses a way by itself, Python may not get so far: it gives up links that go in circles."""
    refused, circles = f" -1 {EACCES} 0", f" -1 {ELOOP} 0"
    return seen == expected or (expected.endswith(circles) and seen == expected.removesuffix(circles) + refused)


@pytest.mark.parametrize("seed", [1, 2, *[pytest.param(seed, marks=pytest.mark.full) for seed in range(3, 40)]])
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_a_tree_is_the_same(top: Path, seed: int, user: str) -> None:
    script = make_script(top, random.Random(seed), 300)
    if user == "nobody":
        if os.geteuid():
            pytest.skip("only root becomes another user")
        script = [*script[:20], "user -", *script]
    expected = look(top, script, gate=False)
    seen = look(top, script, gate=True)
    assert [pair for pair in zip(seen.lines, expected.lines, strict=True) if not is_same(*pair)] == []
    assert seen.asked < expected.asked * 2 / 3


CHANGES = (
    "stat Name", "stat Name", "stat Name", "stat Name", "make name", "stat Name", "remove NAME", "stat Name",
    "stat Name", "stat Name", "mkdir NAME", "stat Name", "stat Name/x", "stat Name/x", "stat Name/x", "make name/X",
    "stat Name/x", "cd nAME", "stat x", "stat ../NAme", "stat y", "stat y", "stat y", "cd ..", "make Y", "stat y",
    "cd namE", "stat y", "in .", "stat X", "stat Z", "stat Z", "make z", "stat Z", "remove z", "here -", "cd ..",
    "remove Y", "remove Name/x", "rmdir Name",
)  # fmt: skip


def test_what_is_made_is_there_at_once(top: Path) -> None:
    # Inodes are new each time.
    script = [line for line in CHANGES for _ in range(6 if line.startswith("stat") else 1)]
    expected, seen = (
        [line.rpartition(" ")[0] for line in look(top, script, gate=gate).lines] for gate in (False, True)
    )
    assert seen == expected


LOOKS = 200


def test_what_is_not_there_is_asked_for_a_few_times(top: Path) -> None:
    paths = ("absent", f"{top}/absent", "./no/where", f"{top.parent}/Absent/x")
    script = [f"{word} {path}" for _ in range(LOOKS) for word in ("stat", "open") for path in paths]
    seen = look(top, script, gate=True, rounds=1)
    assert set(seen.lines[2:]) == {line + " -1 2 0" for line in script}
    # Others change directories above ours.
    assert seen.resolved + seen.asked < LOOKS


def test_what_others_make_is_noticed(top: Path) -> None:
    (top / "Sub").mkdir()
    script = ["stat sub/name"] * 20 + ["await sub/name"]
    maker = threading.Timer(1, (top / "Sub" / "NAME").touch)
    maker.start()
    try:
        assert " 0 0 " in look(top, script, gate=True, rounds=1).lines[-1]
    finally:
        maker.join()


def test_a_name_is_looked_for_where_the_task_is_now(top: Path) -> None:
    for directory in ("one", "two", "three"):
        (top / directory).mkdir()
    (top / "two" / "FILE").touch()
    (top / "three" / "fILE").touch()
    looks = ["stat File"] * 6
    script = ["cd one", *looks, "cd ../two", *looks, "cd ../one", *looks, "cd-in-thread ../three", *looks]
    script += ["cd-in-thread ../one", *looks, "cd ..", *looks, "in one", *looks, "in two", *looks, "here -", *looks]
    assert look(top, script, gate=True).lines == look(top, script, gate=False).lines


def test_links_lead_to_other_spellings(top: Path) -> None:
    (top / "Target").touch()
    (top / "Link").symlink_to("TARGET")
    (top / "Way").symlink_to(".")
    script = [f"{word} {path}" for word in WORDS for path in ("Link", "LINK", "WAY/link", "wAY/TARGET", "Link/")] * 2
    seen = look(top, script, gate=True).lines
    assert seen == look(top, script, gate=False).lines
    assert f"stat Link 0 0 {(top / 'Target').stat().st_ino:x}" in seen


def test_who_leaves_the_root_has_names_of_its_own(top: Path) -> None:
    if os.geteuid():
        pytest.skip("only root changes its root")
    (top / "Inside").mkdir()
    (top / "Inside" / "File").touch()
    script = ["stat /inside/FILE"] * 4 + ["stat INSIDE/file", f"root {top}/INSIDE"] + ["stat /fiLE", "stat file"] * 4
    script += [f"stat {top}/x", "stat /inside/FILE", "stat ../../FILE"]
    assert look(top, script, gate=True, rounds=1).lines == look(top, script, gate=False, rounds=1).lines
