"""What Win32 makes of the components of a path, one by one, before NT sees them."""

from __future__ import annotations

from ntshim.fs.names import FileName, check_component, split_stream, win32_component


def inner_component(name: str) -> str:
    """The name of a directory on the way: without one trailing dot (facts/nt.md section 4.2).

    Raises STATUS_OBJECT_NAME_INVALID for what NTFS cannot store.
    """
    stored = name.removesuffix(".")
    check_component(stored)
    return stored


def last_component(name: str) -> FileName:
    """The file itself, without trailing dots and spaces; with the name "" if nothing is left: the directory is meant.

    Raises STATUS_OBJECT_NAME_INVALID for what NTFS cannot store.
    """
    stored = win32_component(name)
    return split_stream(stored) if stored else FileName("")
