"""The limits of a policy that the kernel keeps: for each process (setrlimit(2)), and of all in a group."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from picobox.confine.cgroups import MEMORY, Group, NoGroup

if TYPE_CHECKING:
    from picobox.confine.policy import Limits, Policy

# asm-generic/resource.h: Python's module for it is a library to load.
_CPU, _FSIZE, _CORE, _NOFILE, _AS = 0, 1, 4, 7, 9
# Nothing else keeps a core from being piped to a program outside, which would run for the guest (core(5)): a limit of 0
# says only that no file is written (fs/coredump.c).
_NO_CORE = 1


def kernel_limits(limits: Limits, group: Group | None = None, *, cores: bool = False) -> list[tuple[int, int, int]]:
    """Resources of setrlimit(2), the most that a process gets of each, and what it may raise that to.

    `group`: it has the limits of all processes together, if it has been made. `cores`: they may be dumped.
    """
    together = frozenset[str]() if group is None else group.controllers
    memory = None if MEMORY in together else limits.memory
    seconds = None if limits.cpu_time is None else -int(-limits.cpu_time // 1)
    wanted = (
        (_AS, memory, None if memory is None else memory + _room_for_page()),
        (_NOFILE, limits.open_files, limits.open_files),
        (_FSIZE, limits.file_size, limits.file_size),
        # With no second between them the kernel kills and does not say why (setrlimit(2)).
        (_CPU, seconds, None if seconds is None else seconds + 1),
        (_CORE, *((None, None) if cores else (_NO_CORE, _NO_CORE))),
    )
    return [(number, most, end) for number, most, end in wanted if most is not None and end is not None]


def _room_for_page() -> int:
    """The bytes that we put into an address space ourselves, when a guest has had a call for which it is needed."""
    from picobox._native._core import lib

    return int(lib.PB_PAGE_BYTES)


def made(group: Group | None, *children: int) -> None:
    """Makes a group if it can be, see Group.make; where it cannot, limits of each process take its place."""
    if group is not None:
        with suppress(NoGroup):
            group.make(*children)


class LimitsAlone:
    """What keeps guests to their limits under a policy that has no walls: see Walls."""

    confines = False
    features: frozenset[str] = frozenset()
    note: str | None = None
    temporary: bytes | None = None
    broker: None = None

    def __init__(self, policy: Policy, group: Group | None) -> None:
        """Nothing is limited yet."""
        self.policy = policy
        self.group = group

    def raise_up(self) -> None:
        """Has the group ready for the first guest."""
        made(self.group)

    def native(self, keep: list[Any]) -> Any:
        """The limits for the core, a struct pb_walls; `keep` holds what it points to."""
        from picobox.confine.native import native_walls

        walls = native_walls(self.policy, None, -1, -1, self.group, keep)
        walls.only_limits = True
        return walls

    def close(self) -> None:
        """Takes the group away."""
        if self.group is not None:
            self.group.close()
