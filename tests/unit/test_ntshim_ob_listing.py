"""Listings that go on while names come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as strategy

from ntshim.ob.listing import Listing


def test_places_stay_while_others_go() -> None:
    listing = Listing(["a", "b", "c", "d"])
    listing.remove("b")
    listing.add("e")
    assert list(listing.following(0)) == [(0, "a"), (2, "c"), (3, "d"), (4, "e")]
    assert list(listing.following(3)) == [(3, "d"), (4, "e")]
    assert list(listing.following(9)) == []


@given(strategy.lists(strategy.integers(0, 60), max_size=300))
def test_the_order_is_that_of_arrival(steps: list[int]) -> None:
    """Each number adds itself, or goes if it is there."""
    listing, present = Listing([]), dict[str, None]()
    for step in steps:
        name = str(step)
        if name in present:
            del present[name]
            listing.remove(name)
        else:
            present[name] = None
            listing.add(name)
        assert [found for _, found in listing.following(0)] == list(present)


def test_empty_places_do_not_pile_up() -> None:
    listing = Listing(["first"])
    for number in range(1000):
        listing.add(str(number))
        listing.remove(str(number))
    listing.add("last")
    assert [name for _, name in listing.following(0)] == ["first", "last"]
    assert max(place for place, _ in listing.following(0)) < 40
