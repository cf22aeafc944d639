r"""Translates paths between Windows and Linux by a table of mounts, as wslpath does (facts/wsl1.md section 6.2).

Only texts are looked at; what links lead to, and where one is, the caller says.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ntshim.lx.errors import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ntshim.fs.rules import VolumeRules

_DRIVE = re.compile(r"([A-Za-z]):(/.*)?", re.DOTALL)
_LONG = "\\\\?\\"
_ESCAPE = re.compile(r"\\([0-7]{3})")


def drive_mounts(mountinfo: str) -> dict[str, str]:
    """Where each drive is mounted, by its letter in capitals; lines that make no sense are left out."""
    found = {}
    for line in mountinfo.splitlines():
        head, _, tail = line.partition(" - ")
        fields, kind = head.split(" "), tail.split(" ")
        if len(fields) < 6 or len(kind) < 2 or kind[0] != "drvfs":
            continue
        drive = _DRIVE.fullmatch(_plain(kind[1]).replace("\\", "/"))
        if drive is not None:
            found[drive[1].upper()] = _plain(fields[4])
    return found


def _plain(field: str) -> str:
    """A field of mountinfo without its escapes (proc(5))."""
    return _ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), field)


def to_linux(path: str, drives: Mapping[str, str], *, absolute: bool = False, working_directory: str = "/") -> str:
    """The Linux path of a Windows one. A relative one stays so unless it is to be `absolute`.

    EINVAL for a drive that is not mounted, for other kinds of paths, and for `..` above a root.
    """
    path = path.removeprefix(_LONG).replace("\\", "/")
    drive = _DRIVE.match(path)
    if drive is not None:
        root = drives.get(drive[1].upper())
        if root is None or drive[2] is None:
            raise failure("EINVAL")
        return _joined(root, _resolved(drive[2]))
    if not path or path.startswith("/"):
        raise failure("EINVAL")
    return _joined(working_directory, path) if absolute else path


def _resolved(path: str) -> str:
    """An absolute path without dots; a slash at its end stays."""
    components: list[str] = []
    for component in path.split("/"):
        if component == "..":
            if not components:
                raise failure("EINVAL")
            components.pop()
        elif component not in ("", "."):
            components.append(component)
    return "/" + "/".join(components) + ("/" if path.endswith("/") and components else "")


def _joined(root: str, path: str) -> str:
    return root.rstrip("/") + "/" + path.removeprefix("/")


def to_windows(
    path: str,
    drives: Mapping[str, str],
    rules: VolumeRules,
    *,
    absolute: bool = False,
    working_directory: str = "/",
    real: Callable[[str], str] = lambda path: path,
    root_name: str = "",
) -> str:
    r"""The Windows path of a Linux one, what NTFS forbids escaped by `rules`; links are followed by `real`.

    A relative one that stays below the working directory stays relative unless it is to be `absolute`. What is on no
    drive is `\\wsl$\` and `root_name` if there is one, else EINVAL.
    """
    if not path:
        raise failure("EINVAL")
    slash = "\\" if path.endswith("/") else ""
    found = posixpath.normpath(real(posixpath.join(working_directory, path)))
    below = _below(found, posixpath.normpath(real(working_directory)))
    if below and not absolute and not path.startswith("/"):
        return _windows_form(below, rules) + slash
    best: tuple[str, str, str] | None = None
    for letter, root in drives.items():
        rest = _below(found, root)
        if rest is not None and (best is None or len(root) > len(best[1])):
            best = letter, root, rest
    if best is not None:
        rest = _windows_form(best[2], rules)
        return f"{best[0]}:\\{rest}" + (slash if rest else "")
    if not root_name:
        raise failure("EINVAL")
    rest = _windows_form(found.lstrip("/"), rules)
    return f"\\\\wsl$\\{root_name}\\{rest}" + (slash if rest else "")


def _below(path: str, directory: str) -> str | None:
    """What of a path lies below a directory: nothing if it is the directory itself, None if it lies elsewhere."""
    prefix = directory.rstrip("/") + "/"
    if path.rstrip("/") + "/" == prefix:
        return ""
    return path[len(prefix) :] if path.startswith(prefix) else None


def _windows_form(path: str, rules: VolumeRules) -> str:
    return "\\".join(rules.escape(component) for component in path.split("/"))
