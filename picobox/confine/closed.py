"""Opens the directories of a layer that their owner has closed to himself, and closes them again whatever happens."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from picobox.confine.layers import write_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.confine.layers import Layer

_FILE = b"closed.json"


@contextmanager
def readable(layer: Layer) -> Iterator[None]:
    """For as long as it lasts, all directories of a layer can be read, and its parts know their modes.

    Needs the layer's lock, and that no run has it mounted. Root may read them anyway. Modes are noted before they are
    changed: whoever has the layer next sets them right if this process is killed.
    """
    file = os.path.join(layer.path, _FILE)
    modes = _noted(file)
    _close(layer, modes)
    if os.geteuid():
        modes = _open(layer, file)
    layer.parts = [part._replace(modes=modes.get(number, {})) for number, part in enumerate(layer.parts)]
    try:
        yield
    finally:
        layer.parts = [part._replace(modes={}) for part in layer.parts]
        _close(layer, modes)
        with suppress(FileNotFoundError):
            os.unlink(file)


def _open(layer: Layer, file: bytes) -> dict[int, dict[bytes, int]]:
    modes: dict[int, dict[bytes, int]] = {}
    for number, part in enumerate(layer.parts):
        stack = [b""]
        while stack:
            path = stack.pop()
            whole = os.path.join(part.upper, path) if path else part.upper
            mode = stat.S_IMODE(os.lstat(whole).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                modes.setdefault(number, {})[path] = mode
                write_file(file, _as_json(modes))
                os.chmod(whole, mode | stat.S_IRWXU)
            with os.scandir(whole) as entries:
                stack += [os.path.join(path, entry.name) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return modes


def _close(layer: Layer, modes: dict[int, dict[bytes, int]]) -> None:
    """Sets modes as they were, the inner directories first."""
    for number, part in enumerate(layer.parts):
        for path, mode in sorted(modes.get(number, {}).items(), reverse=True):
            with suppress(FileNotFoundError):
                os.chmod(os.path.join(part.upper, path) if path else part.upper, mode)


def _noted(file: bytes) -> dict[int, dict[bytes, int]]:
    try:
        with open(file, "rb") as noted:
            record = json.load(noted)
    except FileNotFoundError:
        return {}
    return {int(number): {os.fsencode(path): mode for path, mode in modes.items()} for number, modes in record.items()}


def _as_json(modes: dict[int, dict[bytes, int]]) -> bytes:
    record = {number: {os.fsdecode(path): mode for path, mode in each.items()} for number, each in modes.items()}
    return json.dumps(record).encode()
