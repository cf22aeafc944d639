"""The calls of compiled programs: right functions and lines, however they were compiled, and nothing wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from picobox.check.sites import site_of
from picobox.findings.finding import Frame

from .stopped import Collector, stacks_of

GUEST = Path(__file__).parent / "guests" / "stacks.c"
# What must be told, from the innermost of the guest's own functions on; what lies between is the C library's.
EXPECTED = {
    "mark": ["touch", "middle", "middle", "middle", "main: middle"],
    "mark-aligned": ["touch", "aligned", "main: aligned"],
    "mark-signal": ["touch", "handle", "on_another_stack", "main: signal"],
    "mark-thread": ["touch", "middle", "middle", "run"],
    "mark-callback": ["touch", "compare", "main: callback"],
    "mark-stream": ["main: stream"],
}
FLAGS = {
    "optimised": "-O2",
    "frame-pointers": "-O2 -fno-omit-frame-pointer",
    "unoptimised": "-O0",
    "small": "-Os",
    "no-pie": "-O2 -no-pie",
    "static": "-O2 -static",
    "static-pie": "-O2 -static-pie",
    "frame-pointers-alone": "-O2 -fno-asynchronous-unwind-tables -fno-omit-frame-pointer",
    "nothing": "-O2 -fno-asynchronous-unwind-tables",
    "debug-frames-4": "-O2 -gdwarf-4",
    "debug-frames-3": "-O2 -gdwarf-3",
    "compressed": "-O2 -gz",
}
FAST = ("optimised", "static", "frame-pointers-alone", "nothing")


def compiled(directory: Path, flags: str, compiler: str = "gcc", source: Path = GUEST) -> Path:
    if shutil.which(compiler) is None:
        pytest.fail(f"{compiler} is not installed: see .ci/packages.txt", pytrace=False)
    program = directory / "guest"
    subprocess.run([compiler, "-pthread", *flags.split(), source, "-o", program], check=True, capture_output=True)
    return program


def marks() -> dict[str, int]:
    """The lines of the guest by what their comments say."""
    lines = enumerate(GUEST.read_text().splitlines(), 1)
    return {
        line.rpartition("/* ")[2][:-3]: number for number, line in lines if line.endswith("; */") or "; /* " in line
    }


def told(collector: Collector, program: Path) -> dict[str, list[tuple[str, int | None]]]:
    """Function and line of the guest's own frames, without the start-up code that is linked to it."""
    return {
        seen.name: [
            (frame.function, frame.line) for frame in seen.located if frame.file in (str(GUEST), str(program))
        ]
        for seen in collector.seen
    }  # fmt: skip


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in FAST else pytest.mark.full) for name in FLAGS])
def test_the_lines_of_every_call_are_told(name: str, tmp_path: Path) -> None:
    program = compiled(tmp_path, f"-g {FLAGS[name]}")
    collector = stacks_of(program)
    lines = marks()
    for seen in collector.seen:
        own = [(frame.function, frame.line) for frame in seen.located if frame.file == str(GUEST)]
        assert own == [(key.partition(":")[0], lines[key]) for key in EXPECTED[seen.name]], seen.name
    assert [seen.name for seen in collector.seen if seen.name != "mark-callback"] == [
        name for name in EXPECTED if name != "mark-callback"
    ]


@pytest.mark.parametrize("flags", ["-O2 -g -static", pytest.param("-O2 -g", marks=pytest.mark.full)])
def test_a_c_library_without_call_frame_information(flags: str, tmp_path: Path) -> None:
    collector = stacks_of(compiled(tmp_path, flags, "musl-gcc"))
    lines = marks()
    for seen in collector.seen:
        own = [(frame.function, frame.line) for frame in seen.located if frame.file == str(GUEST)]
        expected = [(key.partition(":")[0], lines[key]) for key in EXPECTED[seen.name]]
        # What cannot be followed is left out, and nothing is told that is not so.
        assert own == [frame for frame in expected if frame in own], seen.name
        if "static" in flags:
            assert own[0] == expected[0], seen.name
    assert {seen.name for seen in collector.seen} == EXPECTED.keys()


