"""Owns what who serves the tree sees of the supervisor from outside: which tasks are its own, and what it waits in."""

from __future__ import annotations

import os

# proc_pid_stat(5): a wait that nothing interrupts, and stops by a signal or a tracer.
UNINTERRUPTIBLE = b"D"
STOPPED = (b"T", b"t")
_MOST_STAT = 4096


class Watched:
    """A process, by descriptors of its own: a /proc mounted with hidepid opens nothing of it to anybody else."""

    def __init__(self) -> None:
        """Of the process that makes it, which is to fork whoever looks."""
        self._pid = os.getpid()
        self._tasks = os.open("/proc/self/task", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._stat = os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def fds(self) -> tuple[int, int]:
        """What is open for it."""
        return self._tasks, self._stat

    def includes(self, task: int) -> bool:
        """Whether a task is one of its own. With hidepid only the first one is known, which looks files up."""
        return task == self._pid or os.access(str(task), os.F_OK, dir_fd=self._tasks)

    def state(self) -> bytes:
        """The letter of proc_pid_stat(5); empty if it is gone."""
        try:
            line = os.pread(self._stat, _MOST_STAT, 0)
        except OSError:
            return b""
        return line.rpartition(b")")[2].split()[0]

    def close(self) -> None:
        """Nobody looks any more."""
        for fd in self.fds:
            os.close(fd)
