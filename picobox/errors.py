"""The exceptions of the Linux side."""

from __future__ import annotations

import os


class PicoboxError(Exception):
    """Something that picobox itself could not do; the text names cause and remedy in one line."""


class PlatformError(PicoboxError):
    """This machine does not let picobox run programs; `doctor` tells more."""


class SpawnError(PicoboxError):
    """The command could not be started. `status` is what a shell would exit with: 126 or 127, or 125 for ours.

    `errno` is the error number of the step that failed, 0 if it is not known.
    """

    def __init__(self, message: str, status: int, errno: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.errno = errno


class Errno(Exception):
    """A Linux call fails with `errno`, a positive error number."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno

    def __str__(self) -> str:
        return os.strerror(self.errno)
