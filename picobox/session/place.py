"""Owns where the session manager keeps things: below one directory of the user's, which nobody else may enter."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN = 0o700


class SessionPlace:
    """Paths, as text: the store, the locks beside it, and where instances lie whose directory nobody has named.

    Locks lie beside the store and not below XDG_RUNTIME_DIR: a job without a login has none, and would see no instance
    of those that run.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """The XDG base directory specification; a relative XDG_DATA_HOME is to be ignored."""
        home = environment.get("XDG_DATA_HOME", "")
        base = home if os.path.isabs(home) else os.path.join(environment.get("HOME", "/nonexistent"), ".local/share")
        self.directory = os.path.join(base, "picobox")
        self.registry = os.path.join(self.directory, "registry")
        self.transactions = os.path.join(self.directory, "registry.transactions")
        self.locks = os.path.join(self.directory, "locks")
        self.running = os.path.join(self.directory, "running")
        self.sockets = os.path.join(self.directory, "sockets")
        self.instances = os.path.join(self.directory, "instances")

    def make(self) -> None:
        """Makes the directories. PicoboxError if that fails, or if others may write there."""
        try:
            for path in (self.directory, self.locks, self.running, self.sockets, self.instances):
                os.makedirs(path, mode=_OWN, exist_ok=True)
            status = os.stat(self.directory)
        except OSError as error:
            raise PicoboxError(
                f"{error.filename or self.directory}: {error.strerror}. Make it writable, or set XDG_DATA_HOME."
            ) from None
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
            raise PicoboxError(
                f"{self.directory}: others may write there. `chmod 700` it and see that it is yours, "
                "or set XDG_DATA_HOME."
            )
