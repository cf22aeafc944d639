"""wsl.exe's own command line: its words, its answers, its exit codes (facts wsl1.md 5.5)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from confine.guests import USERS

from .test_running import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .test_running import Home

FAILED = 255


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with home_of(tmp_path_factory.mktemp("wsl"), USERS[0]) as made:
        drive = made.directory / "drive"
        (drive / "in side").mkdir(parents=True)
        made.does("config", "box", "--drive", f"c={drive}")
        yield made


def wsl(home: Home, *words: str, status: int = 0) -> str:
    return home.does(*words, status=status, verb="wsl")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("echo", "a   b", "$((1+1))", "|", "cat"), "a b 2\n"),
        (("--", "echo", "-n", "a"), "a"),
        (("-e", "echo", "a  b", "$HOME"), "a  b $HOME\n"),
        (("--exec", "echo", "--cd"), "--cd\n"),
        (("--shell-type", "none", "echo", "$HOME"), "$HOME\n"),
        (("--shell-type", "login", "echo", "$0"), "-sh\n"),
        (("--shell-type", "standard", "echo", "$0"), "/bin/sh\n"),
        (("~", "-d", "BOX", "pwd"), "/root\n"),
        (("--cd", "/etc", "pwd"), "/etc\n"),
        (("--cd", "~/not/there", "pwd"), "/\n"),
        (("--cd", "C:\\", "pwd"), "/mnt/c\n"),
        (("--cd", "c:\\in side", "pwd"), "/mnt/c/in side\n"),
        (("-u", "root", "id", "-u"), "0\n"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_runs(home: Home, words: tuple[str, ...], said: str) -> None:
    assert wsl(home, *words) == said


def test_a_program_gives_its_status_and_a_signal_its_number(home: Home) -> None:
    assert wsl(home, "exit 7", status=7) == ""
    assert wsl(home, "kill -9 $$", status=signal.SIGKILL) == ""
    assert wsl(home, "--terminate", "box") == ""
    assert home.state() == "Stopped"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-x",), "E_INVALIDARG"),
        (("-d", "box", "-d", "box"), "said once"),
        (("-d",), "value is missing"),
        (("-u", "", "id"), "value is missing"),
        (("-e",), "which program"),
        (("-d", "nonesuch"), "WSL_E_DISTRO_NOT_FOUND"),
        (("-u", "nobody-here", "id"), "WSL_E_USER_NOT_FOUND"),
        (("--cd", "C:\\nowhere", "pwd"), "no such directory"),
        (("--cd", "D:\\", "pwd"), "no such directory"),
        (("--cd", "relative", "pwd"), "--cd relative"),
        (("--shell-type", "other", "pwd"), "--shell-type other"),
        (("--list", "-q", "-v"), "exclude each other"),
        (("--list", "--all", "--running"), "exclude each other"),
        (("--list", "--nonesuch"), "takes no --nonesuch"),
        (("--terminate",), "takes 1"),
        (("--terminate", "nonesuch"), "WSL_E_DISTRO_NOT_FOUND"),
        (("--set-version", "box", "2"), "WSL_E_WSL2_NEEDED"),
        (("--export", "box", "file.vhdx", "--format", "vhd"), "WSL_E_WSL2_NEEDED"),
        (("--mount", "disk"), "WSL_E_WSL2_NEEDED"),
        (("--install",), "E_NOTIMPL"),
        (("--import", "box", "other", "nofile.tar"), "ERROR_ALREADY_EXISTS"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_wsl_itself_refuses_is_255(home: Home, words: tuple[str, ...], told: str) -> None:
    assert told in wsl(home, *words, status=FAILED)


def test_listings(home: Home) -> None:
    wsl(home, "--shutdown")
    assert "no distribution is running" in wsl(home, "-l", "--running", status=FAILED)
    assert wsl(home, "--list") == "Windows Subsystem for Linux Distributions:\nbox (Default)\n"
    wsl(home, "true")
    assert wsl(home, "-l", "-v") == "  NAME  STATE    VERSION\n* box   Running  1\n"
    assert wsl(home, "-l", "--running", "-q") == "box\n"
    assert wsl(home, "--status") == "Default Distribution: box\nDefault Version: 1\n"
    assert wsl(home, "--version").startswith("WSL version: picobox ")
    assert wsl(home, "--set-version", "box", "1") == wsl(home, "--set-default-version", "1") == ""
    assert "picobox wsl -l -v" in wsl(home, "--help")


def test_archives_and_the_default(home: Home, tmp_path: Path) -> None:
    file = str(tmp_path / "box.tar.gz")
    wsl(home, "--export", "box", file, "--format", "tar.gz")
    wsl(home, "--import", "Alpha", str(tmp_path / "alpha"), file, "--version", "1")
    assert (tmp_path / "alpha/rootfs/bin/busybox").exists()
    wsl(home, "--set-default", "alpha")
    assert wsl(home, "--list", "-q") == "Alpha\nbox\n"
    assert wsl(home, "echo $WSL_DISTRO_NAME") == "Alpha\n"
    wsl(home, "--unregister", "alpha")
    assert wsl(home, "--list", "--quiet") == "box\n"
    assert not (tmp_path / "alpha/rootfs").exists()
