"""Guests are in the run's control group from their first call on, and the group goes with the run."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# In place of the look for what is delegated: here the controllers may be another hierarchy's.
DRIVER = """
import struct, sys
from picobox.confine import walls
from picobox.confine.cgroups import Group, Place
from picobox.cli import main
walls.group_of = lambda limits: Group(Place(sys.argv[1], frozenset(), holds_processes=True), limits)
if sys.argv[2] == "refused":
    from picobox._native._core import lib
    # A filter as containers have it: clone3 is ENOSYS.
    program = [(0x20, 0, 0, 0), (0x15, 0, 1, 435), (0x06, 0, 0, 0x50026), (0x06, 0, 0, 0x7FFF0000)]
    packed = b"".join(struct.pack("<HBBI", *each) for each in program)
    assert lib.pb_harden(packed, len(program)) == 0
sys.exit(main(sys.argv[3:]))
"""
BEHIND = ("--policy", "default")


@pytest.fixture
def root() -> Path:
    """The root of the unified hierarchy, where root may make groups."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    points = [fields[4] for fields in lines if fields[fields.index("-") + 1] == "cgroup2" and fields[3] == "/"]
    if not points or os.geteuid() != 0:
        pytest.skip("the root of cgroup 2 is not root's here")
    return Path(points[0])


@pytest.mark.parametrize(
    ("options", "clone3"),
    [
        (BEHIND, "works"), (BEHIND, "refused"), ((*BEHIND, "--walls", "no-namespaces"), "works"),
        (("--policy", "open", "--limit", "processes=50"), "works"),
    ],
    ids=["namespaces", "no clone3", "no namespaces", "limits alone"],
)  # fmt: skip
def test_guests_are_in_the_group(root: Path, tmp_path: Path, options: tuple[str, ...], clone3: str) -> None:
    script = "sleep 0.01 & wait; cat /proc/self/cgroup; echo over; read line"
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(root), clone3, "-q", *options, "--", "/bin/sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = list(takewhile("over\n".__ne__, process.stdout))
        group = root / f"picobox-{process.pid}"
        (guest,) = (group / "cgroup.procs").read_text().split()
        assert Path(f"/proc/{guest}/comm").read_text() == "sh\n"
        assert str(process.pid) not in (group / "cgroup.procs").read_text().split()
        # Behind walls it is the root of all that the guest sees.
        own = f"/{group.name}" if options != BEHIND else "/"
        assert f"0::{own}\n" in told
        process.communicate("\n", timeout=60)
        assert process.returncode == 0
    assert not group.exists()


def test_what_a_killed_supervisor_leaves_goes_with_the_next_run(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", DRIVER, str(root), "works", "-q", *BEHIND, "--"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [*command, "/bin/sh", "-c", "echo begun; read line"], cwd=tmp_path, env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.kill()
    left = root / f"picobox-{process.pid}"
    assert left.is_dir()
    assert subprocess.run([*command, "/bin/true"], cwd=tmp_path, env=environment, check=False).returncode == 0
    assert not left.exists()
