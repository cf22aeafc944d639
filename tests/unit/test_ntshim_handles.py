"""The handle table: values, close rules, inheritance, backing, and a naive model that it must agree with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ntshim import status as st
from ntshim.ob import handles as ob
from ntshim.ob.object import Object
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EVENT = make_type("Event")
FILE = make_type("File")


def status_of(call: Callable[[], object]) -> int:
    """Run a call and give its status."""
    try:
        call()
    except st.NtError as error:
        return error.status
    return st.STATUS_SUCCESS


class Descriptors:
    """A backing: a kernel's descriptor table, here a dict from index to object."""

    def __init__(self) -> None:
        self.open: dict[int, Object] = {}
        self.asked = 0

    def materialise(self, index: int) -> tuple[Object, int] | None:
        self.asked += 1
        found = self.open.get(index)
        return None if found is None else (found, 3)

    def indices(self) -> Iterable[int]:
        return self.open


@pytest.mark.parametrize(("n", "handle"), [(0, 4), (1, 8), (254, 0x3FC), (255, 0x404), (509, 0x7FC), (510, 0x804)])
def test_arithmetic_of_descriptor_handles(n: int, handle: int) -> None:
    assert ob.index_to_handle(ob.nth_index(n)) == handle == 4 * (n + 1 + n // 255)
    assert ob.index_number(ob.handle_to_index(handle)) == n


@pytest.mark.parametrize("handle", [0, 0x400, 0x800, -4])
def test_reserved_handles_have_no_number(handle: int) -> None:
    assert status_of(lambda: ob.index_number(ob.handle_to_index(handle))) == st.STATUS_INVALID_HANDLE


def test_first_of_every_page_is_never_given() -> None:
    table = ob.HandleTable()
    event = Object(EVENT)
    values = [table.insert(event, 3) for _ in range(1000)]
    assert values == [ob.index_to_handle(ob.nth_index(n)) for n in range(1000)]
    assert all(value % 0x400 for value in values)


def test_most_recently_freed_comes_first() -> None:
    table = ob.HandleTable()
    event = Object(EVENT)
    values = [table.insert(event, 3) for _ in range(6)]
    table.close(values[1])
    table.close(values[4])
    assert [table.insert(event, 3) for _ in range(3)] == [values[4], values[1], values[5] + 4]


def test_a_freed_index_that_the_host_took_is_not_given_again() -> None:
    table = ob.HandleTable()
    event, chosen = Object(EVENT), Object(EVENT)
    values = [table.insert(event, 3) for _ in range(3)]
    table.close(values[1])
    table.insert_at(values[1] >> 2, chosen, 3)
    assert table.insert(event, 3) == values[2] + 4
    assert table.look_up(values[1]).object is chosen


def test_limit_is_two_to_the_24() -> None:
    table = ob.HandleTable(first_index=(1 << 24) - 3)
    event = Object(EVENT)
    values = [table.insert(event, 3) for _ in range(3)]
    assert values[-1] == ((1 << 24) - 1) * 4
    assert status_of(lambda: table.insert(event, 3)) == st.STATUS_INSUFFICIENT_RESOURCES
    assert event.handle_count == 3


def test_look_up_checks_handle_then_type_then_access() -> None:
    table = ob.HandleTable()
    handle = table.insert(Object(EVENT), 1)
    assert status_of(lambda: table.look_up(handle + 4, FILE, 2)) == st.STATUS_INVALID_HANDLE
    assert status_of(lambda: table.look_up(handle, FILE, 2)) == st.STATUS_OBJECT_TYPE_MISMATCH
    assert status_of(lambda: table.look_up(handle, EVENT, 2)) == st.STATUS_ACCESS_DENIED
    assert table.look_up(handle | 3, EVENT, 1).access == 1


def test_protected_handle_resists_close_but_not_the_host() -> None:
    table = ob.HandleTable()
    handle = table.insert(Object(EVENT), 3, ob.OBJ_PROTECT_CLOSE)
    assert status_of(lambda: table.close(handle)) == st.STATUS_HANDLE_NOT_CLOSABLE
    assert table.discard(ob.handle_to_index(handle))
    assert not table.discard(ob.handle_to_index(handle))
    assert len(table) == 0


@pytest.mark.parametrize("index", [0, 256, -1, 1 << 24])
def test_insert_at_an_index_no_handle_can_have(index: int) -> None:
    event = Object(EVENT)
    assert status_of(lambda: ob.HandleTable().insert_at(index, event, 3)) == st.STATUS_INVALID_HANDLE
    assert event.handle_count == 0


def test_insert_at_replaces_even_by_the_same_object() -> None:
    table = ob.HandleTable()
    old, new = Object(EVENT), Object(EVENT)
    table.insert_at(7, old, 3)
    table.insert_at(7, new, 3)
    assert (old.handle_count, new.handle_count) == (0, 1)
    table.insert_at(7, new, 1)
    assert (new.handle_count, new.pointer_count) == (1, 2)


def test_backing_is_asked_when_somebody_looks_and_not_on_discard() -> None:
    backing = Descriptors()
    table = ob.HandleTable(first_index=1 << 21, backing=backing)
    backing.open = {1: Object(FILE), 2: Object(FILE)}
    assert len(table) == 0
    assert table.look_up(4).object is backing.open[1]
    assert table.look_up(4).access == 3
    assert (backing.asked, len(table), backing.open[1].handle_count) == (1, 1, 1)
    assert not table.discard(2)
    assert backing.asked == 1
    assert [handle for handle, _ in table.handles()] == [4, 8]
    assert table.insert(Object(EVENT), 3) >> 2 == (1 << 21) + 1
    assert status_of(lambda: table.close(12)) == st.STATUS_INVALID_HANDLE
    table.close(8)
    assert backing.open[2].handle_count == 0
    for reserved in (0, 256, 1 << 24):
        backing.open[reserved] = Object(FILE)
        assert status_of(lambda index=reserved: table.look_up(index << 2)) == st.STATUS_INVALID_HANDLE  # type: ignore[misc]


@pytest.mark.parametrize(("first", "last"), [(3, 5), (0, 1 << 21)])
def test_discard_range_takes_both_ends(first: int, last: int) -> None:
    table = ob.HandleTable()
    event = Object(EVENT)
    for index in range(1, 11):
        table.insert_at(index, event, 3)
    expected = [index for index in range(1, 11) if not first <= index <= last]
    assert table.discard_range(first, last) == 10 - len(expected)
    assert [handle >> 2 for handle, _ in table.handles()] == expected


def test_inheritance_keeps_value_access_and_attributes() -> None:
    parent, child = ob.HandleTable(), ob.HandleTable()
    event = Object(EVENT)
    parent.insert(event, 1)
    kept = parent.insert(event, 2, ob.OBJ_INHERIT | ob.OBJ_PROTECT_CLOSE)
    child.inherit_from(parent)
    assert list(child.handles()) == [(kept, (event, 2, 3))]
    assert event.handle_count == 3


def test_shared_table_is_emptied_by_its_last_user() -> None:
    table = ob.HandleTable()
    event = Object(EVENT)
    handle = table.insert(event, 3, ob.OBJ_PROTECT_CLOSE)
    assert table.share() is table
    table.release()
    assert table.look_up(handle).object is event
    table.release()
    assert (len(table), event.handle_count, event.pointer_count) == (0, 0, 1)


class Model(RuleBasedStateMachine):
    """HandleTable against a dict from index to (object number, access, attributes)."""

    first = 250  # the free list then soon meets a reserved index

    def __init__(self) -> None:
        super().__init__()
        self.backing = Descriptors()
        self.table = ob.HandleTable(first_index=self.first, backing=self.backing)
        self.objects = [Object(EVENT) for _ in range(4)]
        self.model: dict[int, tuple[Object, int, int]] = {}

    def close_rule(self, index: int) -> int:
        """Do to the model what a close does; gives the status."""
        self.look(index)
        if index not in self.model:
            return st.STATUS_INVALID_HANDLE
        if self.model[index][2] & 1:
            return st.STATUS_HANDLE_NOT_CLOSABLE
        del self.model[index]
        return st.STATUS_SUCCESS

    def look(self, index: int) -> None:
        """Do to the model what looking does: an entry of the backing appears."""
        if index not in self.model and index in self.backing.open:
            self.model[index] = (self.backing.open[index], 3, 0)

    @rule(which=some.integers(0, 3), access=some.integers(0, 3), attributes=some.integers(0, 15))
    def insert(self, which: int, access: int, attributes: int) -> None:
        index = self.table.insert(self.objects[which], access, attributes) >> 2
        assert index not in self.model
        assert index >= self.first
        assert index % 256
        assert index <= self.first + len(self.model) + 60
        self.model[index] = (self.objects[which], access, attributes & 7)

    @rule(index=some.integers(1, 262), which=some.integers(0, 3), attributes=some.integers(0, 7))
    def insert_at(self, index: int, which: int, attributes: int) -> None:
        status = status_of(lambda: self.table.insert_at(index, self.objects[which], 1, attributes))
        assert status == (st.STATUS_SUCCESS if index % 256 else st.STATUS_INVALID_HANDLE)
        if index % 256:
            self.model[index] = (self.objects[which], 1, attributes)

    @rule(index=some.integers(1, 20), which=some.integers(0, 3))
    def host_opens(self, index: int, which: int) -> None:
        self.table.discard(index)
        self.model.pop(index, None)
        self.backing.open[index] = self.objects[which]

    @rule(index=some.integers(1, 20))
    def host_closes(self, index: int) -> None:
        self.backing.open.pop(index, None)
        assert self.table.discard(index) == (self.model.pop(index, None) is not None)

    @rule(index=some.integers(0, 262), tag=some.integers(0, 3))
    def close(self, index: int, tag: int) -> None:
        expected = self.close_rule(index)
        assert status_of(lambda: self.table.close(index << 2 | tag)) == expected
        if expected == st.STATUS_SUCCESS:
            self.backing.open.pop(index, None)

    @precondition(lambda self: self.model)
    @rule(data=some.data())
    def close_open(self, data: some.DataObject) -> None:
        self.close(data.draw(some.sampled_from(sorted(self.model))), 0)

    @rule(index=some.integers(0, 262), attributes=some.integers(0, 7))
    def set_attributes(self, index: int, attributes: int) -> None:
        self.look(index)
        status = status_of(lambda: self.table.set_attributes(index << 2, attributes))
        assert status == (st.STATUS_SUCCESS if index in self.model else st.STATUS_INVALID_HANDLE)
        if index in self.model:
            self.model[index] = (*self.model[index][:2], attributes)

    @rule(first=some.integers(0, 262), length=some.integers(0, 262))
    def discard_range(self, first: int, length: int) -> None:
        gone = [index for index in self.model if first <= index <= first + length]
        assert self.table.discard_range(first, first + length) == len(gone)
        for index in gone:
            del self.model[index]

    @rule()
    def inherit(self) -> None:
        child = ob.HandleTable()
        child.inherit_from(self.table)
        assert {handle >> 2: tuple(entry) for handle, entry in child.handles()} == {
            index: entry for index, entry in self.model.items() if entry[2] & ob.OBJ_INHERIT
        }
        child.release()

    @rule()
    def look_at_all(self) -> None:
        for index in self.backing.open:
            self.look(index)
        assert [(handle >> 2, tuple(entry)) for handle, entry in self.table.handles()] == sorted(self.model.items())

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.table) == len(self.model)
        for counted in self.objects:
            handles = sum(1 for entry in self.model.values() if entry[0] is counted)
            assert (counted.handle_count, counted.pointer_count) == (handles, handles + 1)

    def teardown(self) -> None:
        self.table.release()
        assert all((left.handle_count, left.pointer_count) == (0, 1) for left in self.objects)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
