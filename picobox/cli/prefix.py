"""What --windows-prefix says: the Windows path for which a directory stands."""

from __future__ import annotations

import re

from ntshim.fs.names import check_component
from ntshim.status import NtError
from picobox.errors import PicoboxError


def windows_prefix(given: str | None, name: str) -> str:
    """The Windows path of a directory called `name`; as GitHub's runners have it unless one is given."""
    if given is None:
        return f"D:\\a\\{name}\\{name}" if name else "D:"
    prefix = given.replace("/", "\\").rstrip("\\")
    drive, *components = prefix.split("\\")
    try:
        for component in components:
            check_component(component)
    except NtError:
        components = [""]
    if re.fullmatch("[A-Za-z]:", drive) is None or "" in components:
        raise PicoboxError(rf"--windows-prefix {given}: write a full Windows path, such as D:\src\project")
    return prefix
