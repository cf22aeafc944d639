"""Builds the C core with a C program in place of Python and runs it, plainly and under the sanitizers."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from build import COMPILER, CompileError, compile_source

HERE = Path(__file__).parent
NATIVE = HERE.parents[1] / "picobox" / "_native"
# As CMakeLists.txt: C11 with the extensions of the C library.
FLAGS = ("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
# Seconds.
TIMEOUT = 100


def core_sources() -> list[str]:
    """The C files of the core; binding.c belongs to Python's side."""
    return sorted(str(source) for source in NATIVE.rglob("*.c") if source.name != "binding.c")


def build(directory: Path, flags: tuple[str, ...]) -> Path:
    """Link core_test.c with the core; the compiler's text fails the test."""
    target = directory / "core_test"
    command = [COMPILER, *FLAGS, *flags, f"-I{NATIVE}", "-o", str(target), str(HERE / "core_test.c"), *core_sources()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stderr}", pytrace=False)
    return target


def run(program: Path) -> tuple[int, str, str]:
    """Run the test program over its guest; when time is up, everything it started goes too."""
    try:
        guest = compile_source(HERE / "core_guest.c")
    except CompileError as error:
        pytest.fail(str(error), pytrace=False)
    # The leak check is done after the last guest is gone: that it needs ptrace itself is in nobody's way.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    with subprocess.Popen(
        [str(program), str(guest)],
        env=environment,
        cwd=program.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"no end after {TIMEOUT} s\n{stderr}", pytrace=False)
        return process.returncode, stdout, stderr


# What the sanitizers let pass, the plain program does too: without them in the full tier alone.
BUILDS = [pytest.param((), marks=pytest.mark.full, id="plain"), pytest.param(SANITIZERS, id="sanitizers")]


@pytest.mark.parametrize("flags", BUILDS)
def test_core(tmp_path: Path, flags: tuple[str, ...]) -> None:
    assert run(build(tmp_path, flags)) == (0, "passed\n", "")


def passes_in_place(directory: Path, flags: tuple[str, ...], sources: list[str]) -> None:
    """Link a program from C files, the first of them its own, and run it over an empty directory."""
    program = directory / "program"
    command = [COMPILER, *FLAGS, *flags, f"-I{NATIVE}", "-o", str(program), *sources]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.stderr == ""
    place = directory / "place"
    place.mkdir()
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    done = subprocess.run(
        [str(program), str(place)], env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "passed\n", "")


def test_sanitizers_find_a_leak(tmp_path: Path) -> None:
    """Without this nobody would notice that the sanitizers do not work on a machine."""
    (tmp_path / "leak.c").write_text("#include <stdlib.h>\nint main(void) { return malloc(10) == NULL; }\n")
    program = tmp_path / "leak"
    subprocess.run([COMPILER, "-O0", *SANITIZERS, "-o", str(program), str(tmp_path / "leak.c")], check=True)
    status, _, stderr = run(program)
    assert status != 0
    assert "LeakSanitizer: detected memory leaks" in stderr


def test_every_source_is_in_the_build_file() -> None:
    listed = (NATIVE / "CMakeLists.txt").read_text().partition("set(CORE_SOURCES")[2].partition(")")[0].split()
    assert sorted(str(NATIVE / name) for name in listed) == core_sources()
