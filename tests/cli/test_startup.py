"""What starting picobox imports: little, since everybody pays for it at every run."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from picobox.cli.options import PROFILES, Option, Usage, _seconds, output_options, read_plain, run_options
from picobox.cli.parser import parse
from picobox.profile import profile_of

from .command import REPOSITORY, environment

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "argparse", "asyncio", "ctypes", "dataclasses", "gettext", "importlib.metadata", "inspect", "json", "locale",
    "pathlib", "ptrace", "rich", "shutil", "subprocess", "tempfile", "tomllib",
    "picobox.abi.flags", "picobox.abi.rendering", "picobox.cli.report", "picobox.platform.reference",
}  # fmt: skip
SOURCES = sorted([*(REPOSITORY / "picobox").rglob("*.py"), *(REPOSITORY / "ntshim").rglob("*.py")])


def modules_after(script: str) -> set[str]:
    """The modules that a Python has which runs a script and then lists them."""
    listing = f"import sys\n{script}\nsys.stderr.write('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", listing], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines())


@pytest.mark.parametrize("profile", PROFILES)
def test_a_run_imports_nothing_heavy(profile: str) -> None:
    before = modules_after("")
    preset = f"import os\nos.environ['PICOBOX_PROFILE'] = {profile!r}\n"
    after = modules_after(f"{preset}from picobox.cli import main\nassert main(['--', 'true']) == 0")
    assert "picobox.supervisor" in after
    if profile != "nt":  # where it depends on whether the program asks for a name
        assert ("picobox.names" in after) == profile_of(profile).translates
    assert (after - before) & HEAVY == set()


def test_a_trace_draws_nothing() -> None:
    before = modules_after("")
    after = modules_after("from picobox.cli import main\nassert main(['trace', '-o', '/dev/null', '--', 'true']) == 0")
    assert "picobox.abi.rendering" in after
    assert (after - before) & {"json", "picobox.cli.report", "picobox.trace.jsonl", "rich", "shutil", "socket"} == set()


OPTIONS = (
    Option("-q", "--quiet", action="store_true"),
    Option("--profile", choices=PROFILES, default="nt"),
    Option("--gate", type=int, default=0),
    Option("--drive", action="append", default=["D=/"]),
    Option("-E", "--env", action="append"),
    Option("-w", "--workdir", metavar="DIR"),
    Option("--timeout", type=_seconds),
    Option("--overlay", nargs="?", const=""),
)
COMMAND = Option("command", nargs="...")
# What is plain, and words that make a command line less so.
PLAIN = [
    ["-q"], ["--quiet"], ["--profile", "linux"], ["--profile=wsl1"], ["--gate", "64"], ["--drive", "C=."],
    ["--drive=E=x=y"], ["-E", "A=1"], ["--env", ""], ["--env="], ["-w", "a b"], ["--timeout", "1.5"],
]  # fmt: skip
WORDS = [
    "-qq", "-wx", "-w=x", "--profile", "none", "--gate=x", "--gat", "-5", "-", "", "--overlay", "--overlay=x",
    "--timeout=never", "--quiet=1", "-h", "--help", "ls", "-l", "--color", "=", "--=", "-E", "--env",
]  # fmt: skip


def parsed(options: tuple[Option, ...], arguments: list[str]) -> dict[str, Any] | None:
    """What the parser makes of a command line; None if it ends the process."""
    values = SimpleNamespace(**{option.attribute(): option.default() for option in options})
    try:
        parse(Usage("run", "", ""), options, 80, arguments, values)
    except SystemExit:
        return None
    return vars(values)


def plain(options: tuple[Option, ...], arguments: list[str]) -> dict[str, Any] | None:
    """What a plain command line says, with what it does not say."""
    found = read_plain(options, arguments)
    return None if found is None else {option.attribute(): option.default() for option in options} | found


def command_lines() -> list[list[str]]:
    """Plain ones, and such as are not."""
    chance = random.Random(5)
    lines = [[word, *rest] for word in WORDS for rest in (["--", "ls"], ["ls", "--", "-q"], [])]
    for number in range(600):
        words = [word for part in chance.choices(PLAIN, k=chance.randrange(4)) for word in part]
        if number % 2:
            words.insert(chance.randrange(len(words) + 1), chance.choice(WORDS))
        lines.append(
            [*words, *chance.choice([["--", "ls", "-l"], ["ls", "-q"], ["--"], ["--", "--", "ls"], ["--", "-q"], []])]
        )
    return lines


def test_a_plain_command_line_means_what_the_parser_reads(capsys: pytest.CaptureFixture[str]) -> None:
    read = 0
    for line in command_lines():
        found = plain((*OPTIONS, COMMAND), line)
        if found is not None:
            read += 1
            assert found == parsed((*OPTIONS, COMMAND), line), line
    assert read > 250
    capsys.readouterr()


@pytest.mark.parametrize("before", PLAIN, ids=" ".join)
@pytest.mark.parametrize("after", [["--", "ls", "-l"], ["ls", "--", "-q"], ["--"]], ids=" ".join)
def test_whole_names_with_their_values_are_plain(before: list[str], after: list[str]) -> None:
    found = plain((*OPTIONS, COMMAND), [*before, *after])
    assert found is not None
    assert found == parsed((*OPTIONS, COMMAND), [*before, *after])
    assert found["command"] == after


@pytest.mark.parametrize("verb", ["run", "trace"])
@pytest.mark.parametrize(
    "arguments",
    [["--", "true"], ["--", "--", "true"], ["-q", "--case=dir", "true", "-v"], ["--timeout", "9", "--", "x"]],
)
def test_a_verbs_own_options_mean_what_the_parser_reads(verb: str, arguments: list[str]) -> None:
    options = (*output_options(), *run_options())
    values = vars(Usage(verb, "", "").read(options, arguments))
    assert read_plain(options, arguments) is not None
    assert values == parsed(options, arguments)


@pytest.mark.parametrize("words", [["ls"], ["--", "ls"], ["-q"], []])
def test_a_verb_without_a_command_has_a_parser(words: list[str]) -> None:
    assert read_plain(OPTIONS, words) is None
    assert read_plain((*OPTIONS, Option("command", nargs="*")), words) is None


def test_what_is_not_said_keeps_its_default() -> None:
    lines = (["--drive", "C=.", "--", "ls"], ["--", "ls"])
    first, second = (plain((*OPTIONS, COMMAND), line) for line in lines)
    assert first is not None
    assert second is not None
    assert (first["drive"], second["drive"]) == (["D=/", "C=."], ["D=/"])


@pytest.mark.parametrize("verb", ["run", "trace", "check"])
def test_a_plain_run_needs_no_parser(verb: str) -> None:
    profile = "windows11" if verb == "check" else "nt"
    words = [verb, "-q", "--profile", profile, "-E", "A=1", "--drive=D=/usr", "--timeout", "60", "--", "true"]
    after = modules_after(f"from picobox.cli import main\nassert main({words!r}) == 0")
    assert "picobox.supervisor" in after
    assert not {"argparse", "picobox.cli.parser"} & after


def test_the_collector_does_not_look_through_what_starting_makes() -> None:
    modules_after(
        "import gc\nfrom picobox.cli import main\nsys.argv = ['picobox', '--', 'true']\nassert main() == 0\n"
        "assert gc.get_freeze_count() > 5_000\nassert gc.get_stats()[2]['collections'] == 0"
    )


def test_calls_that_are_over_leave_the_collector_nothing(tmp_path: Path) -> None:
    """What a longer run of a check leaves is what a short one does."""
    guest = (
        "import os,sys\nfor i in range(int(sys.argv[1])):\n open('f','w').close(); os.rename('f','g'); os.unlink('g')"
    )
    modules_after(
        f"import gc, os\nfrom picobox.cli import main\ngc.disable()\nos.chdir({str(tmp_path)!r})\n"
        "def left(files):\n"
        f"    assert main(['check', '-q', '--', sys.executable, '-c', {guest!r}, str(files)]) == 0\n"
        "    return gc.collect()\n"
        "left(1)\nassert left(201) - left(1) < 200"
    )


def test_the_collector_is_left_alone_in_a_process_that_is_not_ours() -> None:
    modules_after(
        "import gc\nfrom picobox.cli import main\nbefore = gc.get_threshold()\nfrozen = gc.get_freeze_count()\n"
        "assert main(['--', 'true']) == 0\n"
        "assert gc.get_threshold() == before\nassert gc.get_freeze_count() == frozen"
    )


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


def test_sources_are_found() -> None:
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_ctypes(path: Path) -> None:
    assert "ctypes" not in imported(path)
    assert "ptrace" not in imported(path) or path.name == "reference.py"
