"""Reads command lines with argparse; imported only where a command line holds something to read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from picobox.cli.options import complain_of_usage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import SimpleNamespace

    from picobox.cli.options import Option, Usage


class Parser(argparse.ArgumentParser):
    """Bad usage is picobox's own failure: one line on stderr, status 125."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong and where help is."""
        complain_of_usage(self.prog, message)


def parse(usage: Usage, options: Iterable[Option], width: int, arguments: list[str], into: SimpleNamespace) -> None:
    """Sets what a command line says as attributes of `into`; leaves the process after --help and after bad usage."""
    parser_of(usage, options, width).parse_args(arguments, into)


def parser_of(usage: Usage, options: Iterable[Option], width: int) -> Parser:
    """The parser of a verb, whose help is so many columns wide."""

    def formatter(prog: str) -> argparse.HelpFormatter:
        # argparse would import shutil, and all that it needs, to find the width out itself.
        return argparse.RawDescriptionHelpFormatter(prog, width=width)

    parser = Parser(
        prog=usage.prog,
        description=usage.description,
        epilog=usage.examples,
        formatter_class=formatter,
        allow_abbrev=False,
    )
    for option in options:
        parser.add_argument(*option.names, **option.settings)
    return parser
