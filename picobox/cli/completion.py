"""The verb completion: prints what makes a shell complete picobox's command line."""

from __future__ import annotations

import sys
from importlib.resources import files

from picobox.cli.options import Option, Usage
from picobox.cli.writing import write

SHELLS = ("bash", "zsh", "fish")

_DESCRIPTION = """Print what makes a shell complete verbs, options, names of instances, profiles and policies.
An installed picobox has it under share/ already, where a shell looks that shares its prefix."""

_EXAMPLES = """examples:
  picobox completion bash >~/.local/share/bash-completion/completions/picobox
  eval "$(picobox completion bash)"                          for this shell alone
  picobox completion zsh >~/.zfunc/_picobox                  with ~/.zfunc in fpath, before compinit
  picobox completion fish >~/.config/fish/completions/picobox.fish

exit status: 0; 125 for another shell"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("completion", _DESCRIPTION, _EXAMPLES)
    shell = Option("shell", choices=SHELLS, help="the shell that is to complete")
    options = usage.read((shell,), arguments)
    write(sys.stdout, files("picobox").joinpath("share", "completions", f"picobox.{options.shell}").read_text("utf-8"))
    return 0
