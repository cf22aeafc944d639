"""The limits of a policy that the kernel keeps for each process (setrlimit(2))."""

from __future__ import annotations

import math
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picobox.confine.policy import Limits

# Nothing else keeps a core from being piped to a program outside, which would run for the guest (core(5)): a limit of 0
# says only that no file is written (fs/coredump.c).
_NO_CORE = 1


def kernel_limits(limits: Limits) -> list[tuple[int, int]]:
    """Resources of setrlimit(2) and the most that a process gets of each; who lowers one cannot raise it again."""
    wanted = (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_CPU, None if limits.cpu_time is None else math.ceil(limits.cpu_time)),
        (resource.RLIMIT_CORE, _NO_CORE),
    )
    return [(number, most) for number, most in wanted if most is not None]
