"""Owns the choice of system calls on a command line: names, %classes, /regexes and their negation, as strace's -e."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.table import BY_NAME, BY_NR, ROWS
from picobox.abi.x86_64 import SYSCALL_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.abi.row import Row

# Another name of a class (strace(1), -e trace).
_ALIASES = {"%net": "%network"}


class UnknownCallError(Exception):
    """A name that is neither a call nor a class; the text names the nearest one."""


class Selection(NamedTuple):
    """Some rows of the table; `others`: calls without a row belong to it too."""

    names: frozenset[str]
    others: bool

    def includes(self, row: Row | None) -> bool:
        """Whether a call belongs to it; None stands for an unknown number."""
        return self.others if row is None else row.name in self.names

    def shows(self, name: str) -> bool:
        """Whether a call belongs to it that has this name in a trace."""
        return name in self.names or (self.others and name not in BY_NAME)

    def of_rows(self, chosen: Callable[[Row], bool]) -> Selection:
        """Those of its calls whose rows are `chosen`."""
        return Selection(frozenset(name for name in self.names if chosen(BY_NAME[name])), others=False)

    def numbers(self) -> frozenset[int]:
        """The numbers of its calls; those that the table does not know are all below SYSCALL_LIMIT without a row."""
        rows = frozenset(BY_NAME[name].nr for name in self.names)
        return rows | (frozenset(range(SYSCALL_LIMIT)) - frozenset(BY_NR) if self.others else frozenset())


EVERYTHING = Selection(frozenset(BY_NAME), others=True)


def parse_selection(expression: str) -> Selection:
    """Reads `[trace=][!]ITEM[,ITEM...]`; see names_of for an item (strace(1), -e)."""
    qualifier, separator, _ = expression.partition("=")
    if separator and qualifier != "trace":
        raise UnknownCallError(f"-e takes calls; {qualifier}= is none of its words, which are trace= alone")
    text = expression.removeprefix("trace=")
    negated = text.startswith("!")
    items = text.removeprefix("!").split(",")
    names = frozenset().union(*map(names_of, items))
    if negated:
        return Selection(EVERYTHING.names - names, others="all" not in items)
    return Selection(names, others="all" in items)


def names_of(item: str) -> frozenset[str]:
    """The calls that one item stands for; UnknownCallError tells the nearest name.

    An item is a call's name, a `%class`, `/` and a regular expression that is found in the names, `all` or `none`; with
    a `?` before it it may stand for nothing (strace(1), -e trace).
    """
    if item.startswith("?"):
        try:
            return names_of(item.removeprefix("?"))
        except UnknownCallError:
            return frozenset()
    if item in ("all", "none"):
        return EVERYTHING.names if item == "all" else frozenset()
    if item in BY_NAME:
        return frozenset((item,))
    if item.startswith("/"):
        return _names_like(item.removeprefix("/"))
    members = frozenset(row.name for row in ROWS if _is_in_class(row, _ALIASES.get(item, item)))
    if not members:
        raise UnknownCallError(_unknown(item))
    return members


def names_with_service(pattern: str) -> frozenset[str]:
    """The calls that correspond to NT services of this name, whatever its case; `*` stands for any characters.

    UnknownCallError names the nearest service.
    """
    import re
    from fnmatch import translate

    like = re.compile(translate(pattern), re.IGNORECASE)
    names = frozenset(row.name for row in ROWS if row.nt is not None and like.match(row.nt))
    if not names:
        from difflib import get_close_matches

        services = {row.nt.lower(): row.nt for row in ROWS if row.nt is not None}
        near = get_close_matches(pattern.lower(), services, n=1, cutoff=0)
        raise UnknownCallError(
            f"no system call corresponds to {pattern}; the nearest is {services[near[0]]}, `picobox syscalls` lists all"
        )
    return names


def _is_in_class(row: Row, item: str) -> bool:
    """%file holds whatever takes a path, with the rows that say that they look at files otherwise."""
    if not item.startswith("%"):
        return False
    return item[1:] in row.tags or (item == "%file" and bool(row.paths()))


def _names_like(expression: str) -> frozenset[str]:
    import re

    try:
        like = re.compile(expression)
    except re.error as error:
        raise UnknownCallError(f"/{expression} is no regular expression: {error}") from None
    names = frozenset(name for name in BY_NAME if like.search(name))
    if not names:
        raise UnknownCallError(f"no system call has a name like /{expression}")
    return names


def _unknown(item: str) -> str:
    from difflib import get_close_matches

    if not item:
        return "an empty name: write names or %classes separated by commas"
    classes = sorted({f"%{tag}" for row in ROWS for tag in row.tags})
    near = get_close_matches(item, classes if item.startswith("%") else [*BY_NAME, *classes], n=1, cutoff=0.5)
    what = "class" if item.startswith("%") else "system call"
    hint = f"the nearest is {near[0]}" if near else f"the classes are {', '.join(classes)}"
    return f"no {what} {item}; {hint}"
