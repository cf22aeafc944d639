"""Names that calls are about to make: one maker at a time for all spellings, whoever comes later waits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from host_index import index, opened

from picobox.call import Call
from picobox.names import Names
from picobox.platform.lookup import Place

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = cast("Any", None)  # Who calls, and from where, does not matter to a reservation.


def asked(names: Names, directory: int, name: bytes) -> tuple[Call, Place, bool]:
    """A call that would make a name, its place, and whether the name is the call's."""
    call, place = Call(NOBODY, NOBODY, NOBODY), Place(parent=os.dup(directory), asked=name)
    return call, place, names.reserve(call, place)


def is_open(place: Place) -> bool:
    try:
        os.fstat(place.parent)
    except OSError:
        return False
    return True


def test_makers_of_one_name_come_one_after_the_other(tmp_path: Path) -> None:
    again: list[str] = []
    with index("reference") as kept, opened(str(tmp_path)) as directory:
        names = Names(kept)
        first, place, granted = asked(names, directory, b"Log")
        assert granted
        assert first.made is place
        second, late, granted = asked(names, directory, b"lOG")
        assert not granted
        assert second.made is None
        assert not is_open(late), "it is looked up again"
        assert second.wait is not None
        second.wait(lambda: again.append("second"))
        assert again == []
        first.finish()
        assert again == ["second"]
        assert not is_open(place)
        second, place, granted = asked(names, directory, b"lOG")
        assert granted, "the name is free again"
        second.finish()


def test_other_names_and_other_directories_are_nobody_s(tmp_path: Path) -> None:
    (tmp_path / "Dir").mkdir()
    with index("reference") as kept, opened(str(tmp_path)) as directory, opened(str(tmp_path / "Dir")) as other:
        names = Names(kept)
        calls = [asked(names, *where) for where in ((directory, b"Log"), (directory, b"Logs"), (other, b"log"))]
        assert [granted for _, _, granted in calls] == [True, True, True]
        for call, _, _ in calls:
            call.finish()
