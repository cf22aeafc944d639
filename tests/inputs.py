"""The files of others that tests read: what `.ci/inputs.toml` says of them, and where `.ci/run fetch` has put them."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parent.parent
TABLE = REPOSITORY / ".ci" / "inputs.toml"
CACHE = REPOSITORY / ".cache" / "inputs"


class Input(NamedTuple):
    """One entry of the table, which tells what its fields mean; `name` is what tests call it."""

    name: str
    pypi: str
    file: str
    sha256: str
    member: str = ""
    full: bool = False

    def path(self, cache: Path = CACHE) -> Path:
        """Where it is kept. Its hash is in the path, so that another release never stands in its place."""
        return cache / self.sha256[:16] / (self.member or self.file).rpartition("/")[2]

    def is_sound(self, data: bytes) -> bool:
        """Whether these are the pinned bytes."""
        return hashlib.sha256(data).hexdigest() == self.sha256


class MissingInputError(Exception):
    """An input is not in the cache, or is not what was pinned; the text names cause and remedy."""


def load(table: Path = TABLE) -> dict[str, Input]:
    """All entries by their names. A key that no entry has is an error."""
    return {name: Input(name, **entry) for name, entry in tomllib.loads(table.read_text()).items()}


def input_file(name: str, cache: Path = CACHE) -> Path:
    """The path of an input, whose bytes have just been compared with the pinned hash.

    Raises MissingInputError if it is not there or differs, KeyError if the table does not name it.
    """
    wanted = load()[name]
    path = wanted.path(cache)
    if not path.exists():
        raise MissingInputError(f"input {name} is not in {path}: run `.ci/run fetch` once, with a network")
    if not wanted.is_sound(path.read_bytes()):
        raise MissingInputError(f"input {name} is not what .ci/inputs.toml pins: delete {path}, run `.ci/run fetch`")
    return path
