"""The command line: finds the verb and runs its module."""

from __future__ import annotations

import gc
import os
import sys
from errno import ENOMEM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_INSPECTING = ("ps", "handles", "objects", "locks", "top")
VERBS = (
    "run", "check", "trace", "explain", "syscalls", "doctor", "wslpath", "names", "report", "policy", "learn", "diff",
    "commit", "discard", "instance", "wsl", "completion", *_INSPECTING,
)  # fmt: skip
# These start no program: they run on any system.
_PORTABLE = ("names", "report")
# Where a verb's module has another name.
_MODULES = {"report": "reports", "wsl": "wsl_verb"} | {verb: f"inspect_{verb}" for verb in _INSPECTING}

# These start a program, which is when their start ends.
_STARTING = ("run", "check", "trace")


def command() -> NoReturn:
    """The command `picobox`: runs the command line of this process, and ends the process."""
    from picobox.start.ending import leave

    leave(main())


def main(argv: list[str] | None = None) -> int:
    """Runs a picobox command line (without the program's name); gives the exit status.

    Without `argv` the command line is this process's own, and so is the process.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if not sys.platform.startswith("linux") and arguments[:1] not in [[verb] for verb in _PORTABLE]:
        sys.stderr.write(
            f"picobox: runs programs on Linux x86-64 only; this is {sys.platform}. "
            f"Use `picobox {_PORTABLE[0]}` or the ntshim package here.\n"
        )
        return 125
    if argv is not None:
        return _main(arguments, _import)
    _look_here_last()
    if sys.implementation.name == "cpython":
        from picobox.start import loader

        loader.install()
    try:
        return _main(arguments, _import_for_good)
    finally:
        # The interpreter's last look for garbage would cost a short run more than the program itself.
        gc.freeze()


def _look_here_last() -> None:
    """`python -m` looks for modules in the working directory first, where a guest may write what is imported late."""
    try:
        here = os.getcwd()
    except OSError:
        return  # it is removed: nothing is found in it
    if not sys.flags.safe_path and sys.path[:1] == [here]:
        sys.path.append(sys.path.pop(0))


def _import(verb: str) -> Any:
    from importlib import import_module

    return import_module(f"picobox.cli.{_MODULES.get(verb, verb)}")


def _import_for_good(verb: str) -> Any:
    """Modules and the table live to the end: nobody looks through them for garbage, now or later."""
    from picobox.cli import collector

    collector.wait()
    module = _import(verb)
    if verb not in _STARTING:
        collector.go_on()
    return module


def _main(arguments: list[str], load: Callable[[str], Any]) -> int:
    from picobox.errors import PicoboxError, SpawnError

    verb = arguments[0] if arguments and arguments[0] in VERBS else "run"
    if arguments and arguments[0] == verb:
        arguments = arguments[1:]
    try:
        status: int = load(verb).main(arguments)
    except SpawnError as error:
        _complain(error)
        return error.status
    except PicoboxError as error:
        _complain(error)
        return 125
    except MemoryError:
        return _out_of_memory()
    except OSError as error:
        # A module that is loaded late says it so.
        if error.errno != ENOMEM:
            raise
        return _out_of_memory()
    return status


def _out_of_memory() -> int:
    _complain(MemoryError("out of memory; close other programs, or raise the limit of this one (ulimit -v)"))
    return 125


def _complain(error: Exception) -> None:
    """One line on standard error; a name in it that is not UTF-8 stays byte for byte what the user wrote."""
    sys.stderr.flush()
    sys.stderr.buffer.write(os.fsencode(f"picobox: {error}\n"))
    sys.stderr.buffer.flush()
