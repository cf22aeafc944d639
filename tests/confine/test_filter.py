"""Calls that walls refuse whatever the kernel would say, and that what programs need is left."""

from __future__ import annotations

import shutil
from errno import EAFNOSUPPORT, EPERM
from pathlib import Path

import pytest
from build import compile_source

from picobox.confine.policy import READ, WRITE, Limits

from .guests import policy_of, run, shell

SOURCE = Path(__file__).with_name("refused.c")
EXPECTED = {
    **dict.fromkeys(("unix", "inet", "inet6", "route", "unshare files"), 0),
    **dict.fromkeys(("audit", "packet", "packet above", "packet of old", "vsock", "alg"), EAFNOSUPPORT),
    **dict.fromkeys(("TIOCSTI", "TIOCSTI above", "TIOCLINUX", "unshare user", "unshare time", "clone mounts"), EPERM),
    **dict.fromkeys(("setns", "mount", "fsopen", "chroot", "bpf", "perf", "keyctl", "syslog", "kexec"), EPERM),
    "handle": EPERM,
    "userfaultfd": 38,
}


@pytest.mark.parametrize(
    "options",
    [{}, {"no_gate": True}, {"no_fast": True}, {"profile": "linux"}],
    ids=["gate", "channel", "stops", "linux"],
)
def test_what_is_refused(place: Path, user: str, options: dict[str, object]) -> None:
    program = shutil.copy(compile_source(SOURCE), place)
    done = run(policy_of((place, READ)), user, (program,), place, **options)
    assert done.stderr == ""
    assert {name: int(errno) for name, errno in (line.split("=") for line in done.stdout.splitlines())} == EXPECTED


def test_no_more_processes_than_the_policy_gives(place: Path, user: str) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do sleep 2 & done; echo started; wait"
    done = shell(policy_of((place, READ), limits=Limits(processes=4)), user, script, place)
    assert "Cannot fork" in done.stderr or "Resource temporarily unavailable" in done.stderr
    assert shell(policy_of((place, READ), limits=Limits(processes=12)), user, script, place).stdout == "started\n"


def test_limits_of_each_process(place: Path, user: str) -> None:
    limits = Limits(memory=1 << 30, open_files=20, file_size=4096, cpu_time=1.5)
    script = "ulimit -v; ulimit -n; ulimit -f; ulimit -t; ulimit -c; ulimit -Hn 30"
    done = shell(policy_of((place, READ), limits=limits), user, script, place)
    assert done.stdout.split() == ["1048576", "20", "8", "2", "0"]
    assert done.returncode != 0


def test_a_limit_of_memory_is_for_what_guests_map_themselves(place: Path, user: str) -> None:
    # A name that is made takes a page of ours, larger than all that this shell may have.
    policy = policy_of((place, WRITE), limits=Limits(memory=30 << 20))
    done = shell(policy, user, "ulimit -v; echo made > name; cat name", place, profile="nt")
    assert done.stdout.split() == ["30720", "made"], done
    wanted = "x = bytearray(40 << 20)"
    assert "MemoryError" in run(policy, user, ("/usr/bin/python3", "-c", wanted), place).stderr


def test_a_run_has_its_time(place: Path, user: str) -> None:
    assert shell(policy_of((place, READ), limits=Limits(wall_time=0.5)), user, "sleep 60", place).returncode == 124
