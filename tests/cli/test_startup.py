"""What starting picobox imports: little, since everybody pays for it at every run."""

from __future__ import annotations

import ast
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from picobox.cli.options import PROFILES, Usage, output_options, run_options
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
    assert ("picobox.names" in after) == profile_of(profile).translates
    assert (after - before) & HEAVY == set()


def test_a_trace_draws_nothing() -> None:
    before = modules_after("")
    after = modules_after("from picobox.cli import main\nassert main(['trace', '-o', '/dev/null', '--', 'true']) == 0")
    assert "picobox.abi.rendering" in after
    assert (after - before) & {"json", "picobox.cli.report", "picobox.trace.jsonl", "rich", "shutil", "socket"} == set()


@pytest.mark.parametrize("verb", ["run", "trace"])
@pytest.mark.parametrize(
    "arguments", [["--", "true"], ["--"], ["--", "--", "true"], ["--", "-q", "--timeout", "never"], ["--", "--help"]]
)
def test_a_command_line_without_options_means_what_the_parser_reads(verb: str, arguments: list[str]) -> None:
    usage = Usage(verb, "", "")
    parsed = SimpleNamespace()
    parse(usage, (*output_options(), *run_options()), 80, arguments, parsed)
    assert parsed == usage.read((*output_options(), *run_options()), arguments)
    assert parsed.command == arguments


def test_the_collector_does_not_look_through_what_starting_makes() -> None:
    modules_after(
        "import gc\nfrom picobox.cli import main\nsys.argv = ['picobox', '--', 'true']\nassert main() == 0\n"
        "assert gc.get_freeze_count() > 10_000\nassert gc.get_stats()[2]['collections'] == 0"
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
