"""Refusals behind real walls: each is an event with the rule that refused, and --report tells them at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from .test_learn import AS_THE_FIRST, picobox

if TYPE_CHECKING:
    from subprocess import CompletedProcess

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "event.schema.json").read_text())
SCRIPT = """
cat secret/key; cat secret/key; : > /usr/new; cat open
exec 3<> /dev/tcp/10.0.0.1/80
"""


@pytest.fixture
def project(place: Path, user: str) -> Path:
    """A directory with a secret."""
    del user
    (place / "secret").mkdir()
    (place / "secret" / "key").write_text("hidden")
    (place / "open").write_text("shown")
    return place


def run(user: str, project: Path, verb: str, *options: str) -> CompletedProcess[str]:
    words = ("--policy", "default", "--hide", "secret", *options, "--", "/bin/bash", "-c", SCRIPT)
    return picobox(user, project, *((verb,) if verb else ()), *words)


def test_a_report_ends_the_run(user: str, project: Path) -> None:
    done = run(user, project, "", "--report")
    assert done.stdout == "shown"
    report = done.stderr.partition("refused:\n")[2].splitlines()
    found = {line.split()[1]: line.split() for line in report[1:]}
    assert found["network"][:4] == ["1", "network", "10.0.0.1:80", "default"]
    assert found["network"][-2:] == ["--network", "host"]
    (hidden,) = [line.split() for line in report if "secret" in line]
    assert hidden == ["2", "read", str(project / "secret/key"), "--hide", "--read", str(project / "secret/key")]
    if user != "nobody":
        # Who may not write there is refused by the file's mode first.
        assert found["write"] == ["1", "write", "/usr", "default", "--write", "/usr"]


def test_without_namespaces_it_tells_the_same(user: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without it bash asks for its user, and the C library for a socket that is not there: nothing is kept from it.
    monkeypatch.delenv("SHELL", raising=False)
    done = run(user, project, "", "--report", "--walls", "no-namespaces")
    report = done.stderr.partition("refused:\n")[2].splitlines()
    (hidden,) = [line.split() for line in report if "secret" in line]
    assert hidden == ["2", "read", str(project / "secret/key"), "--hide", "--read", str(project / "secret/key")]
    (written,) = [line.split() for line in report if line.split()[1] == "write"]
    assert written == ["1", "write", "/usr", "default", "--write", "/usr"]


def test_without_refusals_there_is_nothing_to_tell(user: str, project: Path) -> None:
    done = picobox(user, project, "--policy", "default", "--report", "--", "/bin/true")
    assert "nothing was refused\n" in done.stderr
    done = picobox(user, project, "--policy", "open", "--report", "--", "/bin/true")
    assert done.returncode == 125
    assert "without walls nothing is refused" in done.stderr


@AS_THE_FIRST
def test_a_limit_of_the_run_is_an_event(user: str, project: Path) -> None:
    limit = ("--policy", "default", "--limit", "wall-time=0.2")
    done = picobox(user, project, "trace", *limit, "--format", "jsonl", "-e", "exit", "--", "/bin/sleep", "20")
    last = json.loads(done.stderr.splitlines()[-1])
    jsonschema.validate(last, SCHEMA)
    assert (last["kind"], last["times"], last["refused_by"]) == (
        "limit", 1, {"rule": "--limit", "what": "limit", "target": "wall-time"},
    )  # fmt: skip


@AS_THE_FIRST
def test_a_refusal_is_an_event(user: str, project: Path) -> None:
    # Not to stderr, where cat writes its lines in pieces.
    run(user, project, "trace", "--format", "jsonl", "-o", "events", "-e", "%file,%network")
    events: list[dict[str, Any]] = [json.loads(line) for line in (project / "events").read_text().splitlines()]
    for event in events:
        jsonschema.validate(event, SCHEMA)
    refused = [event["refused_by"] for event in events if "refused_by" in event]
    key = {"rule": "--hide", "what": "read", "target": str(project / "secret/key")}
    assert refused.count(key) == 2
    assert {"rule": "default", "what": "network", "target": "10.0.0.1:80"} in refused
    text = run(user, project, "trace", "-e", "%network").stderr
    assert "\n    refused by default: network 10.0.0.1:80\n" in text


@AS_THE_FIRST
def test_what_a_child_may_not_run_is_told_once(user: str, project: Path) -> None:
    """A child that nobody knows yet runs programs without being asked, as long as nothing refuses it."""
    program = project / "secret" / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    words = ("--policy", "default", "--hide", "secret", "--format", "jsonl", "-e", "%process", "--")
    done = picobox(user, project, "trace", *words, "/bin/bash", "-c", "secret/program; /bin/true; :")
    events: list[dict[str, Any]] = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    for event in events:
        jsonschema.validate(event, SCHEMA)
    (refused, ran) = (event for event in events if event.get("call") == "execve")
    assert refused["errno"] == "ENOENT"
    assert refused["refused_by"] == {"rule": "--hide", "what": "read", "target": str(program)}
    assert (ran["result"], "refused_by" in ran) == (0, False)
    ends = {event["tid"]: event["status"] for event in events if event["kind"] == "exit"}
    assert (ends[refused["tid"]], ends[ran["tid"]], len(ends)) == (127, 0, 3)
    (replaced,) = [event for event in events if event["kind"] == "exec" and event["tid"] == ran["tid"]]
    assert replaced["former_tid"] == ran["tid"]
    assert len([event for event in events if event["kind"] == "signal"]) == len(ends) - 1
