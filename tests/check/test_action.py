"""The action: what it declares is what it uses, and its shell steps do what they say where a runner would run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "action.yml").read_text()
PICOBOX = Path(sys.executable).parent / "picobox"
TIMEOUT = 60
BUG = 'python3 -c \'import os; log = open("app.log", "w"); os.unlink("app.log")\''
CLEAN = 'python3 -c \'import os; open("app.log", "w").close(); os.unlink("app.log")\''
# Makes an environment whose pip only tells what it is asked for.
PYTHON = """#!/bin/bash
[ "$1" = -m ] && [ "$2" = venv ] || exec {python} "$@"
mkdir -p "$3/bin"
ln -s {picobox} "$3/bin/picobox"
printf '#!/bin/sh\\nprintf "%%s\\\\n" "$@" >"$RUNNER_TEMP/pip"\\n' >"$3/bin/pip"
chmod +x "$3/bin/pip"
"""


def read(lines: list[str], indent: int = 0) -> Any:
    """The part of YAML that the action is written in: mappings, lists of mappings, plain and block scalars.

    Lines are taken from the list; whatever else they hold fails.
    """
    if lines[0].startswith(" " * indent + "- "):
        found_list = []
        while lines and lines[0].startswith(" " * indent + "- "):
            lines[0] = lines[0].replace("- ", "  ", 1)
            found_list.append(read(lines, indent + 2))
        return found_list
    found: dict[str, Any] = {}
    while lines and len(lines[0]) - len(lines[0].lstrip()) == indent:
        entry = re.fullmatch(r" *([\w-]+):(?: (.*))?", lines.pop(0))
        assert entry, "no key"
        key, value = entry.groups()
        assert key not in found, key
        if value == "|":
            found[key] = block(lines, indent + 2)
        elif value is None:
            found[key] = read(lines, indent + 2)
        else:
            plain = value.partition(" #")[0]
            assert plain in ('""', '"true"', '"false"') or re.match(r"[\w$./]", plain), f"{key}: no plain scalar"
            assert ": " not in plain, f"{key}: a mapping in a scalar"
            found[key] = plain[1:-1] if plain.startswith('"') else plain
    assert not lines or len(lines[0]) - len(lines[0].lstrip()) < indent, lines[0]
    return found


def block(lines: list[str], indent: int) -> str:
    """A block scalar."""
    taken = []
    while lines and (lines[0].startswith(" " * indent) or not lines[0]):
        taken.append(lines.pop(0)[indent:])
    return "\n".join(taken) + "\n"


ACTION = read(TEXT.splitlines())
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}


class Runner(NamedTuple):
    """A stand-in for a runner: its directories and files are below `directory`; `outputs` are those of the steps."""

    directory: Path
    inputs: dict[str, str]
    outputs: dict[str, str]

    def value(self, text: str) -> str:
        """A text with its expressions evaluated."""
        return re.sub(
            r"\$\{\{ (inputs|steps\.check\.outputs)\.([\w-]+) \}\}",
            lambda found: (self.inputs if found[1] == "inputs" else self.outputs)[found[2]],
            text,
        )

    def run(self, title: str) -> subprocess.CompletedProcess[str]:
        """Run a step as `shell: bash` is run, and take its outputs."""
        step, output = STEPS[title], self.directory / "output"
        output.write_text("")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PICOBOX", "GITHUB", "PYTEST"))}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.directory / self.value(step.get("working-directory", ".")),
            env={
                **kept,
                **{key: self.value(text) for key, text in step.get("env", {}).items()},
                "PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}",
                "TMPDIR": str(self.directory / "tmp"),
                "RUNNER_TEMP": str(self.directory / "runner temp"),
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(REPOSITORY),
                "GITHUB_WORKSPACE": str(self.directory / "project"),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.directory / "summary"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.outputs[name] = value
        return done


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    for name in ("project", "tmp", "runner temp", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / "summary").write_text("")
    python = tmp_path / "bin" / "python3"
    python.write_text(PYTHON.format(python=sys.executable, picobox=PICOBOX))
    python.chmod(0o755)
    inputs = {name: settings.get("default", "") for name, settings in ACTION["inputs"].items()}
    return Runner(tmp_path, {**inputs, "working-directory": "project"}, {})


def test_it_declares_what_it_uses() -> None:
    uses = set(re.findall(r"inputs\.([\w-]+)", TEXT))
    assert uses == set(ACTION["inputs"])
    assert all(settings["description"] for settings in ACTION["inputs"].values())
    assert [name for name, settings in ACTION["inputs"].items() if "default" not in settings] == ["run"]
    written = set(re.findall(r"[\"' ](\w+)=\$", STEPS["Check"]["run"]))
    assert set(re.findall(r"steps\.check\.outputs\.(\w+)", TEXT)) <= written
    assert set(ACTION["outputs"]) == {"findings", "sarif", "report"}
    assert ACTION["runs"]["using"] == "composite"


def test_no_input_becomes_part_of_a_script() -> None:
    for step in STEPS.values():
        assert "${{" not in step.get("run", "")
        assert "shell" in step or "uses" in step


def test_actions_of_others_are_pinned() -> None:
    others = [step["uses"] for step in STEPS.values() if "uses" in step]
    assert [name.partition("@")[0] for name in others] == ["github/codeql-action/upload-sarif"]
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name) for name in others)


@pytest.mark.parametrize(("version", "asked"), [("", str(REPOSITORY)), ("1.2.3", "picobox-nt==1.2.3")])
def test_what_is_installed(runner: Runner, version: str, asked: str) -> None:
    runner.inputs["version"] = version
    done = runner.run("Install picobox")
    assert done.returncode == 0, done.stderr
    assert (runner.directory / "runner temp" / "pip").read_text().splitlines()[-1] == asked


def test_a_bug_is_told_everywhere(runner: Runner) -> None:
    runner.inputs["run"] = BUG
    runner.run("Install picobox")
    done = runner.run("Check")
    assert done.returncode == 0, done.stderr
    assert runner.outputs["status"] == "1"
    assert runner.outputs["findings"] == "1"
    sarif = json.loads(Path(runner.outputs["sarif"]).read_text())
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["PB010"]
    assert Path(runner.outputs["report"]).read_text().startswith("<!doctype html>")
    assert re.search(r"^::error [^\n]*PB010", done.stdout, re.MULTILINE)
    assert "PB010" in (runner.directory / "summary").read_text()
    assert runner.run("Conclude").returncode == 1


def test_the_clean_twin_passes(runner: Runner) -> None:
    runner.inputs.update({"run": CLEAN, "format": "junit", "profile": "windows10", "enforce": "true"})
    runner.run("Install picobox")
    done = runner.run("Check")
    assert done.returncode == 0, done.stderr
    assert (runner.outputs["status"], runner.outputs["findings"]) == ("0", "0")
    assert "::error" not in done.stdout
    assert runner.outputs["report"].endswith(".junit")
    assert runner.run("Conclude").returncode == 0


def test_a_program_that_fails_fails_with_its_status(runner: Runner) -> None:
    runner.inputs["run"] = "echo here\nfalse | true\nexit 7"
    runner.run("Install picobox")
    done = runner.run("Check")
    assert runner.outputs["status"] == "1", done.stdout
    assert "here" in done.stdout
    assert runner.run("Conclude").returncode == 1


def test_what_picobox_refuses_is_no_success(runner: Runner) -> None:
    runner.inputs.update({"run": CLEAN, "baseline": "missing.json"})
    runner.run("Install picobox")
    done = runner.run("Check")
    assert done.returncode == 125
    assert "missing.json" in done.stderr
    assert "sarif" not in runner.outputs
    assert runner.run("Conclude").returncode == 125


@pytest.mark.parametrize("words", [["--flag"], ["a: b: c"], ["[1]"], ["key: &anchor 1"]])
def test_what_is_no_part_of_its_yaml_is_noticed(words: list[str]) -> None:
    with pytest.raises(AssertionError):
        read(words)
