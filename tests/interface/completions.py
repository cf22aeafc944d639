"""Makes the completions that picobox/share/completions holds: shtab writes them from the verbs' own parsers."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

import shtab

from interface.parsers import Verb, verbs
from picobox.cli import instance, policy, wsl_command, wsl_verb
from picobox.cli.completion import SHELLS
from picobox.confine.named import NAMES
from picobox.faults import FAULTS
from picobox.session.messages import ShellType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picobox.cli.options import Option

_INSTANCES = shtab.cmd("picobox instance list --quiet 2>/dev/null")
# A policy is one of the three, or a file.
_POLICIES: Any = {
    "bash": "_picobox_policies",
    "zsh": "_picobox_policies",
    "fish": f"{' '.join(NAMES)} (__fish_complete_path (commandline -ct))",
    "preamble": {
        "bash": f'_picobox_policies() {{\n  compgen -W "{" ".join(NAMES)}" -- "$1"\n  compgen -f -- "$1"\n}}',
        "zsh": f"_picobox_policies() {{\n  _alternative 'names:policy:({' '.join(NAMES)})' 'files:file:_files'\n}}",
    },
}
_BY_METAVAR = {"DIR": shtab.DIRECTORY, "FILE": shtab.FILE, "FILE|DIR": shtab.FILE, "PATH": shtab.FILE}
_BY_METAVAR |= {"NAME|FILE": _POLICIES}
_INSTANCE_OPTIONS = {"-d", "--distribution", "-s", "--set-default", "--setdefault", "-t", "--terminate"}
_INSTANCE_OPTIONS |= {"--unregister", "--export", "--set-version"}
# Which operands of the verb instance are names of instances that there are, and which are files.
_OPERANDS: dict[str, Any] = {"NAME": _INSTANCES, "FILE": shtab.FILE, "DIR|-": shtab.DIRECTORY}

# After `--` stands another command line, which is completed as that is.
_BASH_TAIL = """
_picobox_command() {
  local first=$1
  if declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$first"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "$first"
  elif ((COMP_CWORD == first)); then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}

_picobox() {
  local at
  for ((at = 1; at < COMP_CWORD; at++)); do
    if [[ ${COMP_WORDS[at]} == -- ]]; then
      _picobox_command $((at + 1))
      return
    fi
  done
  _shtab_picobox
}

complete -o bashdefault -F _picobox picobox
"""
_ZSH_HEAD = """
_picobox_line() {
  local at=${words[(i)--]}
  if (( at < CURRENT )); then
    words=("${(@)words[at + 1, -1]}")
    (( CURRENT -= at ))
    _normal
  else
    _shtab_picobox "$@"
  fi
}
"""
_FISH_TAIL = """
function _picobox_in_command
  contains -- -- (commandline -opc)
end

function _picobox_command
  set -l words (commandline -opc)
  set -e words[1..(contains -i -- -- $words)]
  complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

function _shtab_picobox_using
  _picobox_in_command; and return 1
  _shtab_picobox_scan
  test "$_shtab_picobox_cmdpath" = "$argv"
end

complete -c picobox -n _picobox_in_command -xa '(_picobox_command)'
"""


def written(shell: str) -> str:
    """The completion for a shell."""
    text = shtab.complete(_tree(), shell)
    text = re.sub(r"\A(#compdef picobox\n\n)?# AUTOMATICALLY GENERATED.*?\n\n", r"\1", text, flags=re.DOTALL)
    text = f"{text.rstrip()}\n"
    if shell == "bash":
        # Its helpers have names that any other program's completion may have.
        text = re.sub(r"\b(_set_parser_defaults|_set_new_action|_shtab_(compgen|replace|cmd)\w*)", r"_picobox_\1", text)
        text = text.replace("complete -o bashdefault -F _shtab_picobox picobox\n", "") + _BASH_TAIL
    elif shell == "zsh":
        head, tail = text.split("typeset -A opt_args\n")
        tail = tail.replace("compdef _shtab_picobox -N", "compdef _picobox_line").replace(
            "  _shtab_picobox", "  _picobox_line"
        )
        text = f"{head.rstrip()}\n{_ZSH_HEAD}\ntypeset -A opt_args\n{tail}"
    else:
        # Between single quotes a backslash is one in other shells, and here an escape.
        text = re.sub("^complete .*", lambda line: line[0].replace("\\", "\\\\"), text, flags=re.MULTILINE) + _FISH_TAIL
    lines = (line.rstrip() for line in text.splitlines())
    comment = "# Completes picobox's command line. python -m tests.interface makes this file from the parsers."
    compdef = "#compdef picobox\n" if shell == "zsh" else ""
    return f"{compdef}{comment}\n" + "\n".join(lines).removeprefix("#compdef picobox\n").lstrip("\n") + "\n"


def _tree() -> argparse.ArgumentParser:
    """One parser for all verbs, in argparse's own way; what follows `--` is not its business."""
    found = {verb.words: verb for verb in verbs()}
    root = _filled(argparse.ArgumentParser("picobox"), found["run",].options)
    below = root.add_subparsers()
    for words, verb in found.items():
        if len(words) > 1:
            continue
        (name,) = words
        parser = below.add_parser(name, help=_sentence(verb), description=_sentence(verb))
        if name == "wsl":
            _fill_wsl(parser)
        elif name == "instance":
            _add_actions(parser, verb, {**{action: each[0] for action, each in instance._ACTIONS.items()}})
            run = found["instance", "run"]
            _filled(_actions_of(parser).add_parser("run", help="run", description=_sentence(run)), run.options)
        elif name == "policy":
            _add_actions(parser, verb, dict.fromkeys(policy.ACTIONS, ("NAME|FILE",)))
        else:
            _filled(parser, verb.options)
    return root


