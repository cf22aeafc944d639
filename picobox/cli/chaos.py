"""The options of a check that disturb the program: how they are written, and what they ask for."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from picobox.cli.options import Option
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.check.chaos import ChaosSettings
    from picobox.check.chaos_inject import Injection, When

_WHEN = re.compile(r"(\d+)(?:\.\.(\d+))?(?:(\+)(\d+)?)?")
_FORM = "write it as CALL[,CALL...]:error=E[:when=N]"
_FEWEST_HANDLES = 4  # standard streams and the one that loads the program


def chaos_options() -> tuple[Option, ...]:
    """The options."""
    return (
        Option(
            "--inject",
            metavar="CALL:error=E",
            action="append",
            default=[],
            help="let calls fail: a name or %%class, an errno or NTSTATUS name, and after :when= which of a task's "
            "calls, as with strace: N, N+, N+STEP, N..M",
        ),
        Option("--handle-limit", metavar="N", help="let opens of a process that has N descriptors fail"),
        Option(
            "--shuffle-dirs",
            metavar="SEED",
            nargs="?",
            const="0",
            help="list directories on drives in another order; SEED, a number, chooses which",
        ),
        Option(
            "--virus-scanner",
            metavar="MS",
            nargs="?",
            const="50",
            help="let a virus scanner open each file that was written, share nothing, and close it after MS "
            "milliseconds, 50 unless you say otherwise",
        ),
    )


def chaos_settings(options: SimpleNamespace) -> ChaosSettings | None:
    """What the options ask for, None if nothing; PicoboxError for what they cannot mean."""
    if not options.inject and all(
        option is None for option in (options.handle_limit, options.shuffle_dirs, options.virus_scanner)
    ):
        return None
    from picobox.check.chaos import ChaosSettings

    return ChaosSettings(
        tuple(map(_injection, options.inject)),
        _number("handle-limit", options.handle_limit, at_least=_FEWEST_HANDLES),
        _number("shuffle-dirs", options.shuffle_dirs, at_least=0),
        _number("virus-scanner", options.virus_scanner, at_least=1),
    )


def _number(option: str, text: str | None, *, at_least: int) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) < at_least:
        raise PicoboxError(f"--{option} {text}: no number. Write a whole number of at least {at_least}.")
    return int(text)


def _injection(text: str) -> Injection:
    from picobox.check.chaos_inject import Injection, When
    from picobox.cli.selection import UnknownCallError, names_of

    calls, *settings = text.split(":")
    try:
        names = frozenset[str]().union(*map(names_of, calls.split(",")))
    except UnknownCallError as error:
        raise PicoboxError(f"--inject {text}: {error}.") from None
    given = dict(setting.partition("=")[::2] for setting in settings)
    unknown = next((name for name in given if name not in {"error", "when"}), None)
    if unknown is not None or "error" not in given or len(given) < len(settings):
        what = f"{unknown} is none of error and when" if unknown else "it needs one error"
        raise PicoboxError(f"--inject {text}: {what}; {_FORM}.")
    number, status = _error(text, given["error"])
    return Injection(names, number, status, _when(text, given["when"]) if "when" in given else When())


def _error(text: str, name: str) -> tuple[int | None, int | None]:
    """An error number, or a status, by its name."""
    from ntshim import status

    if name.startswith("STATUS_"):
        found = getattr(status, name, None)
        if isinstance(found, int) and found >> 30 == 3:  # severity: an error
            return None, found
        known = [each for each in vars(status) if each.startswith("STATUS_") and getattr(status, each) >> 30 == 3]
    else:
        numbers = {known_name: number for number, known_name in errno.errorcode.items()}
        if name in numbers:
            return numbers[name], None
        known = list(numbers)
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0)
    raise PicoboxError(f"--inject {text}: no error {name}; the nearest is {near[0]}.")


def _when(text: str, expression: str) -> When:
    from picobox.check.chaos_inject import When

    found = _WHEN.fullmatch(expression)
    first, last, plus, step = found.groups() if found is not None else ("0", None, None, None)
    if int(first) < 1 or step == "0" or (last is not None and int(last) < int(first)):
        raise PicoboxError(
            f"--inject {text}: when={expression} is none of N, N+, N+STEP, N..M and N..M+STEP, N from 1."
        )
    until = int(last) if last is not None else None if plus else int(first)
    return When(int(first), until, int(step or 1))
