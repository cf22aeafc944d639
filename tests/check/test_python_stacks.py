"""The frames of Python programs are those that the programs see themselves, in every interpreter of this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from picobox.abi.table import ROWS
from picobox.platform.reference import ReferencePlatform
from picobox.platform.trace_memory import TraceMemory

from .pythons import PYTHONS
from .stopped import Collector, stacks_of

if TYPE_CHECKING:
    from picobox.findings.finding import Frame
    from picobox.platform.base import FramesForm

    from .stopped import Seen

HERE = Path(__file__).parent
GUEST = HERE / "guests" / "stacks.py"
LIMIT = 30
OPEN = "with suppress(FileNotFoundError):\n        open(name)"


def shown(stack: tuple[Frame, ...]) -> list[list[object]]:
    assert all(frame.offset is None for frame in stack)
    return [[frame.file, frame.function, frame.line] for frame in stack]


@pytest.fixture(scope="module", params=PYTHONS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Collector, dict[str, Any]]:
    """What was seen of the guest, and what it says itself."""
    result = tmp_path_factory.mktemp("stacks") / "truth.json"
    collector = stacks_of(PYTHONS[request.param], "-W", "ignore", GUEST, result)
    return collector, json.loads(result.read_text())


def test_every_stack_is_what_the_program_says(run: tuple[Collector, dict[str, Any]]) -> None:
    collector, truth = run
    lines = GUEST.read_text().splitlines()
    here = [str(GUEST), "blind", 1 + lines.index("        open(name)")]
    caller = [str(GUEST), "look", 1 + lines.index("    blind(name)")]
    seen = {each.name: shown(each.located) for each in collector.seen if not each.name.endswith(".json")}
    assert seen.keys() == truth.keys() | {"mark-blind"}
    assert len(seen) > 35
    for name, frames in truth.items():
        assert seen[name] == [here, caller, *frames][:LIMIT], name
    assert seen["mark-blind"][0] == here
    assert [function for _, function, _ in seen["mark-blind"]] == ["blind", "main", "<module>"]


def test_a_stack_has_as_many_frames_as_are_wanted(run: tuple[Collector, dict[str, Any]]) -> None:
    collector, _ = run
    (deep,) = [each.located for each in collector.seen if each.name == "mark-deep"]
    assert len(deep) == LIMIT


@pytest.mark.parametrize("python", PYTHONS)
def test_frames_that_are_read_at_once_are_those_that_are_read_one_by_one(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, rows = TraceMemory.read_frames, []

    def both(memory: TraceMemory, form: FramesForm, innermost: int, limit: int) -> bytes | None:
        rows.append(read(memory, form, innermost, limit))
        return rows[-1]

    def stacks() -> list[Seen]:
        seen = stacks_of(PYTHONS[python], "-W", "ignore", GUEST, tmp_path / "truth.json").seen
        return sorted((each for each in seen if not each.name.endswith(".json")), key=lambda each: each.name)

    monkeypatch.setattr(TraceMemory, "read_frames", both)
    at_once = stacks()
    assert any(rows)
    assert None not in rows
    monkeypatch.setattr(TraceMemory, "read_frames", lambda *_: None)
    assert stacks() == at_once


SUBINTERPRETER = """
import importlib.util
name = next(name for name in ("_interpreters", "_xxsubinterpreters") if importlib.util.find_spec(name))
interpreters = importlib.import_module(name)
def blind(name):
    try:
        open(name)
    except FileNotFoundError:
        pass
def enter():
    other = interpreters.create()
    interpreters.run_string(other, '''
def inner(name):
    try:
        open(name)
    except FileNotFoundError:
        pass
inner("mark-sub")
''')
    blind("mark-between")
    interpreters.run_string(other, '''
try:
    open("mark-sub-again")
except FileNotFoundError:
    pass
''')
    interpreters.destroy(other)
