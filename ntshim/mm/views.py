"""Views: which sections a process has mapped, where in its address space, and with which protection."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.mm.backing import Pages
from ntshim.mm.protection import PAGE_SIZE

if TYPE_CHECKING:
    from ntshim.mm.section import Section

ALLOCATION_GRANULARITY = 0x10000
LOWEST_ADDRESS = 0x10000
HIGHEST_ADDRESS = 0x7FFFFFFEFFFF  # of a process on a 64-bit system


class View(NamedTuple):
    """`size` bytes of a section from `offset` on, at `base`; `protection` is a PAGE_ constant.

    `copies` are the pages that this view has changed for itself alone.
    """

    section: Section
    base: int
    offset: int
    size: int
    protection: int
    copies: Pages

    @property
    def end(self) -> int:
        """The address behind its last page."""
        return _end(self.base, self.size)


class Views:
    """The views of one process. Each holds a reference on its section, nothing on a handle to it."""

    __slots__ = ("_views",)

    def __init__(self) -> None:
        """Begin with an empty address space."""
        self._views: dict[int, View] = {}

    def add(self, section: Section, base: int, offset: int, size: int, protection: int, *, preferred: int = 0) -> View:
        """Map what has been checked; if `base` is 0 at the place that is preferred, or else at the lowest free one.

        STATUS_CONFLICTING_ADDRESSES if another view is there, STATUS_NO_MEMORY if there is no free place.
        """
        if base and not self._is_free(base, size):
            raise st.NtError(st.STATUS_CONFLICTING_ADDRESSES)
        if not base and preferred >= LOWEST_ADDRESS and _end(preferred, size) <= HIGHEST_ADDRESS + 1:
            base = preferred if self._is_free(preferred, size) else 0
        view = View(section, base or self._lowest_place(size), offset, size, protection, Pages())
        section.reference()
        section.count_view(protection, 1)
        self._views[view.base] = view
        return view

    def find(self, address: int) -> View | None:
        """Give the view that an address lies in."""
        for view in self._views.values():
            if view.base <= address < view.end:
                return view
        return None

    def remove(self, view: View) -> None:
        """Unmap a view."""
        del self._views[view.base]
        view.section.count_view(view.protection, -1)
        view.section.dereference()

    def release(self) -> None:
        """Unmap everything: the process is gone."""
        while self._views:
            self.remove(next(iter(self._views.values())))

    def _is_free(self, base: int, size: int) -> bool:
        """Whether nothing is mapped between two addresses."""
        last = _end(base, size)
        return all(last <= view.base or view.end <= base for view in self._views.values())

    def _lowest_place(self, size: int) -> int:
        """Find a place."""
        place = LOWEST_ADDRESS
        for base in sorted(self._views):
            if _end(place, size) <= base:
                return place
            end = self._views[base].end
            place = max(place, -(-end // ALLOCATION_GRANULARITY) * ALLOCATION_GRANULARITY)
        if _end(place, size) > HIGHEST_ADDRESS + 1:
            raise st.NtError(st.STATUS_NO_MEMORY)
        return place


def _end(base: int, size: int) -> int:
    """Give the address behind a view, which takes whole pages."""
    return base + -(-size // PAGE_SIZE) * PAGE_SIZE
