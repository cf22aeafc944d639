"""What names mean is the same whether the core tells it to calls in the gate or Python finds it out at a stop."""

from __future__ import annotations

import os
import random
import sys
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

from .guests import run
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
        asked = f"{choose.choice(WORDS)} {path if choose.random() < 0.6 else str(top).upper() + '/' + path}"
        script += [asked] * choose.choice((1, 1, 1, 1, 6))
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


def test_each_of_many_names_is_there_at_once(top: Path) -> None:
    script = [line for i in range(LOOKS) for line in (*[f"stat N{i}"] * 5, f"make n{i}", f"stat N{i}", f"remove n{i}")]
    lines = look(top, script, gate=True, rounds=1).lines[2:]
    assert [line.split()[2] for line in lines] == [*["-1"] * 5, "0", "0", "0"] * LOOKS


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


def test_another_spelling_is_asked_for_a_few_times(top: Path) -> None:
    (top / "Sub").mkdir()
    (top / "Sub" / "Name").touch()
    paths = ("SUB/NAME", f"{top}/sub/name", "./sub/nAME", f"{top.parent}/TREE/Sub/Name")
    script = [f"{word} {path}" for _ in range(LOOKS) for word in ("stat", "open") for path in paths]
    seen = look(top, script, gate=True, rounds=1)
    inode = (top / "Sub" / "Name").stat().st_ino
    assert set(seen.lines[2:]) == {f"{line} 0 0 {inode:x}" for line in script}
    # Others change directories above ours.
    assert seen.resolved + seen.asked < LOOKS


SPELLINGS = (
    "make name", "stat NAME", "rename name -> nAme", "stat NAME", "openlink NAME", "remove NAME", "stat NAME",
    "make NaMe", "stat NAME", "remove name", "mkdir dir", "make dir/file", "stat DIR/FILE", "rename DIR -> other",
    "stat DIR/FILE", "stat OTHER/FILE", "rename Other -> DIr", "stat OTHER/FILE", "stat DIR/FILE", "stat dir/file",
    "make two", "rename two -> dir/FiLe", "stat DIR/FILE", "link dir/file -> dir/More", "stat DIR/MORE", "mkdir else",
    "make else/fiLE", "exchange DIR -> ELSE", "stat DIR/FILE", "stat DIR/MORE", "stat ELSE/MORE", "cd DIR",
    "stat FILE", "cd ../ELSE", "stat FILE", "stat MORE", "cd ..", "remove dir/file", "symlink nowhere -> dir/File",
    "stat DIR/FILE", "lstat DIR/FILE", "stat DIR/FILE", "make nowhere", "stat DIR/FILE",
    "rename nowhere -> dir/NoWhere",
    "stat DIR/FILE", "symlink ELSE -> Way", "stat WAY/FILE", "stat WAY/MORE", "remove way", "symlink DIR -> Way",
    "stat WAY/FILE", "stat WAY/MORE", "remove way", "remove dir/file", "remove dir/nowhere", "rmdir DIR",
    "symlink ELSE -> dir", "stat DIR/FILE", "stat DIR/MORE", "remove dir", "remove else/file", "remove else/more",
    "rmdir else",
)  # fmt: skip


def test_what_a_spelling_means_is_what_it_means_now(top: Path) -> None:
    script = [line for line in SPELLINGS for _ in range(6 if "stat" in line or "open" in line else 1)]

    # Inodes are new each time.
    expected, seen = (
        [line.rpartition(" ")[0] for line in look(top, script, gate=gate).lines] for gate in (False, True)
    )
    assert seen == expected


def test_a_directory_takes_the_place_of_another(top: Path) -> None:
    for directory, name in (("one", "File"), ("two", "fILE"), ("three", "other")):
        (top / directory).mkdir()
        (top / directory / name).touch()
    looks = [f"{word} ONE/{name}" for word in ("stat", "open") for name in ("FILE", "OTHER") for _ in range(6)]
    script = [*looks, "rename one -> four", *looks, "rename two -> one", *looks, "rename one -> two"]
    script += ["rename three -> One", *looks, "rename one -> three", *looks, "rename four -> one", *looks]
    assert look(top, script, gate=True).lines == look(top, script, gate=False).lines


