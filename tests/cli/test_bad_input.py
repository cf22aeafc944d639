"""What cannot be run: one clear line with cause and remedy on standard error, and a status from 125 to 127."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .command import COMMAND, Words, environment, one_line, picobox, without_core

if TYPE_CHECKING:
    from pathlib import Path


# Root may enter every directory by these capabilities; without them it meets permissions as everybody else does.
WITHOUT_OVERRIDE = (
    "setpriv", "--inh-caps=-dac_override,-dac_read_search", "--bounding-set=-dac_override,-dac_read_search",
)  # fmt: skip
PREFIX = WITHOUT_OVERRIDE if os.geteuid() == 0 else ()


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A directory that nobody may enter."""
    directory = tmp_path / "closed"
    directory.mkdir(mode=0)
    return directory


@pytest.mark.parametrize(
    ("words", "status", "cause", "remedy"),
    [
        (["--", "no-such-command"], 127, "no-such-command: command not found", "PATH"),
        (["--", "./no-such-file"], 127, "./no-such-file: command not found", "Check the path"),
        (["--", "/etc/passwd/x"], 127, "/etc/passwd/x: command not found", "Check the path"),
        (["--", ""], 127, "command not found", "PATH"),
        (["--", "/"], 126, "/: cannot run: Permission denied", "execute permission"),
        (["--", "/etc/passwd"], 126, "/etc/passwd: cannot run: Permission denied", "execute permission"),
        (["-w", "/no/such/directory", "--", "true"], 125, "/no/such/directory: No such file", "-w"),
        (["-w", "/etc/passwd", "--", "true"], 125, "/etc/passwd: Not a directory", "-w"),
        (["--bogus", "--", "true"], 125, "--bogus", "--help"),
        (["--verb", "--", "true"], 125, "--verb", "--help"),
        (["--timeout", "never", "--", "true"], 125, "'never'", "--help"),
        (["--timeout", "0", "--", "true"], 125, "'0'", "above 0"),
        (["--timeout", "nan", "--", "true"], 125, "'nan'", "above 0"),
        (["--timeout"], 125, "--timeout", "--help"),
        (["--platform", "kvm", "--", "true"], 125, "'kvm'", "'trace', 'reference'"),
        (["--profile", "windows", "--", "true"], 125, "'windows'", "'linux'"),
        (["--color", "red", "--", "true"], 125, "'red'", "always"),
        (["--profile", "nt", "--drive", "DD=/", "--", "true"], 125, "--drive DD=/", "LETTER=DIR"),
        (["--profile", "nt", "--drive", "1=/", "--", "true"], 125, "--drive 1=/", "LETTER=DIR"),
        (["--profile", "nt", "--drive", "é=/", "--", "true"], 125, "--drive é=/", "LETTER=DIR"),
        (["--profile", "nt", "--drive", "D=", "--", "true"], 125, "--drive D=", "LETTER=DIR"),
        (["--profile", "nt", "--drive", "D", "--", "true"], 125, "--drive D", "LETTER=DIR"),
        (["--profile", "nt", "--drive", "D=/", "--drive", "d=/tmp", "--", "true"], 125, "D: is a drive", "once"),
        (["--profile", "nt", "--drive", "D=/no/such", "--", "true"], 125, "D=/no/such: No such file", "that is there"),
        (["--profile", "nt", "--drive", "D=/etc/passwd", "--", "true"], 125, "Not a directory", "that is there"),
        (["--profile", "nt", "--case", "maybe", "--", "true"], 125, "'maybe'", "per-directory"),
        (["--profile", "windows11", "--share", "X", "--", "true"], 125, "--share X", "letters of RWD"),
        (["--profile", "windows11", "--share", "RR", "--", "true"], 125, "--share RR", "letters of RWD"),
        (["--profile", "windows11", "--share", "=R", "--", "true"], 125, "--share =R", "python3=RWD"),
        (["--profile", "windows11", "--share", "sh=", "--", "true"], 125, "--share sh=", "python3=RWD"),
        (["--profile", "windows11", "--windows-prefix", "src", "--", "true"], 125, "-prefix src", "full Windows path"),
        (["--profile", "windows11", "--windows-prefix", "C:\\a*", "--", "true"], 125, "a*", "full Windows path"),
        (["--profile", "windows11", "--windows-prefix", "C:\\a\\\\b", "--", "true"], 125, "b", "full Windows path"),
        (["--profile", "windows11", "--case", "force", "--", "true"], 125, "--case", "Leave --case out"),
        (["--profile", "nt", "--share", "R", "--", "true"], 125, "--share", "Add --profile windows11"),
        (["--profile", "linux", "--windows-prefix", "C:\\", "--", "true"], 125, "-prefix", "Add --profile windows11"),
        (["--profile", "linux", "--drive", "D=/", "--", "true"], 125, "--drive", "Leave --profile linux out"),
        (["--profile", "linux", "--case", "force", "--", "true"], 125, "--case", "Leave --profile linux out"),
        (["--profile", "nt", "-w", "/no/such/directory", "--", "true"], 125, "/no/such/directory: No such file", "-w"),
        (["-E", "NAME", "--", "true"], 125, "-E NAME", "NAME=VALUE"),
        (["-E", "=x", "--", "true"], 125, "-E =x", "NAME=VALUE"),
        ([], 125, "no command", "--help"),
        (["--"], 125, "no command", "--help"),
        (["trace"], 125, "no command", "picobox trace --help"),
        (["trace", "-e", "opnat", "--", "true"], 125, "no system call opnat", "openat"),
        (["trace", "-e", "%fil", "--", "true"], 125, "no class %fil", "%file"),
        (["trace", "-e", "%zzzzzz", "--", "true"], 125, "no class %zzzzzz", "%memory"),
        (["trace", "-e", "close,", "--", "true"], 125, "empty name", "commas"),
        (["trace", "-o", "/no/such/file", "--", "true"], 125, "/no/such/file: No such file", "may write"),
        (["trace", "-o", "/", "--", "true"], 125, "-o /: Is a directory", "may write"),
        (["trace", "--format", "xml", "--", "true"], 125, "'xml'", "jsonl"),
        (["syscalls", "opnat"], 125, "no system call opnat", "openat"),
        (["syscalls", "--format", "csv"], 125, "'csv'", "md"),
        (["doctor", "me"], 125, "me", "picobox doctor --help"),
    ],
)
def test_bad_command_lines(words: list[Words], status: int, cause: str, remedy: str) -> None:
    done = picobox(*words)
    text = one_line(done)
    assert done.returncode == status
    assert cause in text
    assert remedy in text


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("PICOBOX_PLATFORM", "kvm", "trace, reference"),
        ("PICOBOX_PROFILE", "windows", "linux"),
        ("PICOBOX_COLOR", "red", "always"),
        ("PICOBOX_TIMEOUT", "never", "above 0"),
    ],
)
def test_bad_variables(variable: str, value: str, remedy: str) -> None:
    done = picobox("--", "true", env={variable: value})
    text = one_line(done)
    assert done.returncode == 125
    assert variable in text
    assert value in text
    assert remedy in text


