"""picobox objects: the namespace as a tree, with what programs have named in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from inspection.runs import Place
from picobox.cli.inspect_objects import rows_of
from picobox.inspection import wire

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _objects(place: Place, *words: str) -> list[dict[str, Any]]:
    (run,) = place.told("objects", *words)
    objects: list[dict[str, Any]] = run["objects"]
    return objects


@pytest.mark.parametrize("policy", ["open", "default"])
def test_the_tree(place: Place, policy: str) -> None:
    with place.running("", "--policy", policy):
        found = {each["path"]: each for each in _objects(place)}
        assert found["\\"]["type"] == "Directory"
        assert found["\\BaseNamedObjects"]["depth"] == 1
        assert found["\\BaseNamedObjects\\Local"]["type"] == "SymbolicLink"
        assert found["\\BaseNamedObjects\\Local"]["target"] == "\\BaseNamedObjects"
        assert all(each["references"] >= 1 and each["handles"] >= 0 for each in found.values())
        assert [path for path, each in found.items() if each["type"] == "Process"]
        text, _ = place.asks("objects")
        assert "Local -> \\BaseNamedObjects" in text


def test_a_part_of_it(place: Place) -> None:
    with place.running(""):
        part = _objects(place, "/basenamedobjects")
        assert part[0]["path"] == "\\BaseNamedObjects"
        assert all(each["path"].startswith("\\BaseNamedObjects") for each in part)
        _, complaint = place.asks("objects", "/BaseNamedObjects/nothing", status=1)
        assert "there is no \\BaseNamedObjects\\nothing" in complaint


def test_processes_are_there_with_their_threads(place: Place) -> None:
    with place.running("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"):
        threads = _objects(place, "\\Sessions\\0\\Threads")
        assert [each["type"] for each in threads] == ["Directory", "Thread", "Thread"]
        (run,) = place.told("ps")
        assert run["processes"][0]["nt_pid"] is not None


def test_a_name_with_an_escape_is_shown_whole() -> None:
    told = [{"path": path, "depth": depth, "type": "Event", "handles": 1, "references": 2, "target": None}
            for depth, path in enumerate(("\\", "\\a\nb", "\\a\nb\\c\x1bd"))]  # fmt: skip
    names = [row[3] for row in rows_of({"objects": told})]
    assert names == ["\\", "  a\\nb", "    c\\x1bd"]


def test_by_its_names_and_so_far_below(place: Place) -> None:
    # A name of NT's may hold a slash, which a path cannot tell from the end of one.
    makes = "import os\nopen('/dev/shm/asked-for', 'w').close()"
    with place.running(makes, "--policy", "default") as run, place.connected(run.pid) as connection:

        def asked(*names: str, depth: int | None) -> list[str]:
            answer = wire.ask(connection, {"ask": "objects", "names": list(names), "depth": depth})
            return [each["path"] for each in answer.get("objects", [])]

        below = asked(depth=1)
        assert below[0] == "\\"
        assert "\\BaseNamedObjects" in below
        assert all(path.count("\\") == 1 for path in below)
        assert set(asked(depth=None)) > set(below)
        assert asked("basenamedobjects", "ASKED-FOR", depth=0) == ["\\BaseNamedObjects\\asked-for"]
        assert asked("BaseNamedObjects/asked-for", depth=0) == []
