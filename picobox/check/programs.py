"""The programs that interpret others: which they are, and the script that one of them runs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.finding import Frame
from picobox.platform.host import command_line, executable_name, file_of_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.platform.base import HostTid

_SHELLS = frozenset(("sh", "ash", "bash", "dash", "ksh", "mksh", "yash", "zsh"))
_SHELLS_WITH_VERSIONS = ("ksh", "zsh")
_PYTHONS = ("python", "pypy")
_PERLS = re.compile(r"perl[\d.]*")
_NODES = re.compile(r"node(js)?\d*")
_OTHERS = re.compile(r"(ruby|php|lua|luajit|tclsh|wish|Rscript|guile|gawk|mawk|awk|deno|bun)[\d.]*")
# How names of each kind begin, and options after which the script may still come: they take no value of their own, and
# no program text.
_OPTIONS = (
    (("perl",), _PERLS, re.compile(r"-[acfnpstTuUvwWX]+|-I\S+")),
    (
        ("node",),
        _NODES,
        re.compile(r"--(?!eval|print|require|import|loader|experimental-loader|test)[a-z-]+(=.*)?"),
    ),
    (
        ("ruby", "php", "lua", "tclsh", "wish", "Rscript", "guile", "gawk", "mawk", "awk", "deno", "bun"),
        _OTHERS,
        re.compile(r"(?!)"),
    ),
)
# Of shells and of Python, letters of options that take nothing, and options that have a word right behind them.
_LETTERS_OF_SHELLS = "abefhiklmnpuvxBCEHPT"
_LONG_OPTIONS = frozenset(("--posix", "--norc", "--noprofile", "--login"))
_LETTERS_OF_PYTHON = "bBdEiIOPqsSuvx"
_WORDY_OPTIONS = ("-X", "-W")


class Program(NamedTuple):
    """What a process runs; `script`: if that is an interpreter, its script as a frame, where we can tell it."""

    is_interpreter: bool = False
    is_python: bool = False
    script: tuple[Frame, ...] = ()


def program_of(tid: HostTid) -> Program:
    """The program of a process that runs."""
    name = executable_name(tid)
    words = command_line(tid)
    if name == "busybox":
        # One file that is many programs: its own name tells which.
        name = os.fsdecode(words[0]).rpartition("/")[2].lstrip("-") if words else name
    if _is_python(name):
        return Program(True, True, _script(tid, words[1:], _is_python_option))
    if _is_shell(name):
        return Program(True, False, _script(tid, words[1:], _is_shell_option))
    for beginnings, names, options in _OPTIONS:
        if name.startswith(beginnings) and names.fullmatch(name):
            return Program(True, False, _script(tid, words[1:], options.fullmatch))
    return Program()


def _is_python(name: str) -> bool:
    """As most programs of checks, for which no pattern is compiled; a `t` at the end is for threads (PEP 703)."""
    versions = [name.removeprefix(each).removesuffix("t") for each in _PYTHONS if name.startswith(each)]
    return any(not version.strip("0123456789.") for version in versions)


def _is_python_option(text: str) -> bool:
    if text.startswith(_WORDY_OPTIONS):
        return len(text) > 2 and not any(map(str.isspace, text))
    return text.startswith("-") and text != "-" and not text[1:].strip(_LETTERS_OF_PYTHON)


def _is_shell(name: str) -> bool:
    return name in _SHELLS or (name.startswith(_SHELLS_WITH_VERSIONS) and name.rstrip("0123456789") in _SHELLS)


def _is_shell_option(text: str) -> bool:
    letters = text[1:] if text.startswith(("-", "+")) else ""
    return text in _LONG_OPTIONS or (letters != "" and not letters.strip(_LETTERS_OF_SHELLS))


def _script(tid: HostTid, words: list[bytes], is_option: Callable[[str], object]) -> tuple[Frame, ...]:
    for word in words:
        text = os.fsdecode(word)
        if not text.startswith(("-", "+")):
            path = file_of_task(tid, word)
            return () if path is None else (Frame(os.fsdecode(path)),)
        if not is_option(text):
            break
    return ()