def _sentence(verb: Verb) -> str:
    """The first sentence of a verb's description, on one line."""
    text = " ".join(verb.usage.description.partition("\n\n")[0].split())
    return re.split(r"(?<=[.:;]) ", text)[0].rstrip(".:;")


def _filled(parser: argparse.ArgumentParser, options: Iterable[Option]) -> argparse.ArgumentParser:
    for option in options:
        if option.settings.get("nargs") != "...":
            _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    settings = {**option.settings, "default": None}
    if settings.get("action") in ("store_true", "store_false"):
        settings.pop("default")
    action: Any = parser.add_argument(*option.names, **settings)
    metavar = settings.get("metavar", "")
    if _INSTANCE_OPTIONS & set(option.names):
        action.complete = _INSTANCES
    elif metavar == "FAULT,...":
        action.choices = ("all", "list", *(fault.name for fault in FAULTS))
    elif metavar in _BY_METAVAR:
        action.complete = _BY_METAVAR[metavar]


def _actions_of(parser: argparse.ArgumentParser) -> Any:
    return next(each for each in parser._actions if isinstance(each, argparse._SubParsersAction))


def _add_actions(parser: argparse.ArgumentParser, verb: Verb, actions: dict[str, tuple[str, ...]]) -> None:
    """A parser for each action of a verb: its operands, and the options whose help names it, or names none."""
    below = parser.add_subparsers()
    for name, operands in actions.items():
        child = below.add_parser(name, help=name, description=f"{verb.usage.prog} {name}")
        for option in verb.options:
            named, colon, _ = option.settings["help"].partition(": ")
            only = set(named.split(", ")) if colon else set()
            if option.names[0].startswith("-") and (not only & actions.keys() or name in only):
                _add(child, option)
        for number, operand in enumerate(operands):
            action: Any = child.add_argument(f"operand{number}", metavar=operand, nargs="?", help=operand)
            is_new = name == "import" and operand == "NAME"
            complete = None if is_new else _OPERANDS.get(operand, _BY_METAVAR.get(operand))
            if complete is not None:
                action.complete = complete


def _fill_wsl(parser: argparse.ArgumentParser) -> None:
    """wsl.exe's options, of which it reads only those that may stand where they stand."""
    from picobox.cli.options import Option

    flags = {name for verb in wsl_verb._VERBS.values() for flag in verb.flags for name in flag}
    flags |= {name for name, verb in wsl_verb._VERBS.items() if not verb.operands} | set(wsl_command._EXEC)
    for name in sorted(flags - {"--help"}):
        _add(parser, Option(name, action="store_true", help=name.lstrip("-")))
    for name in sorted(name for name, verb in wsl_verb._VERBS.items() if verb.operands):
        _add(parser, Option(name, metavar="FILE" if name == "--import" else "NAME", help=name.lstrip("-")))
    for name, meant in wsl_command._VALUES.items():
        choices = {"choices": tuple(ShellType)} if meant == "shell_type" else {}
        _add(parser, Option(name, metavar="DIR" if meant == "directory" else meant.upper(), help=meant, **choices))


def all_written() -> dict[str, str]:
    """The text of each file of picobox/share/completions."""
    return {f"picobox.{shell}": written(shell) for shell in SHELLS}
