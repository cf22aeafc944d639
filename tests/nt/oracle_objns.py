"""Rows of kind objns: names of objects, what creating and opening them answers, how long they live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, OBJ_OPENIF, ObjectAttributes
from ntshim.ob.object import GENERIC_ALL
from ntshim.ob.services import OBJECT_TYPES_INFORMATION

from . import objns_cases
from .kind import Unverified
from .objns_scene import Scene
from .world import World, mismatch

if TYPE_CHECKING:
    from .kind import Row

# The columns of a syntax row: what is done to the name, for what type, with which attribute bits.
COLUMNS = {
    "status": ("open", "directory", 0),
    "ci": ("open", "directory", OBJ_CASE_INSENSITIVE),
    "open_event": ("open", "event", 0),
    "create_event": ("create", "event", 0),
    "create_event_openif": ("create", "event", OBJ_OPENIF),
}
MAPPINGS = ("read", "write", "execute", "all", "valid")


def check(row: Row) -> list[str]:
    """Do what a row says."""
    if "name" in row and "wine10" in row:
        return check_name(row)
    if "case" in row:
        answers = objns_cases.run(row["case"], row.get("group", ""))
        expected = str(row.get("expected_overrides", {}).get("expected", row["expected"]))[:8]
        return [text for what, answer in answers for text in mismatch(what, expected, answer)]
    if "type" in row and "valid" in row:
        return check_type(row)
    if row.get("sec") == "tree":
        return check_tree(row)
    raise Unverified("no form of row that is known here")


def check_name(row: Row) -> list[str]:
    """Open and create under a name in a tree where nothing else is new."""
    expected = dict(row["wine10"])
    expected["status"] = row.get("expected_open_directory", expected.get("status"))
    expected.update({column: text[:8] for column, text in row.get("expected_overrides", {}).items()})
    mismatches = []
    for column, status in expected.items():
        if column not in COLUMNS:
            raise Unverified(f"column {column} is not known here")
        verb, kind, flags = COLUMNS[column]
        given = ObjectAttributes(row["name"], 0, flags)
        scene = Scene()
        answer = scene.create(kind, given) if verb == "create" else scene.open(kind, given)
        mismatches += mismatch(column, status, answer.status)
    return mismatches


def check_type(row: Row) -> list[str]:
    """Compare the rights of a type."""
    world = World()
    told = world.nt.NtQueryObject(world.thread, 0, OBJECT_TYPES_INFORMATION)
    assert isinstance(told, list)
    for name, mapping, valid in told:
        if name == row["type"]:
            masks = [f"{mask:08x}" for mask in (*mapping, valid)]
            return [text for key, mask in zip(MAPPINGS, masks, strict=True) for text in mismatch(key, row[key], mask)]
    return [f"type: expected {row['type']}, got none of that name"]


def check_tree(row: Row) -> list[str]:
    """Look for an entry of a directory, with its type and the target of a link."""
    world = World()
    if "path" in row:
        given = ObjectAttributes(row["path"])
        return mismatch("open", row["status"], Scene().open("directory", given).status)
    handle = world.nt.NtOpenDirectoryObject(world.thread, 1, ObjectAttributes(row["dir"]))
    entries = dict(world.nt.NtQueryDirectoryObject(world.thread, handle, 1 << 20).entries)
    if entries.get(row["name"]) != row["type"]:
        return [f"type: expected {row['type']}, got {entries.get(row['name'])}"]
    if "target" not in row:
        return []
    link = world.nt.NtOpenSymbolicLinkObject(
        world.thread, GENERIC_ALL, ObjectAttributes(row["dir"].rstrip("\\") + "\\" + row["name"])
    )
    target = world.nt.NtQuerySymbolicLinkObject(world.thread, link).target
    return [] if target == row["target"] else [f"target: expected {row['target']!r}, got {target!r}"]
