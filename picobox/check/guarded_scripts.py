"""Whether a script in node, Perl or a shell looks which system it is on where it does what Windows refuses.

Which of its lines makes a call is not known, so all of them count that may.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from picobox.check.interpreted import code_of, script_of
from picobox.platform import host
from picobox.platform.base import HostTid
from picobox.platform.sources import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from picobox.findings.finding import Process

# A look at the system counts for so many lines after it, and for the one before.
_LINES_AFTER, _LINES_BEFORE = 6, 1
# An argument stands so many lines behind the function's name.
_LINES_OF_A_CALL = 3
_MOST_CHARACTERS = 1 << 18


class _Language(NamedTuple):
    """How scripts look at the system, name what they see, and what in them may be told of under a rule.

    `names` are those that a line makes, `functions` those that begin on the line before. `allowed` are arguments with
    which Windows does not refuse a call; `retries` is what stands where a call is made again until others let go.
    """

    looks: re.Pattern[str]
    names: re.Pattern[str]
    functions: re.Pattern[str]
    calls: Mapping[str, re.Pattern[str]]
    comment: str
    allowed: Mapping[str, re.Pattern[str]]
    retries: re.Pattern[str]


_NODE = _Language(
    re.compile(r"process\.platform|\bos\.(?:platform|type)\(|\bplatform\(\)"),
    re.compile(r"\b(?:const|let|var|function)\s+(\w+)"),
    re.compile(r"\bfunction\s+(\w+)"),
    {
        # Without a dot it may be a function of the script's own.
        "PB010": re.compile(r"\.(?:unlink|rm)\(|\b(?:unlink|rm)Sync\("),
        "PB011": re.compile(r"\.rename\(|\brenameSync\("),
        "PB012": re.compile(r"\.rename\(|\brenameSync\("),
        "PB014": re.compile(r"\.(?:rm|rmdir)\(|\b(?:rm|rmdir)Sync\("),
        "PB019": re.compile(r"\.symlink\(|\bsymlinkSync\(|\bln\b"),
        "PB021": re.compile(r"\b[fl]?ch(?:mod|own)(?:Sync)?\(|\blisten\(|\bmkfifo\b|\.mode\b"),
        "PB023": re.compile(r"\bkill\("),
    },
    "//",
    {"PB019": re.compile(r"""["'`]junction["'`]""")},
    re.compile(r"\b(?:EPERM|EBUSY|EACCES|maxRetries)\b"),
)
_PERL = _Language(
    re.compile(r"\$\^O\b|\$OSNAME\b|\bMSWin32\b"),
    re.compile(r"\b(?:my|our|sub|use\s+constant)\s+[$(]?\s*(\w+)"),
    re.compile(r"\bsub\s+(\w+)"),
    {
        "PB010": re.compile(r"\bunlink\b"),
        "PB011": re.compile(r"\b(?:rename|move)\b"),
        "PB012": re.compile(r"\b(?:rename|move)\b"),
        "PB014": re.compile(r"\b(?:rmdir|rmtree|remove_tree)\b"),
        "PB017": re.compile(r"\b(?:unlink|rmtree|remove_tree|rename|move)\b"),
        "PB019": re.compile(r"\bsymlink\b"),
        "PB021": re.compile(r"\b(?:chmod|chown|mkfifo|bind|Local|mode)\b|\bstat\b"),
        "PB022": re.compile(r"\bfork\b"),
        "PB023": re.compile(r"\b(?:kill|alarm|sigaction)\b|\$SIG\{"),
    },
    "#",
    {},
    re.compile(r"\bEACCES\b|\$!\{"),
)
_SHELL = _Language(
    re.compile(r"\buname\b|\$\{?(?:OSTYPE|OS|WINDIR|MSYSTEM)\b|\b(?:MINGW|MSYS|CYGWIN)"),
    re.compile(r"^\s*(?:function\s+)?(\w+)(?:=|\s*\(\))"),
    re.compile(r"^\s*(?:function\s+)?(\w+)\s*\(\)"),
    {
        "PB010": re.compile(r"\b(?:rm|unlink)\s"),
        "PB011": re.compile(r"\bmv\s"),
        "PB012": re.compile(r"\bmv\s"),
        "PB014": re.compile(r"\b(?:rm|rmdir)\s"),
        "PB017": re.compile(r"\b(?:rm|unlink|mv)\s"),
        "PB019": re.compile(r"\b(?:ln|cp)\s+-"),
        "PB021": re.compile(r"\b(?:mkfifo|mknod|chown|chgrp|chmod|install|stat)\s"),
        "PB023": re.compile(r"\b(?:kill|trap)\s"),
    },
    "#",
    {},
    re.compile(r"\b(?:until|while\s+!)\s"),
)
_LANGUAGES = {
    "node": _NODE,
    "nodejs": _NODE,
    "perl": _PERL,
    **dict.fromkeys(("sh", "bash", "dash", "zsh", "ksh", "busybox"), _SHELL),
}


