"""The bench rows of instances, and of a run that somebody looks at."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_reports import report, verdict

from bench import instances, render, watched
from bench.build import compile_program
from bench.results import BYTES, Cell, Figure


def _figure(name: str, seconds: float) -> Figure:
    return Figure(name, "", Cell([seconds]))


@pytest.mark.parametrize(("under_top", "word"), [(10.4, "met"), (10.6, "NOT MET")])
def test_the_bound_on_top(under_top: float, word: str) -> None:
    made = report(figures=(_figure(watched.BUILDS[0], 10.0), _figure(watched.BUILDS[1], under_top)))
    assert verdict(made, "picobox top beside a build of 10,000")[1] == word
    assert verdict(report(), "picobox top beside a build")[1] == "NOT MEASURED"


def test_memory_is_shown_in_megabytes() -> None:
    figure = Figure("weight", "", Cell([12_345_678.0]), BYTES)
    assert render.figure_text(figure) == "12.3 MB"
    assert figure.record()["unit"] == BYTES
    assert "unit" not in _figure("time", 1.0).record()


def test_an_initramfs_as_the_kernel_reads_it() -> None:
    packed = instances.initramfs({"init": b"12345"})
    assert packed[:6] == b"070701"
    assert len(packed) % 4 == 0
    mode, size, name_size = (int(packed[6 + 8 * field :][:8], 16) for field in (1, 6, 11))
    assert (mode, size, name_size) == (0o100755, 5, 5)
    data = (110 + name_size + 3) & ~3
    assert packed[data : data + 5] == b"12345"
    assert packed[data + 8 :].startswith(b"070701")
    assert b"TRAILER!!!\0" in packed


def test_an_instance_is_timed_weighed_and_ended(tmp_path: Path) -> None:
    program = compile_program("ready.c", tmp_path / "ready", "-static")
    below = f"import subprocess; subprocess.run([{str(program)!r}])"
    seconds, weight = instances.once(instances.Way("any", (sys.executable, "-c", below)), tmp_path)
    assert 0 < seconds < instances.TIMEOUT_S
    # A Python and the program below it.
    assert weight > 1_000_000
    assert instances.family(tmp_path) == set()
    with pytest.raises(RuntimeError, match="no word"):
        instances.once(instances.Way("none", ("/bin/sh", "-c", "echo no word >&2")), tmp_path)


def test_a_way_that_is_not_here_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = {way.name: way.missing or "" for way in instances.ways(tmp_path, Path(sys.executable))}
    assert "install the package runsc" in made["runsc"]
    assert "install the package qemu-system-x86" in made["qemu-tcg"]
    assert list(made) == ["picobox", "picobox-instance", "runsc", "qemu-kvm", "qemu-tcg"]


def test_the_pss_of_a_process_is_what_the_kernel_says(tmp_path: Path) -> None:
    where = {**os.environ, "PICOBOX_BENCH_INSTANCE": str(tmp_path)}
    with subprocess.Popen(["/bin/cat"], env=where, stdin=subprocess.PIPE) as process:
        assert instances.family(tmp_path) == {process.pid}
        assert instances.weigh(tmp_path) > 0
        process.communicate()
    assert instances.weigh(tmp_path) == 0


def test_the_newest_kernel_is_that_of_the_highest_version() -> None:
    names = [Path(f"/boot/vmlinuz-{version}-generic") for version in ("6.10.0-3", "6.9.0-30", "6.9.0-4")]
    assert sorted(names, key=instances._version) == [names[2], names[1], names[0]]


def test_what_was_started_ends_also_where_its_way_does_not_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise RuntimeError("it does not clean")

    way = instances.Way("a way", ("/bin/sh", "-c", "echo $$ >pid; exec sleep 1000"), clean=fails)
    (tmp_path / "pid").touch()
    process = None

    def waits(*_: object) -> None:
        nonlocal process
        while not (said := (tmp_path / "pid").read_text()).endswith("\n"):
            time.sleep(0.01)
        process = os.pidfd_open(int(said))
        raise RuntimeError("it says nothing")

    monkeypatch.setattr(instances, "_await", waits)
    with pytest.raises(RuntimeError, match="does not clean"):
        instances.once(way, tmp_path)
    assert process is not None
    ends = select.poll()
    ends.register(process)
    assert ends.poll(20000)
    os.close(process)
