"""The options of the verbs, as data: their defaults, their environment variables, and how a bad one is told."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROFILES = ("linux", "nt", "wsl1", "windows10", "windows11")
PLATFORMS = ("trace", "reference")
COLORS = ("auto", "always", "never")
# From so many calls on a site enters the gate; see docs/decisions.md, "A gate is made where calls come often".
GATE_PATIENCE = 64
CASE_MODES = ("insensitive", "per-directory", "sensitive", "off", "dir", "force")


class Option:
    """An option or a positional argument: `names` and `settings` are those of argparse's add_argument."""

    __slots__ = ("names", "settings")

    def __init__(self, *names: str, **settings: Any) -> None:
        self.names = names
        self.settings = settings

    def attribute(self) -> str:
        """The attribute that holds its value: its long name, which is the last one."""
        return self.names[-1].lstrip("-").replace("-", "_")

    def default(self) -> Any:
        """Its value where the command line does not name it."""
        return self.settings.get("default", False if self.settings.get("action") == "store_true" else None)


class Usage:
    """How a verb is used: what its help says, and how its command line is read."""

    __slots__ = ("description", "examples", "prog")

    def __init__(self, verb: str, description: str, examples: str) -> None:
        self.prog = "picobox" if verb == "run" else f"picobox {verb}"
        self.description = description
        self.examples = examples

    def read(self, options: Iterable[Option], arguments: list[str]) -> SimpleNamespace:
        """The values of a verb's options; leaves the process after --help and after bad usage.

        Most command lines are plain, and read without a parser, whose import takes longer than starting a program.
        """
        options = tuple(options)
        values = SimpleNamespace(**{option.attribute(): option.default() for option in options})
        plain = read_plain(options, arguments)
        if plain is not None:
            vars(values).update(plain)
        else:
            from picobox.cli.parser import parse

            parse(self, options, _help_width(), arguments, values)
        self._check_presets(values)
        if "list" in getattr(values, "faithful", ()):
            from picobox.faults import listed

            sys.stdout.write(listed())
            sys.exit(0)
        return values

    def error(self, message: str) -> NoReturn:
        """Leaves the process: the command line is wrong."""
        complain_of_usage(self.prog, message)

    def command(self, values: SimpleNamespace) -> list[bytes]:
        """The command line to run, byte for byte."""
        words = values.command
        if words and words[0] == "--":
            words = words[1:]
        if not words:
            self.error("no command: write it after --")
        return [os.fsencode(word) for word in words]

    def _check_presets(self, values: SimpleNamespace) -> None:
        """Refuse what argparse does not check: defaults, which come from the environment."""
        for name, known in (("profile", PROFILES), ("platform", PLATFORMS), ("color", COLORS)):
            value = getattr(values, name, known[0])
            if value is not None and value not in known:
                self.error(f"PICOBOX_{name.upper()}={value}: choose from {', '.join(known)}")


def read_plain(options: Iterable[Option], arguments: list[str]) -> dict[str, Any] | None:
    """What a plain command line says: options by their whole names, each with its value, and then a command.

    None for whatever else it holds, and for a mistake: then the parser reads it, and tells.
    """
    by_name = {name: option for option in options for name in option.names}
    found: dict[str, Any] = {}
    words = iter(arguments)
    for word in words:
        if word == "--" or not word.startswith("-"):
            takes_command = "command" in by_name and by_name["command"].settings["nargs"] == "..."
            return {**found, "command": [word, *words]} if takes_command else None
        name, is_joined, value = word.partition("=")
        option = by_name.get(name)
        if option is None or (is_joined and not name.startswith("--")):
            return None
        if not _take(option, value if is_joined else None, words, found):
            return None
    return None


def _take(option: Option, value: str | None, words: Iterator[str], found: dict[str, Any]) -> bool:
    """Puts down what an option says whose value is given or the next word; whether that is plain."""
    settings, attribute = option.settings, option.attribute()
    action = settings.get("action")
    if action == "store_true":
        found[attribute] = True
        return value is None
    if action not in (None, "append") or "nargs" in settings:
        return False
    if value is None:
        value = next(words, "-")
        if value.startswith("-"):
            return False
    try:
        taken = settings.get("type", str)(value)
    except Exception:  # noqa: BLE001  (whatever it is, the parser tells)
        return False
    if taken not in settings.get("choices", (taken,)):
        return False
    found[attribute] = [*found.get(attribute, settings.get("default") or ()), taken] if action else taken
    return True


