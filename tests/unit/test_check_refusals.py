"""Which rule of a check each refusal of NT's comes under (picobox/check/refusals.py)."""

from __future__ import annotations

import pytest

from ntshim import status as st
from ntshim.fs.mapped import SectionObjectPointers
from picobox.check import subject as sb
from picobox.check.refusals import judge_refusal
from picobox.check.subject import Subject
from picobox.findings.rules import RULES
from picobox.platform.identity import Identity

READ_ONLY = 0o100444
FILE = Identity((1, 2), b"/work", b"file", (1, 3), is_directory=False, mode=0o100644)
DIRECTORY = FILE._replace(name=b"directory", file=(1, 4), is_directory=True, mode=0o040755)
OTHER = FILE._replace(name=b"other", file=(1, 5))
OTHER_DIRECTORY = DIRECTORY._replace(name=b"others", file=(1, 6))
ABSENT = FILE._replace(name=b"absent", file=None)


def sections(*, image: bool = False) -> SectionObjectPointers:
    found = SectionObjectPointers({}, ((1, 3), ""))
    found.add_section(image=image)
    return found


def naming(file: Identity, target: Identity, action: int = sb.RENAME) -> Subject:
    """A rename or a link of which NT decides about the new name."""
    return Subject(action, file, target, naming=True)


DATA, IMAGE, UNMAPPED = sections(), sections(image=True), None


@pytest.mark.parametrize(
    ("subject", "status", "mapped", "rule"),
    [
        (Subject(sb.OPEN, FILE), st.STATUS_SHARING_VIOLATION, UNMAPPED, "PB009"),
        (Subject(sb.OPEN, FILE), st.STATUS_SHARING_VIOLATION, IMAGE, "PB016"),
        (Subject(sb.OPEN, FILE), st.STATUS_USER_MAPPED_FILE, DATA, "PB016"),
        (Subject(sb.OPEN, FILE._replace(mode=READ_ONLY)), st.STATUS_ACCESS_DENIED, UNMAPPED, "PB017"),
        (Subject(sb.OPEN, FILE), st.STATUS_ACCESS_DENIED, UNMAPPED, None),
        (Subject(sb.OPEN, FILE), st.STATUS_DELETE_PENDING, UNMAPPED, "PB015"),
        (Subject(sb.TRUNCATE, FILE), st.STATUS_USER_MAPPED_FILE, DATA, "PB016"),
        (Subject(sb.DELETE, FILE), st.STATUS_SHARING_VIOLATION, UNMAPPED, "PB010"),
        (Subject(sb.DELETE, FILE), st.STATUS_SHARING_VIOLATION, DATA, "PB016"),
        (Subject(sb.DELETE, FILE), st.STATUS_CANNOT_DELETE, DATA, "PB016"),
        (Subject(sb.DELETE, FILE), st.STATUS_CANNOT_DELETE, IMAGE, "PB016"),
        (Subject(sb.DELETE, FILE._replace(mode=READ_ONLY)), st.STATUS_CANNOT_DELETE, UNMAPPED, "PB017"),
        (Subject(sb.REMOVE_DIRECTORY, DIRECTORY), st.STATUS_SHARING_VIOLATION, UNMAPPED, "PB014"),
        (Subject(sb.REMOVE_DIRECTORY, DIRECTORY), st.STATUS_DIRECTORY_NOT_EMPTY, UNMAPPED, "PB014"),
        (Subject(sb.RENAME, FILE, OTHER), st.STATUS_SHARING_VIOLATION, UNMAPPED, "PB011"),
        (Subject(sb.RENAME, FILE, OTHER), st.STATUS_SHARING_VIOLATION, DATA, "PB011"),
        (Subject(sb.RENAME, DIRECTORY, ABSENT), st.STATUS_SHARING_VIOLATION, UNMAPPED, "PB013"),
        (naming(FILE, OTHER), st.STATUS_ACCESS_DENIED, UNMAPPED, "PB012"),
        (naming(FILE, OTHER), st.STATUS_SHARING_VIOLATION, UNMAPPED, "PB012"),
        # A file of which only data are mapped may be replaced: what stands in the way is its handle.
        (naming(FILE, OTHER), st.STATUS_ACCESS_DENIED, DATA, "PB012"),
        (naming(FILE, OTHER), st.STATUS_ACCESS_DENIED, IMAGE, "PB016"),
        (naming(FILE, OTHER._replace(mode=READ_ONLY)), st.STATUS_ACCESS_DENIED, UNMAPPED, "PB017"),
        (naming(DIRECTORY, OTHER_DIRECTORY), st.STATUS_ACCESS_DENIED, UNMAPPED, "PB026"),
        # Linux refuses these as well.
        (naming(FILE, OTHER_DIRECTORY), st.STATUS_ACCESS_DENIED, UNMAPPED, None),
        (naming(DIRECTORY, OTHER), st.STATUS_ACCESS_DENIED, UNMAPPED, None),
        (naming(FILE, OTHER), st.STATUS_DELETE_PENDING, UNMAPPED, "PB015"),
        (naming(FILE, ABSENT), st.STATUS_ACCESS_DENIED, UNMAPPED, None),
        (Subject(sb.TRANSFER, FILE), st.STATUS_FILE_LOCK_CONFLICT, UNMAPPED, "PB018"),
        (Subject(sb.TRANSFER, FILE), st.STATUS_ACCESS_DENIED, UNMAPPED, None),
    ],
)
def test_rule_of_a_refusal(
    subject: Subject, status: int, mapped: SectionObjectPointers | None, rule: str | None
) -> None:
    refusal = judge_refusal(subject, status, sections=mapped, is_held_below=False)
    assert (None if refusal is None else refusal.rule) == rule
    assert rule is None or status in RULES[rule].statuses


def test_a_directory_that_is_held_below_is_told_by_its_own_path() -> None:
    refusal = judge_refusal(naming(DIRECTORY, ABSENT), st.STATUS_ACCESS_DENIED, sections=UNMAPPED, is_held_below=True)
    assert refusal is not None
    assert (refusal.rule, refusal.path) == ("PB013", DIRECTORY.path)


def test_what_is_in_the_way_is_told_by_its_path() -> None:
    refusal = judge_refusal(naming(FILE, OTHER), st.STATUS_ACCESS_DENIED, sections=UNMAPPED, is_held_below=False)
    assert refusal is not None
    assert refusal.path == OTHER.path


def test_writing_a_read_only_file_is_a_warning() -> None:
    subject = Subject(sb.OPEN, FILE._replace(mode=READ_ONLY))
    refusal = judge_refusal(subject, st.STATUS_ACCESS_DENIED, sections=UNMAPPED, is_held_below=False)
    assert refusal is not None
    assert refusal.severity == "warning"
