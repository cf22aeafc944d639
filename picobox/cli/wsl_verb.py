"""The verb wsl: wsl.exe's own command line and exit codes, over the same instances as the verb instance."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from picobox.cli.options import Usage
from picobox.cli.wsl_command import read_command, run_command
from picobox.errors import PicoboxError, SpawnError
from picobox.session.errors import ErrorCode, SessionError
from picobox.session.manager import Manager
from picobox.session.place import SessionPlace

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.session.manager import Listed

_DESCRIPTION = """Read wsl.exe's command line, with WSL 1's answers.

[OPTIONS] [CMD...]     the words are a line for the user's shell in the default distribution; none: a
                       login shell
  -d, --distribution NAME, --distribution-id GUID     in another distribution
  -u, --user NAME                                     as that user
  --cd DIR, ~                                         start there: in the distribution (/dir, ~/dir) or
                                                      on a drive (C:\\dir); ~: in the user's home
  -e, --exec, --shell-type standard|login|none        no shell, or which
  --                                                  what follows is no option
-l, --list [--all] [--running] [-q] [-v]     the distributions
-s, --set-default NAME     -t, --terminate NAME     --shutdown [--force]     --unregister NAME
--export NAME FILE|- [--format tar.gz|tar.xz]     --import NAME DIR FILE|- [--version 1]
--set-version NAME 1     --set-default-version 1     --status     --version     --help"""

_EXAMPLES = """examples:
  picobox wsl -l -v
  picobox wsl -d debian -u root -- apt list
  picobox wsl --cd ~ --exec make check

exit status: the program's, and the number of a signal that has ended it; 255 (-1) if wsl itself fails"""

FAILED = 255
# A program that is not there, and one that cannot be run.
_OF_A_SHELL = (127, 126)


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status (facts wsl1.md 5.5)."""
    if arguments[:1] in (["--help"], ["-h"]):
        Usage("wsl", _DESCRIPTION, _EXAMPLES).read((), ["--help"])
    manager = Manager(SessionPlace(os.environ))
    try:
        if arguments and arguments[0] in _NOT_HERE:
            raise _NOT_HERE[arguments[0]](arguments[0])
        verb = _VERBS.get(arguments[0]) if arguments else None
        if verb is not None:
            return verb.run(manager, verb.read(arguments))
        return run_command(manager, read_command(arguments))
    except SpawnError as error:
        _complain(str(error))
        return error.status if error.status in _OF_A_SHELL else FAILED
    except SessionError as error:
        _complain(f"{error}\nError code: Wsl/Service/{error.code.name}")
        return FAILED
    except PicoboxError as error:
        _complain(str(error))
        return FAILED


def _complain(text: str) -> None:
    sys.stderr.flush()
    sys.stderr.buffer.write(os.fsencode(f"picobox: {text}\n"))
    sys.stderr.buffer.flush()


class _Words(NamedTuple):
    """What stands after a verb: operands, flags, and options with their values."""

    operands: tuple[str, ...]
    flags: frozenset[str]
    values: dict[str, str]


class _Verb(NamedTuple):
    """One of wsl.exe's: how many operands it takes, the flags and options after it by all their names, what it does."""

    run: Callable[[Manager, _Words], int]
    operands: int = 0
    flags: tuple[tuple[str, ...], ...] = ()
    options: tuple[str, ...] = ()

    def read(self, arguments: list[str]) -> _Words:
        """SessionError for what the verb does not take."""
        names = {name: flag[-1] for flag in self.flags for name in flag}
        operands: list[str] = []
        flags: set[str] = set()
        values: dict[str, str] = {}
        words = iter(arguments[1:])
        for word in words:
            if word in names:
                flags.add(names[word])
            elif word in self.options:
                value = next(words, None)
                if value is None:
                    raise _usage(f"{word}: its value is missing")
                values[word] = value
            elif word.startswith("-") and word != "-":
                raise _usage(f"{arguments[0]} takes no {word}")
            else:
                operands.append(word)
        if len(operands) != self.operands:
            raise _usage(f"{arguments[0]} takes {self.operands or 'no'} names")
        return _Words(tuple(operands), frozenset(flags), values)


def _usage(message: str) -> SessionError:
    return SessionError(ErrorCode.E_INVALIDARG, f"{message}. `picobox wsl --help` tells how it is used.")


