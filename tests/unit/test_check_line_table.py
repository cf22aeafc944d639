"""Lines of Python's instructions, against what code objects themselves say, and from bytes that are no table."""

from __future__ import annotations

import types
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picobox.check.line_table import UNIT, line_at

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARY = Path(types.__file__).parent
MODULES = ("argparse.py", "ast.py", "dataclasses.py", "asyncio/base_events.py", "tarfile.py", "typing.py")


def code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


@pytest.mark.parametrize("name", MODULES)
def test_every_instruction_has_the_line_that_its_code_object_says(name: str) -> None:
    compared = 0
    for code in code_objects(compile((LIBRARY / name).read_text(), name, "exec")):
        lines = [line for line, _, _, _ in code.co_positions()]
        # Each of a small one, some of a large one: a table is read from its start for every answer.
        for index in range(0, len(lines), 1 + len(lines) // 50):
            found = line_at(code.co_linetable, code.co_firstlineno, UNIT * index)
            assert found == (lines[index] or None), (code, index)
            compared += 1
        assert line_at(code.co_linetable, code.co_firstlineno, UNIT * len(lines)) is None
        assert line_at(code.co_linetable, code.co_firstlineno, -UNIT) is None
    assert compared > 500


@given(st.binary(max_size=80), st.integers(-(2**31), 2**31), st.integers(-10, 2000))
def test_any_bytes_are_a_table(table: bytes, first: int, offset: int) -> None:
    line = line_at(table, first, offset)
    assert line is None or line > 0


def test_a_number_without_an_end_costs_no_more_than_its_bytes() -> None:
    assert line_at(b"\xf0" + b"\x7e" * 2_000_000, 1, 0) is not None
