"""Owns the choice of system calls on a command line: names, %classes and their negation, as strace's -e."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.table import BY_NAME, BY_NR, ROWS
from picobox.abi.x86_64 import SYSCALL_LIMIT

if TYPE_CHECKING:
    from picobox.abi.row import Row


class UnknownCallError(Exception):
    """A name that is neither a call nor a class; the text names the nearest one."""


class Selection(NamedTuple):
    """Some rows of the table; `others`: calls without a row belong to it too."""

    names: frozenset[str]
    others: bool

    def includes(self, row: Row | None) -> bool:
        """Whether a call belongs to it; None stands for an unknown number."""
        return self.others if row is None else row.name in self.names

    def numbers(self) -> frozenset[int]:
        """The numbers of its calls; those that the table does not know are all below SYSCALL_LIMIT without a row."""
        rows = frozenset(BY_NAME[name].nr for name in self.names)
        return rows | (frozenset(range(SYSCALL_LIMIT)) - frozenset(BY_NR) if self.others else frozenset())


EVERYTHING = Selection(frozenset(BY_NAME), others=True)


def parse_selection(expression: str) -> Selection:
    """Reads `[trace=][!]ITEM[,ITEM...]`, an item being a call's name, a `%class`, `all` or `none` (strace(1), -e)."""
    text = expression.removeprefix("trace=")
    negated = text.startswith("!")
    items = text.removeprefix("!").split(",")
    names = frozenset().union(*map(names_of, items))
    if negated:
        return Selection(EVERYTHING.names - names, others="all" not in items)
    return Selection(names, others="all" in items)


def names_of(item: str) -> frozenset[str]:
    """The calls that one item stands for; UnknownCallError tells the nearest name."""
    if item in ("all", "none"):
        return EVERYTHING.names if item == "all" else frozenset()
    if item in BY_NAME:
        return frozenset((item,))
    members = frozenset(row.name for row in ROWS if item.startswith("%") and item[1:] in row.tags)
    if not members:
        raise UnknownCallError(_unknown(item))
    return members


def _unknown(item: str) -> str:
    from difflib import get_close_matches

    if not item:
        return "an empty name: write names or %classes separated by commas"
    classes = sorted({f"%{tag}" for row in ROWS for tag in row.tags})
    near = get_close_matches(item, classes if item.startswith("%") else [*BY_NAME, *classes], n=1, cutoff=0.5)
    what = "class" if item.startswith("%") else "system call"
    hint = f"the nearest is {near[0]}" if near else f"the classes are {', '.join(classes)}"
    return f"no {what} {item}; {hint}"