@pytest.mark.usefixtures("fast_modes")
def test_who_may_not_list_a_directory_any_more_finds_one_spelling(top: Path) -> None:
    # Behind walls nobody overrides modes. As root that is so only there.
    looks = [line for line in ("stat SUB/FILE", "stat Sub/FILE", "stat SUB/File") for _ in range(6)]
    script = [f"cd {top}", "mkdir Sub", "make Sub/File", *["stat Sub/FILE"] * 400, *looks, "remembered Sub/File"]
    script += ["shut Sub", *looks, "chmod Sub", *looks, "remove Sub/File", "rmdir Sub"]
    (top / "script").write_text("".join(line + "\n" for line in script))
    seen = []
    for options in (["--no-gate"], []):
        command = [
            sys.executable,
            "-m",
            "picobox",
            "-q",
            "--policy",
            "default",
            *options,
            "--",
            str(compile_source(PROGRAM)),
        ]
        command += [str(top / "script"), str(top / "output"), "1"]
        assert run(command, 60, top).status == 0
        seen.append([line.rpartition(" ")[0] for line in (top / "output").read_text().splitlines()])
    assert seen[0][:-1] == [line.replace("remembered Sub/File 1", "remembered Sub/File 0") for line in seen[1][:-1]]
    assert "remembered Sub/File 1 0" in seen[1]
    assert {"stat SUB/File 0 0", "stat Sub/FILE -1 2"} <= set(seen[1])


def test_spellings_are_not_shown_to_who_has_other_rights(top: Path) -> None:
    if os.geteuid():
        pytest.skip("only root becomes another user")
    (top / "File").touch()
    script = [*["stat FILE"] * 6, "remembered File", "user -", "remembered File", *["stat FILE"] * 6, "remembered File"]
    lines = [line for line in look(top, script, gate=True, rounds=2).lines if line.startswith("remembered")]
    # The second child has all rights, beside one that had not.
    assert lines[:4] == [f"remembered File {seen} 0 0" for seen in (1, 0, 0, 0)]


def test_a_spelling_that_others_make_is_noticed(top: Path) -> None:
    (top / "Sub").mkdir()
    (top / "Sub" / "Name").touch()
    # The directory that is there as it was written has no such file.
    script = ["stat SUB/NAME"] * 20 + ["gone SUB/NAME", "stat SUB/NAME", "stat Sub/NAME", "await SUB/NAME"]

    def others() -> None:
        (top / "SUB").mkdir()
        makes.wait(1)
        (top / "SUB" / "nAME").touch()

    makes = threading.Event()
    maker = threading.Timer(1, others)
    maker.start()
    try:
        lines = look(top, script, gate=True, rounds=1).lines
    finally:
        maker.join()
    inode = (top / "Sub" / "Name").stat().st_ino
    assert lines[-4:-1] == ["gone SUB/NAME 0 0 0", "stat SUB/NAME -1 2 0", f"stat Sub/NAME 0 0 {inode:x}"]
    assert lines[-1].startswith("await SUB/NAME 0 0 ")
    assert not lines[-1].endswith(f" {inode:x}")


def test_a_name_that_others_spell_anew_is_found(top: Path) -> None:
    (top / "Name").touch()
    script = [*["stat NAME"] * 20, "await new", *["stat NAME"] * 20]

    def others() -> None:
        (top / "Name").rename(top / "nAMe")
        (top / "new").touch()

    maker = threading.Timer(1, others)
    maker.start()
    try:
        lines = look(top, script, gate=True, rounds=1).lines
    finally:
        maker.join()
    inode = (top / "nAMe").stat().st_ino
    assert [line for line in lines if line.startswith("stat")] == [f"stat NAME 0 0 {inode:x}"] * 40


def test_a_twin_that_others_make_is_found(top: Path) -> None:
    (top / "Sub").mkdir()
    (top / "Sub" / "Name").touch()
    script = [*["stat SUB/NAME"] * 20, "meanwhile SUB/NAME"]

    def others() -> None:
        (top / "Sub" / "NAME").touch()
        made.wait(0.02)
        (top / "new").touch()

    made = threading.Event()
    maker = threading.Timer(1, others)
    maker.start()
    try:
        lines = look(top, script, gate=True, rounds=1).lines
    finally:
        maker.join()
    assert lines[-1] == f"meanwhile SUB/NAME 0 0 {(top / 'Sub' / 'NAME').stat().st_ino:x}"
