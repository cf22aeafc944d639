"""An index of byte ranges that finds those which overlap another one without looking at all."""

from __future__ import annotations

from bisect import bisect_left, insort
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator


class Range(Protocol):
    """What is indexed: the bytes `offset` to `last`; of no bytes `last` is `offset` - 1.

    `order` is `offset` and a positive number that no other range of the index has.
    """

    offset: int
    last: int
    order: tuple[int, int]


_Range = TypeVar("_Range", bound=Range)
_order = attrgetter("order")


class RangeIndex(Generic[_Range]):
    """Ranges in lists by the number of bits of their lengths, each list in the order of offsets.

    A range of b bits is shorter than 2**b, so of its list only what begins less than that before the range asked for
    can reach it; where ranges overlap little, that is a constant number of each list.
    """

    __slots__ = ("_by_bits",)

    def __init__(self) -> None:
        """Begin empty."""
        self._by_bits: dict[int, list[_Range]] = {}

    def add(self, item: _Range) -> None:
        """Enter a range."""
        insort(self._by_bits.setdefault(_bits(item), []), item, key=_order)

    def remove(self, item: _Range) -> None:
        """Take out a range that is there."""
        bits = _bits(item)
        items = self._by_bits[bits]
        del items[bisect_left(items, item.order, key=_order)]
        if not items:
            del self._by_bits[bits]

    def overlapping(self, offset: int, last: int) -> Iterator[_Range]:
        """Give the ranges that have a byte in common with `offset` to `last`; meanwhile the index must not change.

        A range without bytes overlaps one that has bytes on both sides of its offset.
        """
        for bits, items in self._by_bits.items():
            for at in range(bisect_left(items, (offset - (1 << bits) + 1, 0), key=_order), len(items)):
                item = items[at]
                if item.offset > last:
                    break
                if item.last >= offset:
                    yield item


def _bits(item: Range) -> int:
    """Give the number of bits of a range's length."""
    return (item.last - item.offset + 1).bit_length()
