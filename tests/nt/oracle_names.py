"""Rows of kind names: what NT and Win32 make of a name, how long one may be, and where a Win32 path leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ntshim import rtl
from ntshim import status as st
from ntshim.fs.names import Win32, from_host, judge, to_host

from .drive import PREFIX, Drive, status_of
from .kind import Unverified

if TYPE_CHECKING:
    from .kind import Row

# What was asked, the answer, what was recorded.
Comparisons: TypeAlias = list[tuple[str, Any, Any]]

# Where the paths were converted.
CURRENT = "C:\\windows"
DIRECTORY = "nm"


def rows(document: Any) -> list[Row]:
    """The rows, and those that stand in sections of their own."""
    if not isinstance(document, dict):
        return list(document)
    found = list(document["rows"])
    for section in ("component_length", "invalid_utf8"):
        found += document.get(section, {}).get("ntfs3g_run", [])
    found += document.get("dos_path_conversion_wine10_run", [])
    if "order_on_disk" in document:
        found.append({"order_on_disk": document["order_on_disk"]})
    return found


def check(row: Row) -> list[str]:
    """Do what the row is about."""
    row = row | row.get("expected_overrides", {})
    for column, checked in CHECKS.items():
        if column in row:
            return [f"{what}: expected {wanted!a}, got {got!a}" for what, got, wanted in checked(row) if got != wanted]
    raise Unverified("a row of no known section")


def check_name(row: Row) -> Comparisons:
    """Make a file of this name by an NT name, and by a Win32 path."""
    name, wanted = row["name"], row["nt_status"].upper()
    verdict = judge(name)
    compared: Comparisons = [("judged status", f"{verdict.status:08X}", wanted)]
    # With a backslash, or empty, it is no component: an NT name cannot express it.
    if name and "\\" not in name:
        drive = Drive()
        drive.make_directory(DIRECTORY)
        status = status_of(lambda: drive.make(f"{DIRECTORY}\\{name}"))
        held = [name.partition(":")[0]] if status == st.STATUS_SUCCESS else []
        compared += [
            ("NtCreateFile", f"{status:08X}", wanted),
            ("directory", drive.names(DIRECTORY), held),
        ]
    if "win32_category" in row:
        compared += [
            ("win32_category", verdict.win32.value, row["win32_category"]),
            ("device", rtl.RtlIsDosDeviceName_U(name) != 0, row["win32_category"] == Win32.DEVICE.value),
        ]
    if "win32_stored_as" in row:
        compared += [
            ("win32_stored_as", verdict.stored_as, row["win32_stored_as"]),
            ("made by Win32", made_by_win32(name), row["win32_stored_as"]),
        ]
    if "portable_to_windows" in row:
        compared.append(("portable_to_windows", verdict.portable, row["portable_to_windows"]))
    return compared


def made_by_win32(name: str) -> str | None:
    """What a Win32 program has made that creates a file: its name in the directory, "" for the directory, or None."""
    drive = Drive()
    drive.make_directory(DIRECTORY)
    path = rtl.RtlDosPathNameToNtPathName_U(f"C:\\{DIRECTORY}\\{name}", CURRENT, lambda _: True)
    if not path.startswith(PREFIX):
        return None
    status = status_of(lambda: drive.make(path.removeprefix(PREFIX)))
    if status == st.STATUS_OBJECT_NAME_COLLISION or path == PREFIX:
        return ""
    made = drive.names(DIRECTORY)
    return made[0] + "".join(path.partition(f"\\{DIRECTORY}\\{made[0]}")[2:]) if made else None


def check_length(row: Row) -> Comparisons:
    """Make a file whose name is one letter, repeated."""
    letter = "a" if row["char"] == "ascii" else chr(int(row["char"].removeprefix("U+"), 16))
    status = status_of(lambda: Drive().make(letter * row["count"]))
    return [("NtCreateFile", status, st.STATUS_OBJECT_NAME_INVALID if row["errno"] else st.STATUS_SUCCESS)]


def check_bytes(row: Row) -> Comparisons:
    """Give a host's name to NT: what has no UTF-16 form consists of escaped bytes, and only its bytes name it."""
    raw = bytes.fromhex(row["raw_hex"])
    name = from_host(raw)
    return [
        ("UTF-16 form", name.encode("utf-8", "surrogatepass") == raw, row["errno"] == 0),
        ("and back", to_host(name), raw),
    ]


def check_path(row: Row) -> Comparisons:
    """Convert a Win32 path; of the directories that the paths name, only the current one exists."""
    path = row["dospath"]
    converted = ""
    if status_of(lambda: convert(path)) != st.STATUS_OBJECT_NAME_INVALID:
        converted = convert(path)
    return [
        ("type", int(rtl.RtlDetermineDosPathNameType_U(path)), row["type"]),
        ("full", rtl.RtlGetFullPathName_U(path, CURRENT), row["full"]),
        ("nt", converted, row["nt"]),
        ("dev", rtl.RtlIsDosDeviceName_U(path), row["dev"]),
    ]


def convert(path: str) -> str:
    return rtl.RtlDosPathNameToNtPathName_U(path, CURRENT, lambda directory: directory == CURRENT)


def check_order(row: Row) -> Comparisons:
    """List a directory of these names."""
    drive = Drive()
    for name in sorted(row["order_on_disk"], reverse=True):
        drive.make(name)
    return [("order", drive.names(""), row["order_on_disk"])]


# By the column that only rows of a section have.
CHECKS = {
    "nt_status": check_name,
    "utf16_units": check_length,
    "raw_hex": check_bytes,
    "dospath": check_path,
    "order_on_disk": check_order,
}
