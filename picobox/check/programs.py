"""The programs that interpret others: which they are, and the script that one of them runs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from picobox.findings.finding import Frame
from picobox.platform.host import command_line, executable_name, file_of_task

if TYPE_CHECKING:
    from picobox.platform.base import HostTid

_SHELLS = re.compile(r"sh|ash|bash|dash|ksh\d*|mksh|yash|zsh\d*")
_PYTHONS = re.compile(r"(python|pypy)[\d.]*t?")
_PERLS = re.compile(r"perl[\d.]*")
_NODES = re.compile(r"node(js)?\d*")
_OTHERS = re.compile(r"(ruby|php|lua|luajit|tclsh|wish|Rscript|guile|gawk|mawk|awk|deno|bun)[\d.]*")
# Options after which the script may still come: they take no value of their own, and no program text.
_OPTIONS = (
    (_SHELLS, re.compile(r"[-+][abefhiklmnpuvxBCEHPT]+|--(posix|norc|noprofile|login)")),
    (_PYTHONS, re.compile(r"-[bBdEiIOPqsSuvx]+|-X\S+|-W\S+")),
    (_PERLS, re.compile(r"-[acfnpstTuUvwWX]+|-I\S+")),
    (_NODES, re.compile(r"--(?!eval|print|require|import|loader|experimental-loader|test)[a-z-]+(=.*)?")),
    (_OTHERS, re.compile(r"(?!)")),
)


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
    for names, options in _OPTIONS:
        if names.fullmatch(name):
            return Program(True, names is _PYTHONS, _script(tid, words[1:], options))
    return Program()


def _script(tid: HostTid, words: list[bytes], options: re.Pattern[str]) -> tuple[Frame, ...]:
    for word in words:
        text = os.fsdecode(word)
        if not text.startswith(("-", "+")):
            path = file_of_task(tid, word)
            return () if path is None else (Frame(os.fsdecode(path)),)
        if not options.fullmatch(text):
            break
    return ()
