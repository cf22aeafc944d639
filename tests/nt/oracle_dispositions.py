"""Rows of kind dispositions: NtCreateFile on targets in given states, and with malformed parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ntshim.io import create as io
from ntshim.status import STATUS_SUCCESS, NtError

from .drive import DELETE, READ, READ_ATTRIBUTES, SYNCHRONIZE, WRITE, Drive
from .kind import Unverified

if TYPE_CHECKING:
    from .kind import Row

ACCESS = READ | READ_ATTRIBUTES
DISPOSITIONS = ("SUPERSEDE", "OPEN", "CREATE", "OPEN_IF", "OVERWRITE", "OVERWRITE_IF")
OPTIONS = {
    "DIR": io.FILE_DIRECTORY_FILE,
    "NONDIR": io.FILE_NON_DIRECTORY_FILE,
    "DELETE_ON_CLOSE": io.FILE_DELETE_ON_CLOSE,
    "NO_BUFFERING": io.FILE_NO_INTERMEDIATE_BUFFERING,
    "COMPLETE_IF_OPLOCKED": io.FILE_COMPLETE_IF_OPLOCKED,
    "RESERVE_OPFILTER": io.FILE_RESERVE_OPFILTER,
    "sync-alert": io.FILE_SYNCHRONOUS_IO_ALERT,
    "sync-nonalert": io.FILE_SYNCHRONOUS_IO_NONALERT,
    "sync both": io.FILE_SYNCHRONOUS_IO_ALERT | io.FILE_SYNCHRONOUS_IO_NONALERT,
}
ACCESSES = {
    "SYNCHRONIZE": SYNCHRONIZE,
    "DELETE": DELETE,
    "APPEND": 0x4,
    "ACCESS_SYSTEM_SECURITY": 0x1000000,
    "MAXIMUM_ALLOWED": 0x2000000,
    "GENERIC_ALL": 0x10000000,
    "GENERIC_EXECUTE": 0x20000000,
    "GENERIC_WRITE": 0x40000000,
    "GENERIC_READ": 0x80000000,
}
ATTRIBUTES = {"readonly": 0x1, "hidden": 0x2, "system": 0x4, "DIRECTORY": 0x10}
LETTERS = {"R": READ, "W": WRITE, "D": DELETE}
SHARES = {"R": 1, "W": 2, "D": 4}


def rows(document: Any) -> list[Row]:
    """Give the rows on states, then those on parameters."""
    if isinstance(document, dict):
        return [*document.get("rows", []), *document.get("parameter_validation", [])]
    return list(document)


def check(row: Row) -> list[str]:
    """Make the call of a row and compare status and Information."""
    status, information = _parameters(row["case"]) if "case" in row else _state(row)
    if row["expected_status"] is None:
        raise Unverified("no status is claimed")
    reasons = []
    if status != int(row["expected_status"], 16):
        reasons.append(f"status: expected {row['expected_status']}, got {status:08X}")
    expected = row.get("expected_information")
    if expected is not None and information != expected:
        reasons.append(f"Information: expected {expected}, got {information}")
    return reasons


def _state(row: Row) -> tuple[int, int | None]:
    """Put the target into its state, then open it as the document says."""
    drive = Drive()
    path = _prepare(drive, row["state"])
    options = _bits(row["options"], OPTIONS)
    return _call(drive, path, ACCESS, 7, _disposition(row["disposition"]), options, io.FILE_ATTRIBUTE_NORMAL)


def _prepare(drive: Drive, state: str) -> str:
    """Make what a state speaks of; gives the path to open."""
    state, trailing, _ = state.partition("_trailing_bs")
    suffix = "\\" if trailing else ""
    opened = re.fullmatch(r"file_open_([RWD]+)_share([RWD]+|0)", state)
    if opened:
        access, share = opened.groups()
        drive.make("x")
        drive.create("x", sum(LETTERS[letter] for letter in access), sum(SHARES.get(letter, 0) for letter in share))
    elif state in ("file", "parent_is_file"):
        drive.make("x")
    elif state.startswith("file_"):
        drive.make("x", ATTRIBUTES[state.removeprefix("file_")])
    elif state.startswith("dir_") or state == "dir":
        drive.make_directory("x")
        if state == "dir_nonempty":
            drive.make("x\\child")
    elif state not in ("absent", "parent_missing"):
        raise ValueError(state)
    return ("x\\y" if state.startswith("parent_") else "x") + suffix


def _parameters(case: str) -> tuple[int, int | None]:
    """Open an existing file with what a case says of one parameter, or of two that do not go together."""
    drive = Drive()
    drive.make("x")
    access, share, disposition, options, attributes = ACCESS | SYNCHRONIZE, 7, io.FILE_OPEN, 0, 0
    text, _, missing = case.partition(" w/o ")
    if missing:
        access &= ~ACCESSES[missing]
    number = re.search(r"0x[0-9a-fA-F]+|(?<==)\d+", text)
    value = int(number.group(), 0) if number else 0
    if text.startswith("access="):
        access = value if number else _bits(text.removeprefix("access="), ACCESSES)
    elif "bits" in text:
        access |= value
    elif text in ACCESSES:
        access = ACCESSES[text]
    elif text.startswith("share="):
        share = value
    elif text.startswith("disp="):
        disposition = value
    elif text.startswith("attr "):
        attributes = value if number else ATTRIBUTES[text.split()[1]]
    elif text.startswith("opt "):
        options = value if number else OPTIONS[text.removeprefix("opt ")]
    else:
        for word in re.split(r"[|+]", text):
            if word in DISPOSITIONS:
                disposition = DISPOSITIONS.index(word)
            elif word in ACCESSES:
                access |= ACCESSES[word]
            else:
                options |= OPTIONS[word]
    return _call(drive, "x", access, share, disposition, options, attributes)


def _call(drive: Drive, path: str, *parameters: Any) -> tuple[int, int | None]:
    """Give status and, of a success, Information."""
    try:
        answer = drive.create(path, *parameters)
    except NtError as error:
        return error.status, None
    return STATUS_SUCCESS, answer.information


def _disposition(name: str) -> int:
    """Give the number of a disposition; an invalid one stands as a number."""
    if name in DISPOSITIONS:
        return DISPOSITIONS.index(name)
    return int(name.partition("(")[0])


def _bits(text: str, names: dict[str, int]) -> int:
    """Give the mask of names joined by `|`; `0` is none."""
    return sum(names[name] for name in text.split("|") if name != "0")
