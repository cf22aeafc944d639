"""What shells complete after `picobox completion`: verbs, options, names of instances, profiles, policies, commands."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from interface import completions
from interface.__main__ import SHARE
from picobox.cli import VERBS
from picobox.cli.completion import SHELLS
from picobox.cli.options import CASE_MODES, PROFILES

SECONDS = 60
_IN_BASH = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_picobox picobox "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""


class Place:
    """A home with an instance called `pebble` and a file called `mine.toml`, and shells that complete there."""

    def __init__(self, directory: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "XDG_"))}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**kept, "PATH": path, "HOME": str(directory), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        self._directory = directory
        (directory / "mine.toml").touch()
        (directory / "folder").mkdir()
        with tarfile.open(directory / "root.tar", "w") as archive:
            archive.add(directory / "folder", "etc")
        self._output("picobox", "instance", "import", "pebble", "-", "root.tar")

    def _output(self, *words: str) -> str:
        done = subprocess.run(
            words,
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            timeout=SECONDS,
            check=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout

    def completed(self, shell: str, line: str) -> set[str]:
        """What is offered for the last word of a line, which may be empty."""
        words = [*shlex.split(line), ""] if line.endswith(" ") else shlex.split(line)
        file = str(SHARE / "completions" / f"picobox.{shell}")
        if shell == "bash":
            return set(self._output("bash", "--norc", "-uc", _IN_BASH, "bash", file, *words).splitlines())
        script = f"source {shlex.quote(file)}; complete -C {shlex.quote(line)}"
        told = self._output("fish", "--no-config", "-c", script).splitlines()
        return {each.partition("\t")[0] for each in told}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("name", [f"picobox.{shell}" for shell in SHELLS])
def test_it_is_what_the_parsers_say(name: str) -> None:
    made = completions.written(name.rpartition(".")[2])
    assert (SHARE / "completions" / name).read_text() == made, "run python -m tests.interface"


def test_every_shell_is_there_and_nothing_else() -> None:
    assert {path.name for path in (SHARE / "completions").iterdir()} == {f"picobox.{shell}" for shell in SHELLS}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_verb_prints_it(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "picobox", "completion", shell], capture_output=True, check=True, timeout=SECONDS
    )
    assert done.stdout == (SHARE / "completions" / f"picobox.{shell}").read_bytes()


def test_another_shell_is_told() -> None:
    words = [sys.executable, "-m", "picobox", "completion", "csh"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (125, "")
    assert "csh" in done.stderr
    assert all(shell in done.stderr for shell in SHELLS)


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("picobox che", {"check"}),
        ("picobox --profile windows", {name for name in PROFILES if name.startswith("windows")}),
        ("picobox --case per", {name for name in CASE_MODES if name.startswith("per")}),
        ("picobox check --enf", {"--enforce"}),
        ("picobox check --profile windows1", {"windows10", "windows11"}),
        ("picobox --policy str", {"strict"}),
        ("picobox --policy min", {"mine.toml"}),
        ("picobox trace -o min", {"mine.toml"}),
        ("picobox instance run -d ", {"pebble"}),
        ("picobox instance terminate ", {"pebble"}),
        ("picobox instance exp", {"export"}),
        ("picobox instance export --for", {"--format"}),
        ("picobox wsl -d peb", {"pebble"}),
        ("picobox wsl --shell-type st", {"standard"}),
        ("picobox policy show def", {"default"}),
        ("picobox completion z", {"zsh"}),
        ("picobox -- picobo", {"picobox"}),
        ("picobox check -- cat min", {"mine.toml"}),
    ],
)
def test_completed(place: Place, shell: str, line: str, offered: set[str]) -> None:
    assert place.completed(shell, line) == offered


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_every_verb_is_completed(place: Place, shell: str) -> None:
    assert place.completed(shell, "picobox ") >= set(VERBS)


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_an_action_is_offered_its_own_options_alone(place: Place, shell: str) -> None:
    offered = place.completed(shell, "picobox instance config --")
    assert {"--uid", "--idle", "--drive"} <= offered
    assert not {"--running", "--directory", "--format"} & offered


def test_zsh_takes_it() -> None:
    script = (
        'autoload -U compinit; compinit -D -u; eval "$(<$1)"; print -l $_comps[picobox] $_shtab_picobox_wsl_options'
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", script, "zsh", str(SHARE / "completions" / "picobox.zsh")],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    first, *options = done.stdout.splitlines()
    assert (first, done.stderr) == ("_picobox_line", "")
    assert any("--distribution" in option for option in options)