blind("mark-before")
enter()
blind("mark-after")
"""


@pytest.mark.parametrize("python", PYTHONS)
def test_of_several_interpreters_the_one_that_runs_is_told(python: str, tmp_path: Path) -> None:
    def line(text: str) -> int:
        return 1 + next(number for number, each in enumerate(SUBINTERPRETER.splitlines()) if each.strip() == text)

    program = tmp_path / "program.py"
    program.write_text(SUBINTERPRETER)
    collector = stacks_of(PYTHONS[python], program)
    lines = {each.name: [(frame.function, frame.line) for frame in each.located] for each in collector.seen}
    assert lines == {
        "mark-before": [("blind", line("open(name)")), ("<module>", line('blind("mark-before")'))],
        "mark-sub": [("inner", 4), ("<module>", 7)],
        "mark-between": [
            ("blind", line("open(name)")),
            ("enter", line('blind("mark-between")')),
            ("<module>", line("enter()")),
        ],
        "mark-sub-again": [("<module>", 3)],
        "mark-after": [("blind", line("open(name)")), ("<module>", line('blind("mark-after")'))],
    }


EMBEDDING = """
#include <Python.h>
#include <fcntl.h>
static void *native(void *unused) { open("mark-native", O_RDONLY); return unused; }
static void *with_python(void *unused)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyRun_SimpleString("def called():\\n  try:\\n    open('mark-thread')\\n  except OSError: pass\\n\\ncalled()\\n");
    PyGILState_Release(state);
    open("mark-released", O_RDONLY);
    return unused;
}
int main(void)
{
    pthread_t thread;
    open("mark-before", O_RDONLY);
    Py_Initialize();
    PyRun_SimpleString("try:\\n  open('mark-python')\\nexcept OSError: pass\\n");
    open("mark-outside", O_RDONLY);
    Py_BEGIN_ALLOW_THREADS
    pthread_create(&thread, 0, native, 0);
    pthread_join(thread, 0);
    pthread_create(&thread, 0, with_python, 0);
    pthread_join(thread, 0);
    Py_END_ALLOW_THREADS
    Py_Finalize();
    open("mark-finalized", O_RDONLY);
    return 0;
}
"""


def embedding(source: Path, directory: Path) -> Path:
    """A program that is linked to Debian's Python."""
    config = shutil.which("python3-config", path="/usr/bin")
    assert config, "install Debian's python3-dev"
    flags = subprocess.run([config, "--embed", "--includes", "--ldflags"], capture_output=True, text=True, check=True)
    program = directory / "host"
    subprocess.run(["gcc", "-g", "-O1", source, "-o", program, "-pthread", *flags.stdout.split()], check=True)
    return program


def test_an_embedded_interpreter_is_told_where_it_runs_and_its_host_elsewhere(tmp_path: Path) -> None:
    source = tmp_path / "host.c"
    source.write_text(EMBEDDING)
    collector = stacks_of(embedding(source, tmp_path))
    functions = {each.name: [frame.function for frame in each.located] for each in collector.seen}
    assert functions["mark-python"] == ["<module>"]
    assert functions["mark-thread"] == ["called", "<module>"]
    for name, function in [
        ("mark-before", "main"), ("mark-outside", "main"), ("mark-finalized", "main"), ("mark-native", "native"),
        ("mark-released", "with_python"),
    ]:  # fmt: skip
        assert functions[name][1] == function, name


@pytest.mark.parametrize("platform", [None, pytest.param("reference", marks=pytest.mark.full)])
def test_whatever_a_guest_pretends_is_an_answer(platform: str | None, tmp_path: Path) -> None:
    program = embedding(HERE / "guests" / "hostile.c", tmp_path)
    seen = stacks_of(program, platform=None if platform is None else ReferencePlatform(ROWS, subscribe=True)).seen
    assert [each.name for each in seen].count("mark-registers") == 144
    assert [each.name for each in seen].count("mark-poked") == 400
    for each in seen:
        assert len(each.located) <= LIMIT
        if each.name == "mark-registers":
            assert each.located[0].function == "open_at"
    whole = seen[-1]
    assert whole.name == "mark-whole"
    assert [(frame.function, frame.line) for frame in whole.located] == [("call", 3), ("<module>", 5)]
    # A changed word changes what is told, or does not matter; most do not.
    right = [each for each in seen if each.located == whole.located]
    assert len(right) > 200


SPAWNING = """
import os
def spawn():
    os.posix_spawn("/bin/true", ["true"], {},
                   file_actions=[(os.POSIX_SPAWN_OPEN, 5, "mark", os.O_CREAT | os.O_RDWR, 0o600)])
    os.wait()
spawn()
"""


@pytest.mark.parametrize("python", PYTHONS)
def test_a_child_that_shares_its_parent_s_memory_has_its_frames(python: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SPAWNING)
    (seen,) = stacks_of(PYTHONS[python], program).seen
    assert [(frame.function, frame.line) for frame in seen.located] == [("spawn", 4), ("<module>", 7)]
