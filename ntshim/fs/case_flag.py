"""The flag of a directory of the host in which case counts: an extended attribute, its value, what forbids a change."""

from __future__ import annotations

import errno
import os

from ntshim.fs.view import fold

CASE_XATTR = "user.picobox.case"  # of a directory: "1" if it is case-sensitive


def case_flag(directory: int | bytes) -> bool:
    """Whether a directory of the host, a descriptor or a path, is flagged as case-sensitive. Raises OSError."""
    try:
        return os.getxattr(directory, CASE_XATTR) == b"1"
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.ENOTSUP):
            raise
        return False


def set_case_flag(directory: int | bytes, flagged: bool) -> None:
    """Flag a directory, or take its flag away. Raises OSError."""
    if flagged:
        os.setxattr(directory, CASE_XATTR, b"1")
    elif case_flag(directory):
        os.removexattr(directory, CASE_XATTR)


def differ_in_case(directory: int | bytes) -> bool:
    """Whether a directory holds names that are one where case does not count. Raises OSError."""
    names = [fold(os.fsencode(name)) for name in os.listdir(directory)]
    return len(set(names)) < len(names)
