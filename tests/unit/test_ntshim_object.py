"""Objects and types: counts, hooks, generic mapping, access checks."""

from __future__ import annotations

import pytest

from ntshim import status as st
from ntshim.ob import object as ob
from ntshim.ob.types import ROWS, make_type


class Recorder(ob.ObjectType):
    """A type that notes what its hooks are told."""

    __slots__ = ("log",)
    log: list[tuple[str, int, int]]

    def close(self, target: ob.Object) -> None:
        self.log.append(("close", target.handle_count, target.pointer_count))

    def delete(self, target: ob.Object) -> None:
        self.log.append(("delete", target.handle_count, target.pointer_count))


def recorder() -> Recorder:
    made = make_type("Event", Recorder)
    assert isinstance(made, Recorder)
    made.log = []
    return made


def test_cleanup_at_last_handle_delete_at_last_reference() -> None:
    kind = recorder()
    event = ob.Object(kind)
    event.handle_opened()
    event.handle_opened()
    assert (event.handle_count, event.pointer_count) == (2, 3)
    event.handle_closed()
    assert kind.log == []
    event.handle_closed()
    assert kind.log == [("close", 0, 2)]
    event.dereference()
    assert kind.log == [("close", 0, 2), ("delete", 0, 0)]


def test_counts_cannot_go_below_zero() -> None:
    event = ob.Object(recorder())
    with pytest.raises(RuntimeError, match="no handle left"):
        event.handle_closed()
    event.dereference()
    with pytest.raises(RuntimeError, match="more often"):
        event.dereference()


def test_all_types_are_consistent() -> None:
    assert len(ROWS) == 22
    for name in ROWS:
        kind = make_type(name)
        union = kind.generic_mapping.read | kind.generic_mapping.write | kind.generic_mapping.execute
        assert kind.map_generic(ob.GENERIC_ALL) & ~kind.valid_mask == 0
        assert kind.map_generic(ob.GENERIC_READ) == kind.generic_mapping.read
        assert kind.map_generic(ob.GENERIC_WRITE | ob.GENERIC_EXECUTE | ob.GENERIC_READ) == union
        assert kind.map_generic(0x12345) == 0x12345
        assert kind.default_security == (name not in ("File", "Device", "Key"))


@pytest.mark.parametrize(
    ("desired", "granted"),
    [
        (ob.GENERIC_READ, 0x20001),
        (2, 2),
        (ob.MAXIMUM_ALLOWED, 0x1F0003),
        (ob.MAXIMUM_ALLOWED | 1, 0x1F0003),
        (0, None),
        (4, None),
        (ob.GENERIC_READ | 0x40, None),
    ],
)
def test_grant_access(desired: int, granted: int | None) -> None:
    event = ob.Object(make_type("Event"))
    if granted is not None:
        assert ob.grant_access(event, None, desired) == granted
        return
    with pytest.raises(st.NtError) as caught:
        ob.grant_access(event, None, desired)
    assert caught.value.status == st.STATUS_ACCESS_DENIED
