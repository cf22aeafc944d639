"""What stands in for libraries while a run's modules are loaded does what they do."""

from __future__ import annotations

import pickle
import re
import signal
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

from picobox.start import re as stand_in_re
from picobox.start import signal as stand_in_signal
from picobox.start import typing as stand_in_typing

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted([*(REPOSITORY / "picobox").rglob("*.py"), *(REPOSITORY / "ntshim").rglob("*.py")])
# Loaded in the processes of those who use the library, which have the library's typing.
OF_USERS = {
    REPOSITORY / f"picobox/api/{name}.py"
    for name in ("changes", "completed", "popen", "preparation", "sandbox", "settings")
}
RECORDS = """
class Empty(NamedTuple):
    pass


class Place(NamedTuple):
    '''A place.'''

    line: int
    column: int = 1
    text: str = ""

    @property
    def shown(self) -> str:
        return f"{self.line}:{self.column}"

    @classmethod
    def start(cls) -> Place:
        return cls(1)

    def __str__(self) -> str:
        return f"at {self.shown}"


class Narrow(Place):
    __slots__ = ()

    def __repr__(self) -> str:
        return "narrow " + super().__repr__()
"""


def records(named_tuple: object) -> dict[str, Any]:
    """The classes of RECORDS upon one NamedTuple."""
    names: dict[str, Any] = {"NamedTuple": named_tuple, "__name__": "records"}
    exec(f"from __future__ import annotations\n{RECORDS}", names)
    return names


LIBRARY, STAND_IN = records(typing.NamedTuple), records(stand_in_typing.NamedTuple)


def outcome(expression: str, names: dict[str, Any]) -> Any:
    """What comes of it: a value and its text, or an error and its text."""
    try:
        value = eval(expression, dict(names))
    except (TypeError, ValueError, AttributeError) as error:
        return type(error), str(error)
    return value, repr(value), str(value), type(value).__name__


@pytest.mark.parametrize("before", [0, 50], ids=["first", "many"])
@pytest.mark.parametrize(
    "expression",
    [
        "Empty()",
        "Empty(1)",
        "Place(1)",
        "Place(1, 2, 'x')",
        "Place(1, text='x')",
        "Place(text='x', line=7)",
        "Place()",
        "Place(1, 2, 3, 4)",
        "Place(1, line=2)",
        "Place(1, row=2)",
        "Place.start()",
        "Place(1).shown",
        "Place._make([1, 2, 3])",
        "Place._make([1, 2])",
        "Place(1)._replace(column=5)",
        "Place(1)._replace(row=5)",
        "Place(1)._asdict()",
        "Place(1).__getnewargs__()",
        "Place._fields",
        "Place._field_defaults",
        "Place.__match_args__",
        "Place.__slots__",
        "Place.__doc__",
        "Place.__mro__[-2:]",
        "Place(1) == (1, 1, '')",
        "hash(Place(1))",
        "Place(2) > Place(1)",
        "Place(1).line",
        "setattr(Place(1), 'line', 2)",
        "setattr(Place(1), 'other', 2)",
        "Narrow(3)",
        "Narrow(3)._replace(text='y')",
        "Narrow()",
        "isinstance(Narrow(3), Place)",
    ],
)
def test_named_tuples_are_those_of_the_library(expression: str, before: int) -> None:
    library, stand_in = records(typing.NamedTuple), records(stand_in_typing.NamedTuple)
    for names in (library, stand_in):
        for number in range(before):
            names["Empty"](), names["Place"](number), names["Narrow"](number, text="z")
    assert outcome(expression, stand_in) == outcome(expression, library)


def test_a_named_tuple_can_be_matched_and_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    place = STAND_IN["Place"](4, 5)
    match place:
        case STAND_IN_PLACE(line, column, text):
            assert (line, column, text) == (4, 5, "")
    monkeypatch.setitem(sys.modules, "records", type("records", (), {"Place": STAND_IN["Place"]}))
    assert pickle.loads(pickle.dumps(place)) == place


STAND_IN_PLACE = STAND_IN["Place"]


def test_a_function_of_its_own_makes_the_named_tuples_of_a_class_that_has_many() -> None:
    kind = records(stand_in_typing.NamedTuple)["Place"]
    first = kind.__new__
    for number in range(100):
        kind(number)
    assert kind.__new__ is not first
    assert kind.__new__.__code__.co_varnames == ("_cls", "line", "column", "text")
    assert kind.__new__.__defaults__ == (1, "")


