"""How a Linux operation on a WSL volume fails: with an errno, the one that WSL has for the status behind it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ntshim import status as st

if TYPE_CHECKING:
    from collections.abc import Iterator


class LxError(Exception):
    """A Linux operation fails with `errno`, a positive error number; `status` is the NTSTATUS behind it, or 0."""

    def __init__(self, errno: int, status: int = 0) -> None:
        """Keep both."""
        super().__init__(errno)
        self.errno = errno
        self.status = status


def failure(name: str, status: int = 0) -> LxError:
    """Give the failure of a name, such as "EINVAL": numbers are Linux' own, whatever the host."""
    return LxError(st.LINUX_ERRNO[name], status)


@contextmanager
def as_errno(context: str = "") -> Iterator[None]:
    """Turn a status into the errno that WSL gives for it (facts/wsl1.md section 2.6)."""
    try:
        yield
    except st.NtError as error:
        raise LxError(st.errno_of(error.status, "wsl", context), error.status) from None
