"""Traced programs begin in the gate, with copies of images: what those are, and what the trace tells of it."""

from __future__ import annotations

import json
import mmap
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from build import COMPILER, compile_source

from picobox._native._core import lib
from picobox.platform.site_cache import SiteCache

from .command import picobox

PROGRAM = Path(__file__).parents[1] / "supervisor" / "gate_images.c"
LIBRARY = """
__asm__(".globl parent\\n.type parent, @function\\nparent: mov $110, %eax\\nsyscall\\nret\\n.size parent, 8\\n");
"""
# Of a changed file the plan is not found yet.
SETTLING = 2.1
# What a loader does; the libraries that it looks for are the same ones.
LOADING = ("brk", "access", "openat", "read", "pread64", "mmap", "mprotect", "close", "prlimit64", "munmap")


class Images(NamedTuple):
    """Plans of the loader, the C library and a library of ours, and the environment of who has them."""

    env: dict[str, str]
    library: Path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"
    directory = tmp_path_factory.mktemp("images")
    library = directory / "parent.so"
    (directory / "parent.c").write_text(LIBRARY)
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, directory / "parent.c"], check=True)
    mapped = Path("/proc/self/maps").read_text().split()
    plans = SiteCache(str(directory / "picobox" / "sites"))
    time.sleep(SETTLING)
    for name in ("ld-linux-x86-64.so.2", "libc.so.6", library.name):
        path = library if name == library.name else next(word for word in mapped if word.endswith(f"/{name}"))
        with Path(path).open("rb") as image:
            plans.make(image.fileno())
    return Images({"XDG_CACHE_HOME": str(directory)}, library)


@pytest.mark.parametrize("what", ["names", "writable", "often", "twice", "load", "interrupted"])
def test_what_it_runs_is_a_copy_in_all_ways(images: Images, tmp_path: Path, what: str) -> None:
    command = (compile_source(PROGRAM), "jumps", what, images.library)
    done = picobox("trace", "-o", tmp_path / "trace", "--", *command, env=images.env)
    assert (done.returncode, done.stderr) == (0, b"")


def loading(output: Path) -> list[dict[str, Any]]:
    """What the first program called before its own first call, which sets a limit."""
    events = [json.loads(line) for line in output.read_text().splitlines()]
    calls = [event for event in events if event.get("call") in LOADING]
    own = next(place for place, event in enumerate(calls) if event["call"] == "prlimit64" and event["args"][2]["value"])
    return calls[:own]


def shown(event: dict[str, Any]) -> tuple[object, ...]:
    """Without addresses, which are as they fall."""
    texts = [argument["text"] for argument in event["args"]]
    texts = ["address" if text.startswith("0x") and len(text) > 10 else text for text in texts]
    return event["call"], *texts, event["errno"], event["nt"]


def test_how_it_begins_is_told_as_of_stops(images: Images, tmp_path: Path) -> None:
    program = compile_source(PROGRAM)
    for mode, what in (("--gate=1000", "jumps"), ("--no-gate", "stays")):
        words = ("trace", "--format", "jsonl", "-o", tmp_path / mode, mode, "--", program, what)
        assert picobox(*words, env=images.env).returncode == 0
    gated, stopped = ([shown(event) for event in loading(tmp_path / mode)] for mode in ("--gate=1000", "--no-gate"))
    assert len(stopped) > 10
    assert gated == stopped


def test_all_but_text_is_recorded_by_the_program(images: Images, tmp_path: Path) -> None:
    output = tmp_path / "trace"
    words = ("trace", "--format", "jsonl", "-o", output, "--", compile_source(PROGRAM), "jumps")
    assert picobox(*words, env=images.env).returncode == 0
    events = loading(output)
    stops = [event for event in events if event["channel"] != "gate"]
    assert len(events) > 10
    assert all(event["call"] == "mmap" and event["args"][2]["value"] & mmap.PROT_EXEC for event in stops)


@pytest.mark.parametrize("choice", ["newfstatat", "openat", "newfstatat,close"])
def test_few_calls_are_recorded_by_the_program_too(images: Images, tmp_path: Path, choice: str) -> None:
    """Their rings come with the first of them, and nothing else that is chosen was a stop before."""
    (tmp_path / "many").mkdir()
    for number in range(300):
        (tmp_path / "many" / str(number)).touch()
    output = tmp_path / "trace"
    script = "import os, sys; [os.close(os.open(each, 0)) for each in os.scandir(sys.argv[1]) if os.stat(each)]"
    words = (
        "trace",
        "--format",
        "jsonl",
        "-e",
        choice,
        "-o",
        output,
        "--",
        sys.executable,
        "-c",
        script,
        tmp_path / "many",
    )
    assert picobox(*words, env=images.env).returncode == 0
    events = [json.loads(line) for line in output.read_text().splitlines()]
    channels = Counter(event["channel"] for event in events if event.get("call") in choice.split(","))
    assert channels["gate"] >= 300
    assert channels.total() - channels["gate"] < 30


@pytest.mark.parametrize("mode", ["--gate=1", "--no-gate"])
def test_a_break_that_is_refused_is_told_with_its_rule(images: Images, tmp_path: Path, mode: str) -> None:
    script = "import ctypes; [ctypes.CDLL(None).sbrk(ctypes.c_long(1 << 34)) for _ in range(3)]"
    limits = ("--policy", "open", "--limit", "memory=2G")
    output = tmp_path / "trace"
    picobox("trace", *limits, "-o", output, mode, "--", sys.executable, "-c", script, env=images.env)
    lines = output.read_text().splitlines()
    refused = [lines[place - 2] for place, line in enumerate(lines) if "refused by --limit: limit memory" in line]
    assert [line for line in refused if " brk(0x" in line]


@pytest.mark.parametrize(
    "verb", [("trace",), ("trace", "-e", "newfstatat"), ()], ids=lambda verb: " ".join(verb) or "run"
)
def test_a_program_that_lies_where_the_gate_would_begins_without_it(
    images: Images, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    """Nor does it keep what it was lent to begin with it."""
    source, program = tmp_path / "there.c", tmp_path / "there"
    source.write_text(
        "#include <fcntl.h>\n#include <stdio.h>\n"
        "int main(void) {\n"
        "    for (int fd = 3; fd < 1024; fd++) if (fcntl(fd, F_GETFD) >= 0) return 2;\n"
        '    return puts("there") < 0;\n'
        "}\n"
    )
    place = f"-Wl,-Ttext-segment={lib.PB_GATE_CODE:#x}"
    subprocess.run([COMPILER, "-no-pie", place, "-o", program, source], check=True)
    output = ("-o", tmp_path / "trace") if verb else ()
    done = picobox(*verb, *output, "--", program, env=images.env)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"there\n", b"")
