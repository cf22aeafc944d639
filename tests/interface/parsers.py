"""Finds the parser of every verb, as its --help has it."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from picobox import cli
from picobox.cli import parser as parsing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.cli.options import Option, Usage

# Wide enough that no line of a help text is folded.
WIDTH = 1000


class Verb(NamedTuple):
    """How a verb is used, and a new parser of its command line."""

    words: tuple[str, ...]
    usage: Usage
    options: tuple[Option, ...]

    def parser(self) -> parsing.Parser:
        return parsing.parser_of(self.usage, self.options, WIDTH)


class _ReadError(Exception):
    """A verb has come to read its command line, and goes no further."""


def verbs() -> Iterator[Verb]:
    """Every verb, and `instance run`, whose command line is one of its own."""
    with tempfile.TemporaryDirectory() as state:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "XDG_"))}
        with mock.patch.dict(os.environ, {**kept, "XDG_STATE_HOME": state}, clear=True):
            for words in (*((verb,) for verb in cli.VERBS), ("instance", "run")):
                yield _verb(words)


def _verb(words: tuple[str, ...]) -> Verb:
    found: list[Verb] = []

    def parse(usage: Usage, options: Iterable[Option], *_: Any) -> None:
        found.append(Verb(words, usage, tuple(options)))
        raise _ReadError

    with mock.patch.object(parsing, "parse", parse):
        try:
            cli.main([*words, "--help"])
        except _ReadError:
            return found[0]
    raise AssertionError(f"picobox {' '.join(words)} --help reads no command line")
