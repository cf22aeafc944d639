"""This process as the init of its guests."""

from __future__ import annotations


def adopt_orphans() -> None:
    """Orphans among the guests become children of this process (PR_SET_CHILD_SUBREAPER, man 2 prctl)."""
    from picobox._native._core import lib

    lib.pb_adopt_orphans()
