"""Name expressions: `*`, `?`, and the three characters in which Win32 hands NT the meaning that DOS gave them."""

from __future__ import annotations

from ntshim.upcase import upcase

ANSI_DOS_STAR = "<"
ANSI_DOS_QM = ">"
ANSI_DOS_DOT = '"'
WILDCARDS = "*?" + ANSI_DOS_STAR + ANSI_DOS_QM + ANSI_DOS_DOT

_DOT = ord(".")


def FsRtlIsNameInExpression(expression: str, name: str, ignore_case: bool) -> bool:
    """Whether a name matches an expression, unit by unit.

    `*` is any run of units, `?` one; `<` a run that does not go over the name's last dot; `>` one unit that is no
    dot, or nothing before a dot and at the end; `"` a dot, or nothing at the end. Source: [MS-FSA] section 2.1.4.4.
    """
    if ignore_case:
        expression, name = upcase(expression), upcase(name)
    return Expression(expression).matches(name)


class Expression:
    """An expression that is compared with many names, as they are. The time grows with the two lengths only.

    Bit i of a set of states says that the first i elements may have taken what was read of the name.
    """

    __slots__ = ("_dos_dot", "_dos_qm", "_dos_star", "_end", "_literal", "_one", "_star")

    def __init__(self, expression: str) -> None:
        """Read an expression."""
        self._literal: dict[int, int] = {}
        kinds = dict.fromkeys(WILDCARDS, 0)
        elements = _units(expression)
        for at, unit in enumerate(elements):
            if chr(unit) in kinds:
                kinds[chr(unit)] |= 1 << at
            else:
                self._literal[unit] = self._literal.get(unit, 0) | 1 << at
        self._star, self._one, self._dos_star, self._dos_qm, self._dos_dot = kinds.values()
        self._end = 1 << len(elements)

    def matches(self, name: str) -> bool:
        """Whether a name is in the expression."""
        units = _units(name)
        last_dot = max((at for at, unit in enumerate(units) if unit == _DOT), default=-1)
        runs = self._star | self._dos_star
        states = 1
        for at, unit in enumerate(units):
            is_dot = unit == _DOT
            states = _skip(states, runs | (self._dos_qm if is_dot else 0))
            taken = self._literal.get(unit, 0) | self._one | (self._dos_dot if is_dot else self._dos_qm)
            stays = self._star if at == last_dot else runs
            states = (states & stays) | ((states & taken) << 1)
            if not states:
                return False
        return bool(_skip(states, runs | self._dos_qm | self._dos_dot) & self._end)


def _skip(states: int, elements: int) -> int:
    """Add the states behind elements that may take nothing."""
    while True:
        more = states | (states & elements) << 1
        if more == states:
            return states
        states = more


def _units(text: str) -> list[int]:
    """Take a text apart into units of UTF-16."""
    if text.isascii():
        return list(text.encode())
    wide = text.encode("utf-16-le", "surrogatepass")
    return [wide[at] | wide[at + 1] << 8 for at in range(0, len(wide), 2)]