def _list(manager: Manager, words: _Words) -> int:
    flags = words.flags
    if {"--quiet", "--verbose"} <= flags or {"--all", "--running"} <= flags:
        raise _usage("--list: --quiet and --verbose, --all and --running exclude each other")
    listed = manager.list(all_states="--all" in flags, running="--running" in flags)
    if not listed:
        _complain("no distribution is running." if "--running" in flags else "there is no distribution.")
        return FAILED
    listed.sort(key=lambda each: not each.is_default)
    if "--quiet" in flags:
        lines = [each.instance.name for each in listed]
    elif "--verbose" in flags:
        lines = _table(listed)
    else:
        marks = [" (Default)" if each.is_default else "" for each in listed]
        lines = ["Windows Subsystem for Linux Distributions:"]
        lines += [each.instance.name + mark for each, mark in zip(listed, marks, strict=True)]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _table(listed: list[Listed]) -> list[str]:
    rows = [("NAME", "STATE", "VERSION")]
    rows += [(each.instance.name, each.state_name, "1") for each in listed]
    name, state = (max(len(row[column]) for row in rows) for column in (0, 1))
    marks = [" ", *("*" if each.is_default else " " for each in listed)]
    return [f"{mark} {row[0]:{name}}  {row[1]:{state}}  {row[2]}" for mark, row in zip(marks, rows, strict=True)]


def _set_default(manager: Manager, words: _Words) -> int:
    manager.set_default(words.operands[0])
    return 0


def _terminate(manager: Manager, words: _Words) -> int:
    manager.terminate(words.operands[0])
    return 0


def _shutdown(manager: Manager, words: _Words) -> int:
    del words
    for each in manager.list(running=True):
        manager.terminate(each.instance.guid)
    return 0


def _unregister(manager: Manager, words: _Words) -> int:
    manager.unregister(words.operands[0])
    return 0


def _export(manager: Manager, words: _Words) -> int:
    from picobox.session.transfer import export_instance

    name, file = words.operands
    form = words.values.get("--format")
    if form == "vhd" or "--vhd" in words.flags:
        raise _only_wsl2("a virtual disk")
    if form not in (None, "tar", "tar.gz", "tar.xz"):
        raise _usage(f"--format {form}: tar, tar.gz and tar.xz there are")
    # As bsdtar is called by WSL: the file's name means nothing.
    export_instance(manager, name, file, form or "tar")
    return 0


def _import(manager: Manager, words: _Words) -> int:
    from picobox.session.transfer import import_instance

    name, directory, file = words.operands
    _check_version(words.values.get("--version", "1"))
    if "--vhd" in words.flags:
        raise _only_wsl2("a virtual disk")
    import_instance(manager, name, directory, file)
    return 0


def _set_version(manager: Manager, words: _Words) -> int:
    name, version = words.operands
    manager.find(name)
    _check_version(version)
    return 0


def _set_default_version(manager: Manager, words: _Words) -> int:
    del manager
    _check_version(words.operands[0])
    return 0


def _check_version(version: str) -> None:
    if version == "2":
        raise _only_wsl2("version 2")
    if version != "1":
        raise _usage(f"{version}: there are the versions 1 and 2")


def _only_wsl2(what: str) -> SessionError:
    return SessionError(
        ErrorCode.WSL_E_WSL2_NEEDED, f"{what} is WSL 2's, a virtual machine; here everything is as in version 1."
    )


def _status(manager: Manager, words: _Words) -> int:
    del words
    default = next((each.instance.name for each in manager.list(all_states=True) if each.is_default), None)
    sys.stdout.write(f"Default Distribution: {default}\n" if default else "")
    sys.stdout.write("Default Version: 1\n")
    return 0


def _version(manager: Manager, words: _Words) -> int:
    del manager, words
    from importlib.metadata import version

    sys.stdout.write(f"WSL version: picobox {version('picobox-nt')}\n")
    return 0


def _nothing_to_install(verb: str) -> SessionError:
    return SessionError(
        ErrorCode.E_NOTIMPL,
        f"{verb}: picobox fetches and installs nothing. `picobox wsl --import NAME DIR FILE` makes a distribution of "
        "an archive.",
    )


_LISTING = _Verb(_list, 0, (("--all",), ("--running",), ("-q", "--quiet"), ("-v", "--verbose")))
_VERBS = {
    "-l": _LISTING,
    "--list": _LISTING,
    "-s": _Verb(_set_default, 1),
    "--setdefault": _Verb(_set_default, 1),
    "--set-default": _Verb(_set_default, 1),
    "-t": _Verb(_terminate, 1),
    "--terminate": _Verb(_terminate, 1),
    "--shutdown": _Verb(_shutdown, 0, (("--force",),)),
    "--unregister": _Verb(_unregister, 1),
    "--export": _Verb(_export, 2, (("--vhd",),), ("--format",)),
    "--import": _Verb(_import, 3, (("--vhd",),), ("--version",)),
    "--set-version": _Verb(_set_version, 2),
    "--set-default-version": _Verb(_set_default_version, 1),
    "--status": _Verb(_status),
    "-v": _Verb(_version),
    "--version": _Verb(_version),
}
_NOT_HERE = {
    **dict.fromkeys(("--mount", "--unmount", "--manage", "--import-in-place", "--debug-shell", "--system"), _only_wsl2),
    **dict.fromkeys(("--install", "--update", "--upgrade", "--uninstall", "-o", "--online"), _nothing_to_install),
}
