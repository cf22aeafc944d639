"""The limits of a policy that the kernel keeps for each process (setrlimit(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.confine.policy import Limits

# asm-generic/resource.h: Python's module for it is a library to load.
_CPU, _FSIZE, _CORE, _NOFILE, _AS = 0, 1, 4, 7, 9
# Nothing else keeps a core from being piped to a program outside, which would run for the guest (core(5)): a limit of 0
# says only that no file is written (fs/coredump.c).
_NO_CORE = 1


def kernel_limits(limits: Limits) -> list[tuple[int, int]]:
    """Resources of setrlimit(2) and the most that a process gets of each; who lowers one cannot raise it again."""
    wanted = (
        (_AS, limits.memory),
        (_NOFILE, limits.open_files),
        (_FSIZE, limits.file_size),
        (_CPU, None if limits.cpu_time is None else -int(-limits.cpu_time // 1)),
        (_CORE, _NO_CORE),
    )
    return [(number, most) for number, most in wanted if most is not None]
