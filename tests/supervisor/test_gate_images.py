"""Images that have a plan are mapped as copies whose sites enter the gate already, and look as the files themselves."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from build import COMPILER, FLAGS, compile_source

from picobox._native._core import lib
from picobox.abi.row import ACTION_NATIVE
from picobox.abi.table import BY_NAME, ROWS
from picobox.platform.site_cache import SiteCache
from picobox.platform.trace import TracePlatform

from .sandbox import ACTIONS, Sandbox

HERE = Path(__file__).parent
PROGRAM = HERE / "gate_images.c"
# More than any of the programs makes from one site.
PATIENCE = 1000
FEW_CALLS = 3
MANY_CALLS = 200_000
# Of a changed file the plan is not found yet.
SETTLING = 2.1
LIBRARY = """
__asm__(".globl parent\\n.type parent, @function\\nparent: mov $110, %eax\\nsyscall\\nret\\n.size parent, 8\\n");
"""


class Images(NamedTuple):
    """Plans, and what has one.

    The loader, a library, a static program, a C library in three directories, a program where the gate would be.
    """

    plans: SiteCache
    loader: Path
    library: Path
    static: Path
    libc: Path
    linked: Path
    replaced: Path
    in_the_way: Path


def mapped(name: str) -> Path:
    """A file of this process."""
    maps = Path("/proc/self/maps").read_text().split()
    return Path(next(word for word in maps if word.endswith(f"/{name}")))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    directory = tmp_path_factory.mktemp("images")
    loader, libc = mapped("ld-linux-x86-64.so.2"), mapped("libc.so.6")
    library, static = directory / "parent.so", directory / "static"
    source = directory / "parent.c"
    source.write_text(LIBRARY)
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", library, source], check=True)
    subprocess.run([COMPILER, *FLAGS, "-static", "-o", static, HERE / "gate_sites.c"], check=True)
    in_the_way = directory / "in_the_way"
    place = f"-Wl,-Ttext-segment={lib.PB_GATE_CODE:#x}"
    subprocess.run([COMPILER, *FLAGS, "-static", "-no-pie", place, "-o", in_the_way, HERE / "gate_sites.c"], check=True)
    copy, linked, replaced = (directory / name / libc.name for name in ("one", "linked", "replaced"))
    for path in (copy, linked, replaced):
        path.parent.mkdir()
    shutil.copy(libc, copy)
    linked.hardlink_to(copy)
    shutil.copy(libc, replaced)
    plans = SiteCache(str(directory / "plans"))
    time.sleep(SETTLING)
    for path in (loader, libc, library, static, copy, replaced, in_the_way):
        with path.open("rb") as image:
            plans.make(image.fileno())
    return Images(plans, loader, library, static, copy, linked, replaced, in_the_way)


def run(plans: SiteCache | None, *command: str | Path) -> Sandbox:
    sandbox = Sandbox(platform=TracePlatform(ROWS, gate=PATIENCE, sites=plans))
    sandbox.run_ours(*command)
    return sandbox


def test_a_dynamic_program_finds_its_c_library_so(images: Images) -> None:
    run(images.plans, compile_source(PROGRAM), "jumps", "names")


def test_without_a_plan_images_are_what_they_are(tmp_path: Path) -> None:
    run(SiteCache(str(tmp_path / "none")), compile_source(PROGRAM), "stays", "names")


def test_few_calls_of_a_static_program_count_once(images: Images) -> None:
    counts = run(images.plans, images.static, str(FEW_CALLS), "jumps").counters[ACTION_NATIVE]
    assert counts[BY_NAME["getppid"].nr] == 2 * FEW_CALLS + 1
    assert counts[BY_NAME["mmap"].nr] <= FEW_CALLS  # those that map the gate are ours


def test_calls_of_programs_that_run_at_once_count_each(images: Images) -> None:
    one = f"{images.static} {MANY_CALLS} jumps"
    counts = run(images.plans, "/bin/bash", "-c", f"{one} & {one}; wait $!").counters[ACTION_NATIVE]
    assert counts[BY_NAME["getppid"].nr] >= 4 * MANY_CALLS + 2


def made(sandbox: Sandbox, *names: str) -> dict[str, int]:
    """How often calls were made, by whomever they were answered."""
    return {name: sum(sandbox.counters[action][BY_NAME[name].nr] for action in ACTIONS) for name in names}


def test_calls_of_the_loader_count_as_without_the_gate(images: Images) -> None:
    program = compile_source(PROGRAM)
    names = ("mmap", "mprotect", "munmap", "close", "openat", "newfstatat", "brk", "pread64", "read", "arch_prctl")
    plain = Sandbox(platform=TracePlatform(ROWS))
    plain.run_ours(program, "stays")
    gated = run(images.plans, program, "jumps")
    assert made(gated, *names, "fstat") == made(plain, *names, "fstat")


def test_who_writes_its_text_finds_the_file_s(images: Images) -> None:
    run(images.plans, compile_source(PROGRAM), "jumps", "writable")


def test_programs_one_after_the_other(images: Images) -> None:
    run(images.plans, compile_source(PROGRAM), "jumps", "often")


def test_a_library_that_comes_and_goes(images: Images) -> None:
    run(images.plans, compile_source(PROGRAM), "jumps", "load", images.library)


def test_a_library_that_is_there_twice(images: Images) -> None:
    run(images.plans, compile_source(PROGRAM), "jumps", "twice")


def test_a_library_that_is_there_twice_and_in_part_no_copy(images: Images) -> None:
    run(images.plans, compile_source(PROGRAM), "jumps", "partly")


def test_signals_at_any_instruction_of_that(images: Images) -> None:
    run(images.plans, compile_source(PROGRAM), "jumps", "interrupted", images.library)


def command(images: Images, library: Path, *words: str | Path) -> list[str | Path]:
    """Has our program run with a C library of another place."""
    return [images.loader, "--library-path", library.parent, compile_source(PROGRAM), *words]


def test_a_hard_link_has_its_own_name(images: Images) -> None:
    inner = command(images, images.linked, "jumps", "path", images.linked)
    run(images.plans, *command(images, images.libc, "jumps", "run", *inner))


def test_a_file_in_its_place_is_another_one(images: Images, tmp_path: Path) -> None:
    old, new = images.replaced, tmp_path / images.libc.name
    shutil.copy(images.libc, new)
    inner = command(images, old, "stays", "path", old)
    run(images.plans, *command(images, old, "jumps", "replace", new, old, *inner))


def test_who_may_have_little_memory_begins_without(images: Images) -> None:
    limited: list[str | Path] = ["/bin/sh", "-c", 'ulimit -v 200000; exec "$@"', "sh", compile_source(PROGRAM), "stays"]
    run(images.plans, *limited)


def test_who_may_have_few_descriptors_begins_without(images: Images) -> None:
    limited: list[str | Path] = ["/bin/sh", "-c", 'ulimit -n 32; exec "$@"', "sh", compile_source(PROGRAM), "stays"]
    run(images.plans, *limited)


def test_a_program_in_the_gate_s_place_has_none(images: Images) -> None:
    run(images.plans, images.in_the_way, str(FEW_CALLS), "stays")