def test_what_typing_has_besides_is_typings_own() -> None:
    assert stand_in_typing.get_type_hints is typing.get_type_hints
    with pytest.raises(AttributeError):
        stand_in_typing.__path__  # noqa: B018
    assert stand_in_typing.cast("int", "x") == "x"
    assert stand_in_typing.NewType("Tid", int)(5) == 5
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        stand_in_typing.nothing_of_this_name  # noqa: B018


def imported(path: Path) -> set[str]:
    """The names that a file takes from typing when it is loaded."""
    found = re.search(r"^from typing import (\([^)]*\)|.*)$", path.read_text(), re.MULTILINE)
    return set() if found is None else {name.strip() for name in found[1].strip("()").split(",")} - {""}


def test_what_our_modules_take_from_typing_needs_no_typing() -> None:
    ours = [path for path in SOURCES if path.parent.name != "start" and path not in OF_USERS]
    wanted = set().union(*map(imported, ours))
    assert {"NamedTuple", "Protocol", "TYPE_CHECKING"} <= wanted
    assert wanted <= vars(stand_in_typing).keys()


@pytest.mark.parametrize(
    ("pattern", "flags", "subject"),
    [
        ("a+(b)?", 0, "xaab"),
        (rb"/+proc(?:/|\Z)", 0, b"//proc/1"),
        ("(?m)^x$", 0, "y\nx"),
        ("^X$", re.IGNORECASE | re.MULTILINE, "y\nx"),
        ("a b # c", re.VERBOSE, "ab"),
        (r"\w.", re.ASCII | re.DOTALL, "é\na\n"),
        ("none", 0, "x"),
    ],
)
def test_patterns_are_those_of_the_library(pattern: Any, flags: int, subject: Any) -> None:
    lazy, real = stand_in_re.compile(pattern, int(flags)), re.compile(pattern, flags)
    for method in ("search", "match", "fullmatch"):
        found, expected = getattr(lazy, method)(subject), getattr(real, method)(subject)
        assert (found is None) == (expected is None)
        assert found is None or (found.span(), found.groups()) == (expected.span(), expected.groups())
    assert lazy.findall(subject) == real.findall(subject)
    assert lazy.pattern == pattern
    assert lazy.groups == real.groups


@pytest.mark.parametrize("name", ["IGNORECASE", "MULTILINE", "DOTALL", "VERBOSE", "ASCII"])
def test_flags_have_the_numbers_of_the_library(name: str) -> None:
    assert getattr(stand_in_re, name) == getattr(re, name)


def test_what_re_has_besides_is_res_own() -> None:
    assert stand_in_re.escape is re.escape
    assert stand_in_re.error is re.error


def test_a_bad_pattern_is_refused_when_it_is_used() -> None:
    lazy = stand_in_re.compile("(")
    with pytest.raises(re.error, match="missing"):
        lazy.match("x")


def test_signals_have_the_numbers_of_the_library() -> None:
    numbers = {name: value for name, value in vars(signal).items() if isinstance(value, int) and name[0] != "_"}
    assert {"SIGKILL", "SIG_DFL", "SIG_BLOCK", "ITIMER_REAL", "NSIG"} <= numbers.keys()
    assert {name: getattr(stand_in_signal, name) for name in numbers} == numbers
    assert type(stand_in_signal.SIGKILL) is int


def test_what_signal_does_is_what_the_library_does() -> None:
    for name in ("setitimer", "sigtimedwait", "struct_siginfo", "Signals", "strsignal"):
        assert getattr(stand_in_signal, name) is getattr(signal, name)
    with pytest.raises(AttributeError):
        stand_in_signal.__path__  # noqa: B018


def test_whether_a_signal_is_left_alone_is_told_as_the_library_does() -> None:
    before = signal.getsignal(signal.SIGUSR2)
    assert before is signal.SIG_DFL
    assert stand_in_signal.getsignal(signal.SIGUSR2) is stand_in_signal.SIG_DFL
    try:
        stand_in_signal.signal(signal.SIGUSR2, stand_in_signal.SIG_IGN)
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR2, before)
