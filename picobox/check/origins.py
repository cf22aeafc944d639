"""Whose doing a call is: the project's, or that of a library or tool that has ways of its own on Windows."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from picobox.findings.finding import Frame

_INSTALLED = ("/site-packages/", "/dist-packages/")
_STANDARD = re.compile(r"\A<frozen |/lib(?:64)?/python3(?:\.\d+t?)?/|/python3\d+\.zip/")
_SYSTEM = tuple(
    [
        base + kind
        for base in (b"/", b"/usr/", b"/usr/local/")
        for kind in (b"bin/", b"sbin/", b"lib/", b"lib64/", b"libexec/")
    ]
)
# What runs programs of others: their calls are those of a script.
_INTERPRETERS = (b"python", b"perl", b"ruby", b"php", b"node", b"lua", b"tclsh")
_SHELLS = frozenset((b"sh", b"bash", b"dash", b"zsh", b"ksh", b"mksh", b"fish", b"busybox"))


def is_python(frame: Frame) -> bool:
    """Whether a frame is one of Python's, which alone have lines before a finding is told (Stacks.located)."""
    return frame.line is not None


def is_standard(frame: Frame) -> bool:
    """Whether a frame is one of Python's standard library."""
    return not _is_installed(frame) and _STANDARD.search(frame.file) is not None


def is_own(frame: Frame) -> bool:
    """Whether a frame is one of Python's and neither the standard library's nor an installed package's."""
    return is_python(frame) and not is_standard(frame) and not _is_installed(frame)


def caller(stack: Sequence[Frame]) -> Frame | None:
    """The innermost Python frame that is none of the standard library; None if there is none."""
    return next((frame for frame in _python_frames(stack) if not is_standard(frame)), None)


def is_project(stack: Sequence[Frame]) -> bool:
    """Whether the call is the project's own.

    What an installed package does, and what the standard library does by itself, it does knowing which system it is on:
    its branch for Windows is not seen here. A program without Python frames speaks for itself.
    """
    found = caller(stack)
    if found is None:
        return next(_python_frames(stack), None) is None
    return not _is_installed(found)


def passes_through(stack: Sequence[Frame], *modules: str) -> bool:
    """Whether the caller reached the call through one of these files of the standard library."""
    for frame in _python_frames(stack):
        if not modules or not is_standard(frame):
            return False
        if frame.file.endswith(modules):
            return True
    return False


def is_of_a_library(stack: Sequence[Frame]) -> bool:
    """Whether a library of the system makes a call by itself, as stdio does that asks for a file's block size.

    The innermost frame is the C library's function for the call; whoever called that one is meant.
    """
    outer = stack[1] if len(stack) > 1 else None
    return outer is not None and outer.offset is not None and os.fsencode(outer.file).startswith(_SYSTEM)


def is_shell(program: bytes) -> bool:
    """Whether a program, by its path, is a shell, whose own children are no matter of the script."""
    return program.rpartition(b"/")[2] in _SHELLS


def forks_on_windows(program: bytes) -> bool:
    """Whether a program's Windows version forks by its own means: MSYS2's shells do, and Perl does with threads."""
    return is_shell(program) or re.fullmatch(rb"perl[\d.]*", program.rpartition(b"/")[2]) is not None


def is_tool(program: bytes) -> bool:
    """Whether a program, by its path, belongs to the system and runs no program of others: it is nobody's project."""
    directory, _, name = program.rpartition(b"/")
    return (directory + b"/").startswith(_SYSTEM) and not _is_interpreter(name)


def is_interpreter(program: bytes) -> bool:
    """Whether a program, by its path, runs scripts."""
    name = program.rpartition(b"/")[2]
    return _is_interpreter(name) or is_shell(program)


def _is_interpreter(name: bytes) -> bool:
    """Whether it is the name of one, with or without the version; a `t` behind that is for threads (PEP 703)."""
    versions = [name[len(each) :].removesuffix(b"t") for each in _INTERPRETERS if name.startswith(each)]
    return name == b"nodejs" or any(not version.strip(b"0123456789.") for version in versions)


def _is_installed(frame: Frame) -> bool:
    return any(directory in frame.file for directory in _INSTALLED)


def _python_frames(stack: Sequence[Frame]) -> Iterator[Frame]:
    return (frame for frame in stack if is_python(frame))
