"""What the interpreter of a kind of rows, a module `oracle_KIND`, has to have."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

Row: TypeAlias = dict[str, Any]


class Unverified(Exception):
    """Raised by `check` for a row that claims nothing which the services could be asked; says why."""


class Kind(Protocol):
    """What a module `tests.nt.oracle_KIND` has. `rows` is optional: without it they are the document's "rows"."""

    def rows(self, document: Any) -> list[Row]:
        """Give the rows of a file, in their order; a row that needs what stands before it gets it put in here."""

    def check(self, row: Row) -> list[str]:
        """Do what a row says through the public services; give each mismatch as "what: expected X, got Y".

        No expected value may be looked at before the services have answered. What a row has under
        `expected_overrides` is what Windows does, and stands in place of what was recorded.
        """
