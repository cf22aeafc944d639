"""Breaks the supervisor one line at a time, in a copy of the tree, and wants the test named for it to fail."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from picobox._native import _core

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
# What a run and its tests need of the repository.
COPIED = ("picobox", "ntshim", "tests")
# What its build file names besides.
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE")
CORE = Path(str(_core.__file__))
# Issue 2, "Done means".
LEAST_MUTANTS = 15
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
    """The exit status of one run of pytest, None if it hung, and all that it wrote."""

    status: int | None
    output: str


MUTANTS = [Mutant(**entry) for entry in tomllib.loads((HERE / "mutants.toml").read_text())["mutant"]]


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
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--color=no", "--full", test]
    with subprocess.Popen(
        command,
        cwd=tree,
        env={**kept, "PYTHONPATH": str(tree), MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="backslashreplace",
    ) as process:
        try:
            output, _ = process.communicate(timeout=RUN_TIMEOUT)
        except subprocess.TimeoutExpired:
            kill_marked(mark)
            output, _ = process.communicate()
            return Outcome(None, output)
        finally:
            kill_marked(mark)
        return Outcome(process.returncode, output)


def kill_marked(mark: str) -> None:
    """Kill every process that inherited the mark: a broken supervisor may leave guests behind, in any session."""
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue


def is_reported(test: str, output: str) -> bool:
    """Whether pytest's summary names the test as failed."""
    return any(line == f"FAILED {test}" or line.startswith(f"FAILED {test} - ") for line in output.splitlines())


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that finds the dependencies, and picobox only where PYTHONPATH says.

    An editable install works by a .pth file, and Python does not process those of a directory that a .pth file names.
    """
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, symlinks=True)
    places = {"base": str(directory), "platbase": str(directory)}
    ours = Path(sysconfig.get_path("purelib", "venv", places))
    ours.joinpath("dependencies.pth").write_text(
        "".join(f"{place}\n" for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    )
    return Path(sysconfig.get_path("scripts", "venv", places)) / "python"


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= LEAST_MUTANTS
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


@pytest.mark.timeout(2 * (RUN_TIMEOUT + BUILD_TIMEOUT) + 60)
@pytest.mark.parametrize(
    "mutant", [pytest.param(mutant, id=mutant.name, marks=[] if mutant.fast else pytest.mark.full) for mutant in MUTANTS]
)
def test_it_is_killed(mutant: Mutant, python: Path, tmp_path: Path) -> None:
    tree, build = tmp_path / "tree", tmp_path / "build"
    is_native = mutant.file.endswith(".c")
    copy_tree(tree)
    if is_native:
        build_core(tree, build)
    whole = run_test(python, tree, mutant.test)
    assert whole.status == 0, f"{mutant.test} fails unbroken:\n{whole.output}"
    apply(mutant, tree)
    if is_native:
        build_core(tree, build)
    broken = run_test(python, tree, mutant.test)
    assert broken.status is not None, f"{mutant.test} hangs:\n{broken.output}"
    assert broken.status == 1, f"{mutant.name} survives ({mutant.why}):\n{broken.output}"
    assert is_reported(mutant.test, broken.output), f"another failure than the one that is wanted:\n{broken.output}"


def test_a_survivor_is_noticed(python: Path, tmp_path: Path) -> None:
    """A line that breaks nothing leaves its test passing, which `test_it_is_killed` must see as a survivor."""
    copy_tree(tmp_path)
    harmless = MUTANTS[0]._replace(new=f"{MUTANTS[0].old}  ")
    apply(harmless, tmp_path)
    outcome = run_test(python, tmp_path, harmless.test)
    assert outcome.status == 0, outcome.output
    assert not is_reported(harmless.test, outcome.output)


def test_what_a_run_leaves_behind_is_killed(python: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    tmp_path.joinpath("conftest.py").write_text('def pytest_addoption(parser):\n    parser.addoption("--full")\n')
    source = 'import subprocess\n\ndef test():\n    print(subprocess.Popen(["sleep", "1000"]).pid)\n    assert 0\n'
    tmp_path.joinpath("test_leaves.py").write_text(source)
    outcome = run_test(python, tmp_path, "test_leaves.py::test")
    assert outcome.status is not None
