"""What a check has programs run: copies of images off the drives, which call in the gate and look as the files."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from build import COMPILER

from picobox._native._core import lib
from picobox.platform.site_cache import SiteCache

from .checked import Checked, check

# Copies are the gate's.
pytestmark = pytest.mark.usefixtures("fast_modes")

GUEST = Path(__file__).parent / "guests" / "images.c"
LOADER, LIBC = "ld-linux-x86-64.so.2", "libc.so.6"
# Of a changed file the plan is not found yet.
SETTLING = 2.1
# Which of the mapped texts of a file is that file, by the file's own path.
TOLD = """
import os
for line in open('/proc/self/maps'):
    fields = line.split()
    if 'x' in fields[1] and fields[-1].endswith(('/ld-linux-x86-64.so.2', '/libc.so.6')):
        print(os.path.basename(fields[-1]), int(fields[4]) == os.stat(fields[-1]).st_ino)
"""
COPIED = [f"{LOADER} False", f"{LIBC} False"]


class Images(NamedTuple):
    """Plans of the loader, of the C library, and of copies of both in a directory that is to be a drive."""

    caches: Path
    libc: str
    work: Path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    assert lib.pb_can_notify() == 0, "this kernel has no notify channel, and so no gate"
    caches, top = tmp_path_factory.mktemp("caches"), tmp_path_factory.mktemp("top")
    mapped = Path("/proc/self/maps").read_text().split()
    found = [next(word for word in mapped if word.endswith(f"/{name}")) for name in (LOADER, LIBC)]
    work = top / "work"
    work.mkdir()
    copies = [shutil.copy(path, work) for path in found]
    plans = SiteCache(str(caches / "picobox" / "sites"))
    time.sleep(SETTLING)
    for path in (*found, *copies):
        with Path(path).open("rb") as image:
            plans.make(image.fileno())
    return Images(caches, found[1], work)


@pytest.fixture(autouse=True)
def _have_plans(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(images.caches))


def test_images_off_the_drives_are_copies(tmp_path: Path) -> None:
    assert sorted(check(tmp_path, TOLD).stdout.splitlines()) == COPIED


def test_those_of_a_program_that_a_program_runs_too(tmp_path: Path) -> None:
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {TOLD!r}])"
    assert sorted(check(tmp_path, program).stdout.splitlines()) == COPIED


# Who runs or maps these is found by the file.
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("['env', f'LD_LIBRARY_PATH={work}', sys.executable]", [f"{LOADER} False", f"{LIBC} True"]),
        (f"[f'{{work}}/{LOADER}', sys.executable]", [f"{LOADER} True", f"{LIBC} True"]),
    ],
    ids=["library", "program"],
)
def test_an_image_on_a_drive_is_mapped_as_it_is(images: Images, command: str, expected: list[str]) -> None:
    program = f"import os, subprocess, sys\nwork = os.getcwd()\nsubprocess.run([*{command}, '-c', {TOLD!r}])"
    assert sorted(check(images.work.parent, program).stdout.splitlines()) == expected


@pytest.mark.parametrize("option", ["--enforce", "--handle-limit=100"])
def test_where_all_mappings_are_seen_there_are_no_copies(tmp_path: Path, option: str) -> None:
    done = check(tmp_path, TOLD, option)
    assert sorted(done.stdout.splitlines()) == [f"{LOADER} True", f"{LIBC} True"]


def looked(directory: Path, *options: str) -> Checked:
    """What is found of the guest, whose calls come from the C library's copy."""
    program = directory / "guest"
    subprocess.run([COMPILER, "-g", "-O2", GUEST, "-o", program], check=True)
    return check(directory, f"import os\nos.execv({str(program)!r}, ['guest'])", *options)


def test_a_stack_leads_through_the_gate_and_copies(tmp_path: Path, images: Images) -> None:
    (finding,) = looked(tmp_path).findings
    assert finding.rule == "PB021"
    libc, *own = finding.side.stack[:3]
    assert libc.file == images.libc
    assert libc.function
    assert [(frame.file, frame.function) for frame in own] == [(str(GUEST), "look"), (str(GUEST), "main")]
    assert finding.side.stack[-1].function == "_start"