def is_kept_from_windows(tid: HostTid, process: Process, rule: str) -> bool:
    """Whether the script that a process runs, or that has started it as a tool, looks at the system before such a call.

    A function or a variable that is made where it looks counts as a look as well.
    """
    name, text = _script_of(tid, process)
    return name != "" and rule in _LANGUAGES[name].calls and _is_guarded(text, name, rule)


def tries_again(tid: HostTid, process: Process, rule: str) -> bool:
    """Whether that script makes each such call again where somebody else still has the file."""
    name, text = _script_of(tid, process)
    return name != "" and rule in _LANGUAGES[name].calls and _is_repeated(text, name, rule)


def _script_of(tid: HostTid, process: Process) -> tuple[str, str]:
    """The language and the text of a script; empty if there is none, or it is too long."""
    arguments: Sequence[str] = process.arguments
    name = _language_of(process.name)
    if not name:
        tid = HostTid(host.thread_group(tid)[1])
        if tid <= 0:
            return "", ""
        command = host.command_of(tid)
        name = _language_of(os.fsdecode(command.name))
        arguments = tuple(map(os.fsdecode, command.arguments))
    if not name:
        return "", ""
    script = script_of(arguments)
    text = code_of(arguments) or (text_of(tid, os.fsencode(script)) if script else "")
    return (name, text) if len(text) <= _MOST_CHARACTERS else ("", "")


def _language_of(program: str) -> str:
    name = re.sub(r"[\d.]+\Z", "", program)
    return name if name in _LANGUAGES else ""


@lru_cache(16)
def _is_guarded(text: str, name: str, rule: str) -> bool:
    language = _LANGUAGES[name]
    lines = _lines_of(text, language)
    calls = _having(lines, language.calls[rule])
    if not calls:
        return False
    looks = _looks(lines, language)
    allowed = _having(lines, language.allowed[rule]) if rule in language.allowed else ()
    return all(
        any(call - _LINES_AFTER <= look <= call + _LINES_BEFORE for look in looks)
        or any(call <= each <= call + _LINES_OF_A_CALL for each in allowed)
        for call in calls
    )


@lru_cache(16)
def _is_repeated(text: str, name: str, rule: str) -> bool:
    language = _LANGUAGES[name]
    lines = _lines_of(text, language)
    calls, retries = _having(lines, language.calls[rule]), _having(lines, language.retries)
    return bool(calls) and all(any(call <= each <= call + _LINES_OF_A_CALL for each in retries) for call in calls)


def _lines_of(text: str, language: _Language) -> Sequence[str]:
    """The lines of a script; those that are comments are empty."""
    return [line if not line.lstrip().startswith(language.comment) else "" for line in text.splitlines()]


def _looks(lines: Sequence[str], language: _Language) -> Sequence[int]:
    """The lines that look at the system, or at what was made where others do."""
    looks = _having(lines, language.looks)
    made = {name for index in looks for name in language.names.findall(lines[index])}
    made |= {name for index in looks if index for name in language.functions.findall(lines[index - 1])}
    if not made:
        return looks
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(made)))})(?!\w)")
    return sorted({*looks, *_having(lines, named)})


def _having(lines: Sequence[str], pattern: re.Pattern[str]) -> Sequence[int]:
    return [index for index, line in enumerate(lines) if pattern.search(line)]
