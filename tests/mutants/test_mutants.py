"""Breaks supervisor and executive one line at a time, in a copy of the tree; the test named for it has to fail."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import venv
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from alive import marked
from build import cache_directory

from picobox._native import _core

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
# What a run and its tests need of the repository.
COPIED = ("picobox", "ntshim", "tests")
# What its build file names besides.
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE")
CORE = Path(str(_core.__file__))
# Of each file, what it holds now: none may be lost. Issues 2 to 4 ask for 15 of Runs, 30 of NT core, 30 more after it.
LEAST_MUTANTS = {
    "mutants": 38,
    "nt": 64,
    "executive": 94,
    "check": 52,
    "confine": 32,
    "sites": 11,
    "gate": 23,
    "start": 15,
    "unseen": 5,
    "inspection": 8,
    "debugging": 6,
    "session": 6,
    "api": 9,
}
# Seconds, for one run of one test; more than the time limits that the tests set themselves.
RUN_TIMEOUT = 130
BUILD_TIMEOUT = 120
MARK = "MUTANT_TEST_RUN"


class Mutant(NamedTuple):
    """One line of a file and what replaces it, the test that has to notice, and what would be broken."""

    name: str
    file: str
    old: str
    new: str
    test: str
    why: str
    fast: bool = False


class Outcome(NamedTuple):
    """The exit status of one run of pytest (None: it hung) and all that it wrote."""

    status: int | None
    output: str


def load(name: str) -> list[Mutant]:
    """The mutants of a file."""
    return [Mutant(**entry) for entry in tomllib.loads((HERE / f"{name}.toml").read_text()).get("mutant", [])]


MUTANTS = [mutant for name in LEAST_MUTANTS for mutant in load(name)]


def apply(mutant: Mutant, tree: Path) -> None:
    """Replace the one line of a mutant."""
    path = tree / mutant.file
    lines = path.read_text().split("\n")
    lines[lines.index(mutant.old)] = mutant.new
    path.write_text("\n".join(lines))


def copy_tree(target: Path) -> None:
    """Copy the sources, and the C core that belongs to them."""
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in BUILT_FROM:
        shutil.copy2(REPOSITORY / name, target)
    shutil.copy2(CORE, target / "picobox" / "_native")


def build_core(tree: Path, directory: Path) -> None:
    """Build the C core of a copy as an installation does, and put it where the copy looks for it.

    A second build in the same directory compiles only what has changed.
    """
    script = "import sys, scikit_build_core.build as b; print(b.build_wheel(sys.argv[1], {'build-dir': sys.argv[2]}))"
    command = [sys.executable, "-c", script, str(directory), str(directory / "build")]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False, timeout=BUILD_TIMEOUT)
    if done.returncode != 0:
        pytest.fail(f"the C core of {tree} cannot be built:\n{done.stdout}{done.stderr}", pytrace=False)
    with zipfile.ZipFile(directory / done.stdout.split()[-1]) as wheel:
        wheel.extract(f"picobox/_native/{CORE.name}", tree)


def run_test(python: Path, tree: Path, test: str) -> Outcome:
    """Run one test of a copy; nothing that it started lives on."""
    mark = secrets.token_hex(16)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # Without picobox's own plugin: the tree need not have it, or may have it broken.
    plugins = ("-p", "no:cacheprovider", "-p", "no:picobox")
    command = [str(python), "-m", "pytest", "-q", *plugins, "--tb=short", "--color=no", "--full", test]
    # A file, not a pipe: what a broken supervisor leaves behind would keep a pipe open.
    with tempfile.TemporaryFile("w+", errors="backslashreplace") as output:
        process = subprocess.Popen(
            command,
            cwd=tree,
            env={**kept, "PYTHONPATH": str(tree), MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        status: int | None
        try:
            status = process.wait(RUN_TIMEOUT)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            kill_marked(mark)
            process.wait()
        output.seek(0)
        return Outcome(status, output.read())


def kill_marked(mark: str) -> None:
    """Kill all of them; again and again, since a program that is being killed may still have forked."""
    while left := marked(f"{MARK}={mark}"):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def why_alive(mutant: Mutant, broken: Outcome) -> str:
    """What to say of a mutant whose test did not fail as it must; nothing if it did."""
    if broken.status is None:
        return f"{mutant.test} hangs"
    if broken.status == 0:
        return f"{mutant.name} survives: {mutant.why}"
    failed = any(line.partition(" - ")[0] == f"FAILED {mutant.test}" for line in broken.output.splitlines())
    if broken.status != 1 or not failed:
        return f"{mutant.name} breaks more than {mutant.test}"
    return ""


@pytest.fixture(scope="session")
def shown() -> Iterator[Path]:
    """A directory that programs behind walls see, who have a /tmp of their own."""
    cache_directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=cache_directory()) as directory:
        yield Path(directory)


@pytest.fixture
def place(shown: Path) -> Iterator[Path]:
    """One that goes with the test: a tree and its build are large."""
    with tempfile.TemporaryDirectory(dir=shown) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def python(shown: Path) -> Path:
    """An interpreter that finds the dependencies, and picobox only where PYTHONPATH says.

    An editable install works by a .pth file, and Python does not process those of a directory that a .pth file names.
    """
    directory = shown / "environment"
    venv.create(directory, symlinks=True)
    places = {"base": str(directory), "platbase": str(directory)}
    ours = Path(sysconfig.get_path("purelib", "venv", places))
    dependencies = [place for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
    ours.joinpath("dependencies.pth").write_text("".join(f"{place}\n" for place in dependencies))
    return Path(sysconfig.get_path("scripts", "venv", places)) / "python"


def test_there_are_enough() -> None:
    assert all(len(load(name)) >= least for name, least in LEAST_MUTANTS.items())
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_applies(mutant: Mutant) -> None:
    lines = (REPOSITORY / mutant.file).read_text().split("\n")
    assert lines.count(mutant.old) == 1, f"{mutant.file} has to hold this line once: {mutant.old!r}"
    assert "\n" not in mutant.new
    assert mutant.new.strip() != mutant.old.strip()
    assert (REPOSITORY / mutant.test.partition("::")[0]).is_file()
    assert mutant.why.strip()


def test_their_tests_are_there() -> None:
    """What a mutant is killed by may have been renamed."""
    lost = []
    for test in {mutant.test for mutant in MUTANTS}:
        path, _, name = test.partition("[")[0].rpartition("::")
        if f"def {name}(" not in (REPOSITORY / path.partition("::")[0]).read_text():
            lost.append(test)
    assert lost == []


@pytest.mark.full
def test_their_tests_have_these_parameters() -> None:
    """To collect them takes a dozen seconds."""
    wanted = {mutant.test for mutant in MUTANTS}
    files = sorted({test.partition("::")[0] for test in wanted})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--full", *files]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=RUN_TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    tests = {*lines, *(line.partition("[")[0] for line in lines)}
    assert wanted - tests == set()


@pytest.mark.timeout(2 * (RUN_TIMEOUT + BUILD_TIMEOUT) + 60)
@pytest.mark.parametrize(
    "mutant",
    [pytest.param(mutant, id=mutant.name, marks=[] if mutant.fast else pytest.mark.full) for mutant in MUTANTS],
)
def test_it_is_killed(mutant: Mutant, python: Path, place: Path) -> None:
    tree, build = place / "tree", place / "build"
    is_native = mutant.file.endswith((".c", ".h"))
    copy_tree(tree)
    if is_native:
        build_core(tree, build)
    whole = run_test(python, tree, mutant.test)
    assert whole.status == 0, f"{mutant.test} fails unbroken:\n{whole.output}"
    apply(mutant, tree)
    if is_native:
        build_core(tree, build)
    broken = run_test(python, tree, mutant.test)
    why = why_alive(mutant, broken)
    assert not why, f"{why}\n{broken.output}"


@pytest.mark.parametrize(
    ("line", "said"), [("# breaks nothing", "survives"), ("import no_such_module", "breaks more")], ids=["none", "all"]
)
def test_what_is_not_killed_is_noticed(line: str, said: str, python: Path, tmp_path: Path) -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.test.startswith("tests/unit/"))
    copy_tree(tmp_path)
    opening = (tmp_path / mutant.file).read_text().split("\n")[0]
    harmless = mutant._replace(old=opening, new=line)
    apply(harmless, tmp_path)
    assert said in why_alive(harmless, run_test(python, tmp_path, harmless.test))


def test_what_a_run_leaves_behind_is_killed(python: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("conftest.py").write_text('def pytest_addoption(parser):\n    parser.addoption("--full")\n')
    tmp_path.joinpath("test_leaves.py").write_text(
        "import os, subprocess\n\ndef test():\n"
        f"    open('mark', 'w').write(os.environ[{MARK!r}])\n"
        "    subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
    )
    assert run_test(python, tmp_path, "test_leaves.py::test").status is not None
    mark = (tmp_path / "mark").read_text()
    assert len(mark) == 32
    assert marked(f"{MARK}={mark}") == []