def run_options() -> tuple[Option, ...]:
    """The options of every verb that runs a program."""
    return (
        Option("--profile", choices=PROFILES, default=_preset("PROFILE", "nt"), help="the rules the program meets"),
        Option("--platform", choices=PLATFORMS, default=_preset("PLATFORM", "trace"), help="how calls are intercepted"),
        Option(
            "--no-gate",
            action="store_true",
            default=_preset("NO_GATE", "") == "1",
            help="leave the code of programs as it is: no call is made without going through picobox. "
            "It changes nothing but speed",
        ),
        Option(
            "--no-fast",
            action="store_true",
            default=_preset("NO_FAST", "") == "1",
            help="nor use the kernel's notify channel: every call is a stop, as on a kernel before 6.6. "
            "It changes nothing but speed",
        ),
        Option(
            "--gate",
            metavar="CALLS",
            type=int,
            default=int(_preset("GATE", str(GATE_PATIENCE))),
            help="==SUPPRESS==",  # argparse.SUPPRESS: for tests
        ),
        Option(
            "--enter-gate",
            action="store_true",
            default=_preset("ENTER_GATE", "") == "1",
            help="==SUPPRESS==",
        ),
        Option(
            "--drive",
            metavar="LETTER=DIR",
            action="append",
            default=[],
            help="DIR is that drive; C: is the working directory unless you say otherwise",
        ),
        Option(
            "--share",
            metavar="[PROGRAM=]MODE",
            action="append",
            default=[],
            help="with profile windows10 or windows11: what opens share, letters of RWD or 0 for nothing, "
            "instead of what the program's runtime asks for on Windows",
        ),
        Option(
            "--windows-prefix",
            metavar="PATH",
            help=r"with profile windows10 or windows11: where the working directory would be, for the length of paths; "
            r"D:\a\NAME\NAME unless you say otherwise, NAME being its name",
        ),
        Option(
            "--case",
            choices=CASE_MODES,
            default=CASE_MODES[0],
            help="where names are exact: nowhere; in directories with the flag, "
            "and off the drives; everywhere but in a drive's root. off, dir and force are WSL's words for the same",
        ),
        Option(
            "--faithful",
            metavar="FAULT,...",
            action="append",
            default=[],
            help="with profile wsl1: bring faults of WSL1 back; `all` for all, `list` to see them",
        ),
        Option("-w", "--workdir", metavar="DIR", help="run the program in DIR"),
        Option("-E", "--env", metavar="K=V", action="append", default=[], help="set a variable for the program"),
        Option(
            "--timeout",
            metavar="SECONDS",
            type=_seconds,
            default=_preset_timeout(),
            help="kill the program, status 124",
        ),
        Option("--wait-all", action="store_true", help="wait for what the program leaves behind instead of killing it"),
        # argparse.REMAINDER
        Option("command", nargs="...", metavar="-- CMD...", help="the program and its arguments"),
    )


def output_options() -> tuple[Option, ...]:
    """How much picobox says itself, always on stderr, and whether in colour."""
    quiet, verbose = _preset("QUIET", "") == "1", _preset("VERBOSE", "") == "1"
    return (
        Option("-q", "--quiet", action="store_true", default=quiet, help="say nothing but errors"),
        Option(
            "-v",
            "--verbose",
            action="store_true",
            default=verbose,
            help="end with a summary, in which waits for children and ends do not count",
        ),
        color_option(),
    )


def color_option() -> Option:
    """Whether picobox's own output is in colour."""
    return Option(
        "--color", choices=COLORS, default=_preset("COLOR", "auto"), help="colour of what picobox prints itself"
    )


def wants_color(choice: str, stream: TextIO) -> bool:
    """Whether to colour what goes to a stream: --color, then NO_COLOR, then whether a person reads it."""
    if choice != "auto":
        return choice == "always"
    return not os.environ.get("NO_COLOR") and stream.isatty()


def complain_of_usage(prog: str, message: str) -> NoReturn:
    """Tells in one line on standard error what is wrong and where help is; leaves with picobox's own status."""
    sys.stderr.write(f"picobox: {message}. `{prog} --help` tells more.\n")
    sys.exit(125)


def _help_width() -> int:
    """The columns for a help text: those of the terminal, without its edge."""
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() else 0
    if not width:
        try:
            width = os.get_terminal_size().columns
        except OSError:
            width = 80
    return max(width - 2, 40)


def preset(name: str) -> str | None:
    """What the environment says of an option."""
    return os.environ.get(f"PICOBOX_{name}") or None


def _preset(name: str, default: str) -> str:
    return preset(name) or default


def _preset_timeout() -> float | None:
    value = os.environ.get("PICOBOX_TIMEOUT")
    if not value:
        return None
    try:
        return _positive(value)
    except ValueError as error:
        sys.stderr.write(f"picobox: PICOBOX_TIMEOUT: {error}.\n")
        sys.exit(125)


def _seconds(text: str) -> float:
    try:
        return _positive(text)
    except ValueError as error:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(str(error)) from None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise ValueError(f"{text!r} is no number of seconds above 0")
    return value
