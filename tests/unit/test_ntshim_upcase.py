"""The upcase table: its bytes, its checked-in forms, and what it leaves alone."""

from __future__ import annotations

import hashlib
import struct

import make_upcase
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntshim.upcase import upcase, upcase_table

# facts/nt.md section 4.1: the table of ntfs-3g's mkntfs.
SHA256 = "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742"


def test_table_is_that_of_ntfs() -> None:
    assert len(upcase_table()) == 131072
    assert hashlib.sha256(upcase_table()).hexdigest() == SHA256


def test_this_interpreter_s_unicode_gives_the_checked_in_forms() -> None:
    folds = make_upcase.entries()
    assert len(folds) == 973
    table = make_upcase.ranges(folds)
    assert make_upcase.PYTHON_TABLE.read_text() == make_upcase.python_text(table)
    assert make_upcase.C_TABLE.read_text() == make_upcase.c_text(table)


# Pairs of facts/nt.md section 4.1.
@pytest.mark.parametrize(
    "pair",
    ["aA", "éÉ", "ÿŸ", "ⓐⒶ", "\uff41\uff21", "\u2170\u2160", "ǆǄ", "σΣ", "яЯ"],
)
def test_one_name(pair: str) -> None:
    assert upcase(pair[0]) == upcase(pair[1]) == pair[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ς", "Σ"),
        ("ß", "ẞ"),
        ("ß", "ss"),
        ("\u212a", "k"),
        ("\u017f", "s"),
        ("\u00b5", "\u03bc"),
        ("ǅ", "Ǆ"),
        ("İ", "i"),
        ("\u0131", "I"),
        ("e\u0301", "\u00e9"),
        ("𐐨", "𐐀"),
        ("ა", "Ა"),
        ("\u13a0", "ꭰ"),
        ("ɥ", "Ɥ"),
    ],
)
def test_two_names(one: str, other: str) -> None:
    assert upcase(one) != upcase(other)


@given(st.text(st.characters(codec="utf-16", categories=None)))
def test_each_unit_by_itself(name: str) -> None:
    units = struct.unpack(f"<{len(name.encode('utf-16-le')) // 2}H", name.encode("utf-16-le"))
    table = struct.unpack("<65536H", upcase_table())
    assert upcase(name).encode("utf-16-le") == struct.pack(f"<{len(units)}H", *(table[unit] for unit in units))


@given(st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"]), min_size=1))
def test_surrogates_fold_to_themselves(name: str) -> None:
    assert upcase(name) == name