def test_without_debug_information_functions_and_offsets_are_told(tmp_path: Path) -> None:
    program = compiled(tmp_path, "-O2")
    (seen,) = [seen for seen in stacks_of(program).seen if seen.name == "mark"]
    own = [frame for frame in seen.located if frame.file == str(program)]
    assert [frame.function for frame in own] == ["touch", "middle", "middle", "middle", "main", "_start"]
    assert seen.located[0].function in ("open", "open64")
    assert all(frame.line is None for frame in seen.located)
    symbols = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout.split()
    start = int(symbols[symbols.index("touch") - 2], 16)
    assert start < (own[0].offset or 0) < start + 64


def test_a_stripped_file_still_has_offsets(tmp_path: Path) -> None:
    program = compiled(tmp_path, "-O2")
    whole = {seen.name: [frame.offset for frame in seen.located] for seen in stacks_of(program).seen}
    subprocess.run(["strip", program], check=True)
    bare = stacks_of(program).seen
    assert {seen.name: [frame.offset for frame in seen.located] for seen in bare} == whole
    assert {frame.function for seen in bare for frame in seen.located if frame.file == str(program)} == {""}


def test_what_is_mapped_later_is_found(tmp_path: Path) -> None:
    # Libraries of the same size: the kernel maps one where the one before was.
    source, libraries = tmp_path / "library.c", []
    for number in (1, 2):
        source.write_text(
            "#include <fcntl.h>\n"
            f"int before_{number}(int x) {{ return x {'*+-'[number]} 3; }}\n"
            f'int inner_{number}(void) {{ return open("mark-{number}", O_RDONLY) + {number}; }}\n'
            f"int work(void) {{ return inner_{number}() + {number}; }}\n"
        )
        libraries.append(tmp_path / f"lib{number}.so")
        flags = ["-O1", "-fno-inline", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, source, "-o", libraries[-1]], check=True)
    program = compiled(tmp_path, "-O1", source=GUEST.with_name("loads.c"))
    first, second = libraries
    seen = stacks_of(program, first, second, first, second).seen
    found = [(each.name, [frame.function for frame in each.located[1:5]]) for each in seen[1:]]
    names = [(f"mark-{n}", [f"inner_{n}", "work", "use", "main"]) for n in (1, 2)]
    assert found == names * 2


def test_a_source_that_was_compiled_elsewhere_is_found_in_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    copy = project / "check" / "guests" / "stacks.c"
    copy.parent.mkdir(parents=True)
    shutil.copy(GUEST, copy)
    program = compiled(tmp_path, f"-g -O2 -ffile-prefix-map={GUEST.parents[2]}=/usr/src/nowhere")
    (seen,) = [seen for seen in stacks_of(program).seen if seen.name == "mark"]
    assert site_of(seen.located, str(project)) == Frame(str(copy), "touch", marks()["touch"])
    assert site_of(seen.located, str(tmp_path / "other")) is None


@pytest.mark.parametrize(
    ("interpreter", "options", "text"),
    [
        ("sh", [], "cat mark; : <mark"),
        ("bash", ["-e"], ": <mark || :"),
        ("dash", ["-u"], "test -e mark; : <mark || :"),
        ("perl", ["-w"], "open(my $file, '<', 'mark');"),
        ("node", ["--no-warnings"], "try { require('fs').readFileSync('mark') } catch {}"),
    ],
)
def test_of_a_script_the_script_is_told(interpreter: str, options: list[str], text: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"{text}\n")
    (tmp_path / "run").write_text(f"{shutil.which(interpreter)} {' '.join(options)} {script} 2>/dev/null\nexit 0\n")
    seen = stacks_of("/bin/sh", tmp_path / "run").seen
    assert Frame(str(script)) in [frame for each in seen for frame in each.stack]
    assert all(each.stack in ((Frame(str(script)),), ()) or each.stack[0].file.endswith(".so.6") for each in seen)


@pytest.mark.parametrize("command", ["sh -c '(: <mark); exit 0'", """perl -e 'open(my $f, "<", "mark")' x"""])
def test_a_program_on_the_command_line_is_no_script(command: str, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    (tmp_path / "run").write_text(f"cd {tmp_path}; exec {command} 2>/dev/null\n")
    (seen,) = stacks_of("/bin/sh", tmp_path / "run").seen
    assert seen.stack == ()
