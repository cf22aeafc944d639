"""Checks that files count which a program has without opening them: inherited, or received."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ntshim import status as st
from picobox.findings.record import loads

from .checked import TIMEOUT, check

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.findings.finding import Finding


def redirected(tmp_path: Path, program: str, *options: str) -> tuple[int, tuple[Finding, ...]]:
    """Check a program of the shell whose input and output are files of its working directory."""
    report = tmp_path / "report.json"
    work = tmp_path / "work"
    work.mkdir()
    (work / "in.txt").write_text("text\n")
    (work / "other.txt").touch()
    command = [sys.executable, "-m", "picobox", "check", "--format", "json", "-o", str(report), *options, "--"]
    with (work / "in.txt").open() as given, (work / "out.txt").open("w") as output:
        done = subprocess.run(
            [*command, "sh", "-c", program],
            cwd=work,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdin=given,
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
        )
    return done.returncode, loads(report.read_text(), str(report)).findings


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("rm out.txt", [("PB010", "out.txt", "inherited", "W")]),
        ("exec > /dev/null; rm out.txt", [("PB010", "out.txt", "redirected", "W")]),
        ("rm other.txt", []),
        pytest.param("mv in.txt old.txt", [("PB011", "in.txt", "inherited", "R")], marks=pytest.mark.full),
        pytest.param(
            "exec < /dev/null; mv in.txt old.txt", [("PB011", "in.txt", "redirected", "R")], marks=pytest.mark.full
        ),
        pytest.param(
            "cat > new.txt; mv new.txt out.txt", [("PB012", "out.txt", "inherited", "W")], marks=pytest.mark.full
        ),
    ],
)
def test_what_the_shell_has_opened_is_open(
    tmp_path: Path, program: str, found: list[tuple[str, str, str, str]]
) -> None:
    _, findings = redirected(tmp_path, program)
    told = [finding for finding in findings if finding.severity != "note"]
    assert [
        (each.rule, each.path.rpartition("/")[2], each.others[0].call, each.others[0].access) for each in told
    ] == found
    assert all(side.process.pid == os.getpid() for each in told for side in each.others if side.call == "redirected")


def test_what_the_shell_has_opened_is_open_when_enforced(tmp_path: Path) -> None:
    status, findings = redirected(tmp_path, "rm out.txt", "--enforce")
    assert status == 1
    assert (tmp_path / "work" / "out.txt").exists()
    assert [finding.status for finding in findings] == [st.STATUS_SHARING_VIOLATION]


RECEIVED = """
import os, socket, subprocess, sys
WORKER = '''
import os, socket, sys
with socket.socket(fileno=int(sys.argv[1])) as channel:
    channel.recv(1)
    _, fds, _, _ = socket.recv_fds(channel, 16, 1)
    channel.sendall(b"received")
    channel.recv(16)
'''
ours, theirs = socket.socketpair()
subprocess.Popen([sys.executable, "-c", WORKER, str(theirs.fileno())], pass_fds=[theirs.fileno()])
theirs.close()
file = open("x", "w")
ours.sendall(b".")
socket.send_fds(ours, [b"file"], [file.fileno()])
file.close()
ours.recv(16)
os.remove("x")
ours.sendall(b"go on")
ours.recv(1)
"""


def test_who_has_opened_what_was_received_is_told(tmp_path: Path) -> None:
    """The sender has closed it, often before it is received."""
    done = check(tmp_path, RECEIVED)
    assert done.rules == ["PB010"], done
    side = done.findings[0].others[0]
    assert side.call == "openat"
    assert side.process.pid != done.findings[0].side.process.pid
    assert side.stack[0].line == RECEIVED.splitlines().index('file = open("x", "w")') + 1