def test_a_script_without_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = picobox("--", script)
    assert done.returncode == 127
    assert "script" in one_line(done)


def test_a_directory_that_may_not_be_entered(closed: Path) -> None:
    done = picobox("-w", closed, "--", "true", prefix=PREFIX)
    text = one_line(done)
    assert done.returncode == 125
    assert f"{closed}: Permission denied" in text
    assert "-w" in text


def test_a_command_in_a_directory_that_may_not_be_entered(closed: Path) -> None:
    done = picobox("--", closed / "command", prefix=PREFIX)
    assert done.returncode == 126
    assert "Permission denied" in one_line(done)


def test_an_unreadable_directory_in_the_search_path(closed: Path) -> None:
    found = picobox("-E", f"PATH={closed}:/usr/bin:/bin", "--", "echo", "x", prefix=PREFIX)
    assert (found.returncode, found.stdout) == (0, b"x\n")
    absent = picobox("-E", f"PATH={closed}", "--", "echo", "x", prefix=PREFIX)
    assert absent.returncode == 126
    assert "Permission denied" in one_line(absent)


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND, "--", "echo", "x"],
        cwd=tmp_path, env=environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"x\n", b"")


@pytest.mark.parametrize(
    "words", [["check", "--", "true"], ["check", "--no-config", "-o", "x", "--", "true"], ["names"]]
)
def test_a_project_that_is_gone(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        ["sh", "-c", 'mkdir gone; cd gone; rmdir ../gone; exec "$@"', "sh", *COMMAND, *words],
        cwd=tmp_path, env=environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 125
    assert "the working directory is gone. Change into" in one_line(done)


def test_arguments_pass_byte_for_byte() -> None:
    raw = bytes(range(1, 256)).replace(b"\n", b"")
    assert picobox("--", "printf", "%s", raw).stdout == raw


def test_names_pass_byte_for_byte(tmp_path: Path) -> None:
    directory = os.fsencode(tmp_path) + b"/d\xff"
    os.mkdir(directory)
    script = directory + b"/s\xe9\x80"
    with open(script, "wb") as file:
        file.write(b'#!/bin/sh\nprintf %s "$0"\n')
    os.chmod(script, 0o755)
    assert picobox("--", script).stdout == script
    assert picobox("-w", directory, "--", "/bin/pwd").stdout == directory + b"\n"


def test_a_bad_name_that_is_not_utf8_gives_one_line() -> None:
    done = picobox("--", b"./no-such-\xff")
    assert done.returncode == 127
    assert done.stderr == b"picobox: ./no-such-\xff: command not found. Check the path.\n"


@pytest.mark.parametrize("verb", ["run", "trace"])
def test_inside_a_picobox_there_is_none(verb: str) -> None:
    """A guest cannot have another supervisor, and is told why."""
    done = picobox("--", *COMMAND, verb, "--", "echo", "not run")
    text = one_line(done)
    assert done.returncode == 125
    assert "there is a picobox around this one" in text


def test_the_c_core_is_missing() -> None:
    done = without_core("--", "true")
    assert done.returncode == 125
    assert "the C core is not built" in one_line(done)
    assert "install picobox-nt" in one_line(done)


def test_python_ptrace_is_missing() -> None:
    script = (
        "import sys; sys.modules['ptrace'] = sys.modules['picobox.platform.reference'] = None; "
        "from picobox.cli import main; sys.exit(main(['--platform', 'reference', '--', 'true']))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, check=False)
    assert done.returncode == 125
    assert "picobox-nt[reference]" in one_line(done)


def test_another_system() -> None:
    script = "import sys; sys.platform = 'win32'; from picobox.cli import main; sys.exit(main(['--', 'true']))"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, check=False)
    assert done.returncode == 125
    assert "Linux x86-64" in one_line(done)
