"""The part of wsl.exe's command line that runs a program: its options end where the first other word stands."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from picobox.session.errors import ErrorCode, SessionError
from picobox.session.messages import Request, ShellType
from picobox.session.programs import client_environment, on_drive, working_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.session.manager import Manager
    from picobox.session.registry import Instance

_VALUES = {"-d": "distribution", "--distribution": "distribution", "--distribution-id": "distribution"}
_VALUES |= {"-u": "user", "--user": "user", "--cd": "directory", "--shell-type": "shell_type"}
_EXEC = ("-e", "--exec")


class Command(NamedTuple):
    """What is to run: its words, none for a shell; where and as whom, None for the default."""

    words: tuple[str, ...]
    distribution: str | None = None
    user: str | None = None
    directory: str | None = None
    shell_type: str | None = None


def read_command(arguments: list[str]) -> Command:
    """Reads from left to right (facts wsl1.md 5.5). SessionError for an option that there is not, or twice."""
    found: dict[str, str] = {}
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            words = list(rest)
        elif word in _EXEC:
            _take(found, word, "shell_type", "none")
            words = list(rest)
            if not words:
                raise _usage(f"{word}: say which program")
        elif word == "~":
            _take(found, word, "directory", "~")
        elif word in _VALUES:
            _take(found, word, _VALUES[word], _value_of(word, rest))
        elif word.startswith("-"):
            raise _usage(f"{word}: there is no such option")
        else:
            words = [word, *rest]
    if found.get("shell_type", "none") not in set(ShellType):
        raise _usage(f"--shell-type {found['shell_type']}: standard, login and none there are")
    return Command(tuple(words), **found)


def run_command(manager: Manager, command: Command) -> int:
    """Runs it; gives the exit status: the program's, or the number of a signal that has ended it."""
    from picobox.session.client import run

    instance = manager.find(command.distribution).instance
    directory, on_host = _directory(instance, command.directory)
    request = Request(
        command.words,
        ShellType(command.shell_type) if command.shell_type else ShellType.usual(command.words),
        command.user or "",
        directory,
        client_environment(),
        on_host,
    )
    status = run(manager, instance.guid, request)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else os.WTERMSIG(status)


def _take(found: dict[str, str], word: str, name: str, value: str) -> None:
    if name in found:
        raise _usage(f"{word}: it can be said once")
    found[name] = value


def _value_of(word: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if not value:
        raise _usage(f"{word}: its value is missing")
    return value


def _directory(instance: Instance, asked: str | None) -> tuple[str, str]:
    """As the instance has it, or as the host has it. SessionError for a Windows path that is not there."""
    if asked is None:
        return "", working_directory()
    if asked.startswith(("/", "~")):
        return asked, ""
    found = on_drive(instance, asked)
    if found is None:
        raise SessionError(
            ErrorCode.E_INVALIDARG,
            f"--cd {asked}: there is no such directory. One is /..., ~... or LETTER:\\..., and `picobox instance "
            f"config {instance.name}` shows the drives.",
        )
    return "", found


def _usage(message: str) -> SessionError:
    return SessionError(ErrorCode.E_INVALIDARG, f"{message}. `picobox wsl --help` tells how it is used.")
