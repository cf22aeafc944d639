"""Options that several verbs share, their environment variables, and how a bad one is told."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn, TextIO

PROFILES = ("linux",)
PLATFORMS = ("trace", "reference")
COLORS = ("auto", "always", "never")


class Parser(argparse.ArgumentParser):
    """Bad usage is picobox's own failure: one line on stderr, status 125."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong and where help is."""
        self.exit(125, f"picobox: {message}. `{self.prog} --help` tells more.\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal; argparse would import shutil, and all it needs, to find that out at every start."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        width = int(columns) if columns.isdecimal() else 0
        if not width:
            try:
                width = os.get_terminal_size().columns
            except OSError:
                width = 80
        super().__init__(prog, width=max(width - 2, 40))


def make_parser(verb: str, description: str, examples: str) -> Parser:
    """A parser for a verb whose help ends with examples."""
    return Parser(
        prog="picobox" if verb == "run" else f"picobox {verb}",
        description=description,
        epilog=examples,
        formatter_class=_Help,
        allow_abbrev=False,
    )


def add_run_options(parser: Parser) -> None:
    """The options of every verb that runs a program."""
    add = parser.add_argument
    add("--profile", choices=PROFILES, default=_preset("PROFILE", "linux"), help="the rules the program meets")
    add("--platform", choices=PLATFORMS, default=_preset("PLATFORM", "trace"), help="how calls are intercepted")
    add("-w", "--workdir", metavar="DIR", help="run the program in DIR")
    add("-E", "--env", metavar="K=V", action="append", default=[], help="set a variable for the program")
    add("--timeout", metavar="SECONDS", type=_seconds, default=_preset_timeout(), help="kill the program, status 124")
    add("--wait-all", action="store_true", help="wait for what the program leaves behind instead of killing it")
    add("command", nargs=argparse.REMAINDER, metavar="-- CMD...", help="the program and its arguments")


def add_output_options(parser: Parser) -> None:
    """How much picobox says itself, always on stderr, and whether in colour."""
    add = parser.add_argument
    add("-q", "--quiet", action="store_true", default=_preset("QUIET", "") == "1", help="say nothing but errors")
    add("-v", "--verbose", action="store_true", default=_preset("VERBOSE", "") == "1", help="end with a summary")
    add_color_option(parser)


def add_color_option(parser: Parser) -> None:
    """Whether picobox's own output is in colour."""
    default = _preset("COLOR", "auto")
    parser.add_argument("--color", choices=COLORS, default=default, help="colour of what picobox prints itself")


def check_presets(parser: Parser, options: argparse.Namespace) -> None:
    """Refuse what argparse does not check: defaults, which come from the environment."""
    for name, known in (("profile", PROFILES), ("platform", PLATFORMS), ("color", COLORS)):
        value = getattr(options, name, known[0])
        if value not in known:
            parser.error(f"PICOBOX_{name.upper()}={value}: choose from {', '.join(known)}")


def command_of(parser: Parser, options: argparse.Namespace) -> list[bytes]:
    """The command line to run, byte for byte."""
    words = options.command
    if words and words[0] == "--":
        words = words[1:]
    if not words:
        parser.error("no command: write it after --")
    return [os.fsencode(word) for word in words]


def wants_color(choice: str, stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: --color, then NO_COLOR, then whether a person reads it."""
    if choice != "auto":
        return choice == "always"
    return not os.environ.get("NO_COLOR") and stream.isatty()


def _preset(name: str, default: str) -> str:
    return os.environ.get(f"PICOBOX_{name}") or default


def _preset_timeout() -> float | None:
    value = os.environ.get("PICOBOX_TIMEOUT")
    if not value:
        return None
    try:
        return _seconds(value)
    except argparse.ArgumentTypeError as error:
        sys.stderr.write(f"picobox: PICOBOX_TIMEOUT: {error}.\n")
        sys.exit(125)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value
