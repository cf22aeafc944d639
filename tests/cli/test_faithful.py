"""Profile wsl1 does right what WSL1 got wrong, and --faithful brings each fault back, alone and all together."""

from __future__ import annotations

import functools
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from build import compile_program

from picobox.faults import FAULTS

from .command import TIMEOUT, picobox

if TYPE_CHECKING:
    from pathlib import Path

# What the program's line says with the fault; where calls are missing it says "none".
FAULTY = {
    "locks": "the lock is empty", "truncate-mapped": "EINVAL", "map-locked": "EOPNOTSUPP", "map-hint": "ENOMEM",
    "map-growsdown": "EOPNOTSUPP", "map-errno": "EINVAL", "sigbus": "139", "pagemap": "ENOENT", "madvise": "OK",
    "mlock": "OK", "rlimit-fsize": "26", "rlimit-as": "the limit is empty", "clone-flags": "EINVAL",
    "wait-group": "ECHILD", "robust-list": "ESRCH", "personality": "38", "clock-getres": "EINVAL",
    "clock-nanosleep": "EINVAL", "cpu-clock": "coarse", "msg-errqueue": "EINVAL", "iovec-count": "EINVAL",
    "siocatmark": "EINVAL", "raw-sockets": "EAFNOSUPPORT", "fstatfs-pipe": "EINVAL", "proc-sys": "ENOENT",
    "proc-missing": "ENOENT", "net-tun": "ENOENT", "fs-flags": "ENOTTY", "unshare-user": "EINVAL", "affinity": "OK",
    "rename-open-child": "EACCES", "relink": "EACCES", "statfs-counts": "made up", "statx": "ENOSYS",
    "pid-max": "EACCES", "rename-flags": "EINVAL", "directory-links": "none", "times-100ns": "100 ns",
    "readdir-dots": "0", "cgroup2": "ENODEV",
}  # fmt: skip
NAMES = [fault.name for fault in FAULTS if not fault.obstacle]
# What a machine may lack by itself, as WSL1 did.
MAY_LACK = (
    "net-tun", "fs-flags", "unshare-user", "perf", "fanotify", "keys", "numa", "mqueue", "remap-file-pages", "cgroup2",
    "pid-max",
)  # fmt: skip


@functools.cache
def native() -> dict[str, str]:
    """What the program says without picobox."""
    done = subprocess.run(
        ["sh", "-c", 'cd "$(mktemp -d)" && exec "$0"', compile_program("w1_gaps")],
        stdout=subprocess.PIPE,
        timeout=TIMEOUT,
        check=True,
    )
    return lines_of(done.stdout)


def lines_of(output: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in output.decode().splitlines())


def said(directory: Path, *options: str) -> dict[str, str]:
    """What the program says under profile wsl1, its working directory being a drive."""
    done = picobox("--profile", "wsl1", "-w", directory, *options, "--", compile_program("w1_gaps"))
    assert (done.returncode, done.stderr) == (0, b"")
    return lines_of(done.stdout)


def test_every_fault_has_its_line() -> None:
    assert sorted(native()) == sorted([*NAMES, "etxtbsy"])
    assert native()["etxtbsy"] == "ETXTBSY"


@pytest.mark.parametrize("platform", ["trace", "reference"])
def test_without_faults_all_is_as_on_linux(tmp_path: Path, platform: str) -> None:
    assert said(tmp_path, "--platform", platform) == native()


@pytest.mark.parametrize("fault", NAMES)
def test_one_fault_alone(tmp_path: Path, fault: str) -> None:
    expected = native() | {fault: FAULTY.get(fault, "none")}
    if expected == native() and fault in MAY_LACK:
        pytest.skip("this machine lacks it by itself")
    assert expected != native()
    assert said(tmp_path, "--faithful", fault) == expected


@pytest.mark.parametrize("platform", ["trace", "reference"])
def test_all_together(tmp_path: Path, platform: str) -> None:
    expected = native() | {name: FAULTY.get(name, "none") for name in NAMES}
    assert said(tmp_path, "--faithful", "all", "--platform", platform) == expected


def test_statx_tells_of_drives_what_stat_does(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.utime(tmp_path / "file", ns=(123456789, 987654321))
    script = "stat -c '%h %x %y' file | grep -o '[0-9]* 1970.*'; stat -c %h . /usr | grep -c '^0$'"
    faults = ("--faithful", "directory-links,times-100ns")
    done = picobox("--profile", "wsl1", "-w", tmp_path, *faults, "-E", "TZ=UTC", "--", "sh", "-c", script)
    day = "1970-01-01 00:00:00"
    assert done.stdout.decode() == f"1 {day}.123456700 +0000 {day}.987654300 +0000\n1\n"


def test_a_limit_that_is_not_enforced_is_still_told(tmp_path: Path) -> None:
    script = "ulimit -f 7; ulimit -f; (ulimit -f; ulimit -f 3; ulimit -f); sh -c 'ulimit -f'"
    done = picobox("--profile", "wsl1", "-w", tmp_path, "--faithful", "rlimit-fsize", "--", "sh", "-c", script)
    assert done.stdout.split() == [b"7", b"7", b"3", b"7"]


def test_the_list_tells_each_fault_and_why_some_cannot_be_had() -> None:
    done = picobox("--faithful", "list")
    assert done.returncode == 0
    text = done.stdout.decode()
    for fault in FAULTS:
        assert f"{fault.name} " in text
        assert fault.what in text
        assert not fault.obstacle or f"cannot be brought back: {fault.obstacle}" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [("nonsense", "no such fault"), ("etxtbsy", "cannot be had"), ("locks,,mlock", "no such fault"), ("", "no such")],
)
def test_bad_faults(given: str, said: str) -> None:
    done = picobox("--profile", "wsl1", "--faithful", given, "--", "true")
    assert done.returncode == 125
    assert said in done.stderr.decode()


def test_other_profiles_have_no_faults() -> None:
    done = picobox("--profile", "nt", "--faithful", "locks", "--", "true")
    assert (done.returncode, b"--profile wsl1" in done.stderr) == (125, True)
