"""Owns what a question to a run may be: whatever else somebody says is refused before anything looks at it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from picobox.inspection.wire import plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from picobox.inspection.wire import Json

_MOST_PID = (1 << 31) - 1
_MOST_DEPTH = 1 << 31
_MOST_ROWS = 1 << 31
# A device or an inode, as stat(2) has them.
_MOST_NUMBER = (1 << 64) - 1


class Question(NamedTuple):
    """What is asked, and about what: a process, a file by device and inode, a path as os.fsdecode gives it.

    `windows_name`: a file as Windows spells it. `names`: the components of a path of NT's, which may hold any other
    character; `depth`: how far below it; `most`: the number of rows that may be told.
    """

    ask: str
    pid: int | None = None
    file: tuple[int, int] | None = None
    path: str | None = None
    names: tuple[str, ...] | None = None
    depth: int | None = None
    windows_name: str | None = None
    most: int | None = None


def question(said: bytes, known: Collection[str]) -> Question:
    """What a message asks, which is one of what is known; ValueError: it is no question, and why."""
    request = _object(said)
    ask = request.get("ask")
    if not isinstance(ask, str) or ask not in known:
        raise ValueError(f"ask for one of: {', '.join(known)}")
    pid = request.get("pid")
    if pid is not None and not _is_number(pid, _MOST_PID):
        raise ValueError(f"{ask}: pid is the number of a process")
    depth = request.get("depth")
    if depth is not None and not _is_number(depth, _MOST_DEPTH):
        raise ValueError(f"{ask}: depth is a number, 0 for the object alone")
    most = request.get("most")
    if most is not None and not _is_number(most, _MOST_ROWS):
        raise ValueError(f"{ask}: most is a number of rows")
    names = _names(ask, request.get("names"))
    file, path = _file(ask, request.get("file")), _path(ask, request.get("path"))
    return Question(ask, pid, file, path, names, depth, _path(ask, request.get("windows_name")), most)


def _object(said: bytes) -> Json:
    try:
        request = json.loads(said, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    if not isinstance(request, dict):
        raise ValueError("ask with a JSON object")  # noqa: TRY004  (what was said is wrong, not a type of ours)
    return request


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _file(ask: str, file: object) -> tuple[int, int] | None:
    if file is None:
        return None
    if not isinstance(file, list) or len(file) != 2 or not all(_is_number(each, _MOST_NUMBER) for each in file):
        raise ValueError(f"{ask}: file is a device and an inode, two numbers")
    return file[0], file[1]


def _path(ask: str, path: object) -> str | None:
    if path is None:
        return None
    words = path.get("b64") if isinstance(path, dict) else path
    if not isinstance(words, str):
        raise ValueError(f'{ask}: path is a string or {{"b64": ...}}')  # noqa: TRY004
    try:
        text = plain(words if isinstance(path, str) else {"b64": words})
        os.fsencode(text)
    except ValueError:
        raise ValueError(f"{ask}: path is neither text nor bytes") from None
    return text


def _names(ask: str, names: object) -> tuple[str, ...] | None:
    """Names of NT's, whose units need be no Unicode: bytes are WTF-8."""
    if names is None:
        return None
    if not isinstance(names, list):
        raise ValueError(f"{ask}: names is a list")  # noqa: TRY004
    texts = [_path(ask, name) or "" for name in names]
    try:
        return tuple(os.fsencode(text).decode("utf-8", "surrogatepass") for text in texts)
    except ValueError:
        raise ValueError(f"{ask}: names are neither text nor WTF-8") from None


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
