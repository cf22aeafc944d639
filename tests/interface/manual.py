"""Makes the pages of the manual that picobox/share/man holds, in the macros of man(7), from the verbs' own parsers."""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import TYPE_CHECKING

from interface.parsers import Verb, verbs
from picobox import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of the pages' form; what they say is dated by the version.
DATE = "2026-11-28"
_SEEN_ALSO = ("run", "check", "trace", "doctor", "policy", "instance")


def all_pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    found = list(verbs())
    pages = {_page_of(verb): _page(verb) for verb in found}
    pages["picobox.1"] = pages["picobox.1"].replace(".SH OPTIONS\n", f"{_list_of(found)}.SH OPTIONS\n", 1)
    return pages


def _page_of(verb: Verb) -> str:
    return "picobox.1" if verb.words == ("run",) else f"picobox-{'-'.join(verb.words)}.1"


def _page(verb: Verb) -> str:
    parser = verb.parser()
    name = _page_of(verb).removesuffix(".1")
    summary, *paragraphs = _paragraphs(verb.usage.description)
    examples, status, notes = _epilog(verb.usage.examples)
    parts = [
        f'.TH {name.upper()} 1 {DATE} "picobox {__version__}" "User Commands"',
        ".SH NAME",
        f"{_plain(name)} \\- {_plain(_first_words(summary))}",
        ".SH SYNOPSIS",
        ".nf",
        *_synopsis(verb, parser),
        ".fi",
        ".SH DESCRIPTION",
        _filled(summary),
    ]
    for paragraph in paragraphs:
        parts += [".PP", *_as_it_is(paragraph)]
    parts += [".SH OPTIONS", *_options(parser)]
    if status:
        parts += [".SH EXIT STATUS", _filled(status)]
    if examples:
        parts += [".SH EXAMPLES", *_as_it_is(examples)]
    if notes:
        parts += [".SH NOTES", *_as_it_is(notes)]
    others = [f"picobox-{word}" if word != "run" else "picobox" for word in _SEEN_ALSO]
    also = [f".BR {_plain(other)} (1)" for other in others if other != name]
    parts += [".SH SEE ALSO", " ,\n".join(also)]
    return "\n".join(part for part in parts if part) + "\n"


def _list_of(found: list[Verb]) -> str:
    """The verbs, each with what it does and the page that tells more."""
    lines = [".SH VERBS\n"]
    for verb in found:
        if verb.words != ("run",):
            page = _plain(_page_of(verb).removesuffix(".1"))
            words = _plain(" ".join(verb.words))
            lines.append(f".TP\n.B {words}\n{_plain(_first_words(verb.usage.description))}; see\n.BR {page} (1).\n")
    return "".join(lines)


def _synopsis(verb: Verb, parser: argparse.ArgumentParser) -> Iterator[str]:
    if verb.words == ("wsl",):
        yield "\\fBpicobox wsl\\fR [options] [command]"
        return
    parts = [f"\\fB{_plain(verb.usage.prog)}\\fR"]
    actions = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    parts += ["[options]"]
    for action in actions:
        if not action.option_strings:
            name = _plain(str(action.metavar or "|".join(map(str, action.choices or ())) or action.dest))
            parts.append(f"[{name}]" if action.nargs in ("?", "*") else name)
    yield " ".join(parts)
    if verb.words == ("run",):
        yield "\\fBpicobox\\fR verb [options] [arguments]"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every option and operand with its help, as --help expands it."""
    formatter = parser._get_formatter()
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        yield ".TP"
        name = str(action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""))
        if action.option_strings:
            value = f" \\fI{_plain(name or action.dest.upper())}\\fR" if action.nargs != 0 else ""
            yield ", ".join(f"\\fB{_plain(option)}\\fR{value}" for option in action.option_strings)
        else:
            yield f"\\fI{_plain(name or action.dest)}\\fR"
        yield _filled(formatter._expand_help(action) if action.help else "")


def _epilog(text: str) -> tuple[str, str, str]:
    """The examples as they stand, what is said of the exit status, and whatever else."""
    parts = dict.fromkeys(("examples", "exit status", "notes"), "")
    for paragraph in _paragraphs(text):
        head, _, rest = paragraph.partition(":")
        if head in parts:
            parts[head] += rest.lstrip("\n")
        else:
            parts["notes"] += f"{paragraph}\n\n"
    return parts["examples"], parts["exit status"].strip(), parts["notes"].strip()


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in re.split(r"\n\s*\n", text.strip("\n")) if paragraph.strip()]


def _first_words(text: str) -> str:
    """The first sentence on one line, without its end and its capital."""
    sentence = re.split(r"(?<=[.:;]) ", " ".join(text.split()))[0].rstrip(".:;")
    return sentence[:1].lower() + sentence[1:]


def _as_it_is(text: str) -> list[str]:
    return [".nf", *(_plain(line) or ".sp" for line in text.rstrip().splitlines()), ".fi"]


def _filled(text: str) -> str:
    """Prose, each sentence on a line of its own, as roff wants it."""
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", " ".join(text.split()))
    return "\n".join(
        _plain(line)
        for sentence in sentences
        for line in textwrap.wrap(sentence, 72, break_on_hyphens=False, break_long_words=False)
    )


def _plain(text: str) -> str:
    """Text in which nothing is a request or an escape."""
    text = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    )
    text = text.replace("~", "\\(ti")
    return f"\\&{text}" if text.startswith((".", "'")) else text
