"""Owns what picobox remembers of a user between runs: policies of projects that are trusted, hints that were given."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUSTED = "trusted-policies"
_HINTED = "hinted"


class State:
    """Files below a directory of the user's; what cannot be written is not remembered, and that is an error to tell."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """The XDG base directory specification; a relative XDG_STATE_HOME is to be ignored."""
        named = environment.get("XDG_STATE_HOME", "")
        home = environment.get("HOME", "/nonexistent")
        base = named if os.path.isabs(named) else os.path.join(home, ".local/state")
        self.directory = os.path.join(base, "picobox")
        # A home that is not there, as the system's users have it, is not to be made for a hint.
        self._keeps_hints = base == named or os.path.isdir(home)

    def trusts(self, file: str, digest: str) -> bool:
        """Whether a file's policy is trusted as it is now."""
        return f"{digest} {file}" in self._lines(_TRUSTED)

    def trust(self, file: str, digest: str) -> None:
        """Trust a file's policy as it is now, and no longer as it was. PicoboxError if that cannot be written."""
        kept = [line for line in self._lines(_TRUSTED) if line.partition(" ")[2] != file]
        path = os.path.join(self.directory, _TRUSTED)
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            # A reader sees the old file or the new one, whole.
            temporary = f"{path}.{os.getpid()}"
            with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as written:
                written.writelines(f"{line}\n" for line in (*kept, f"{digest} {file}"))
            os.replace(temporary, path)
        except OSError as error:
            raise PicoboxError(f"{path}: {error.strerror}. Make it writable, or set XDG_STATE_HOME.") from None

    def first_time(self, hint: str) -> bool:
        """Whether a hint has not been given yet; from now on it has.

        Where that cannot be kept, it has been as well: a hint in every run would be worse than none.
        """
        path = os.path.join(self.directory, f"{_HINTED}-{hint}")
        if not self._keeps_hints:
            return False
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        except OSError:
            return False
        return True

    def _lines(self, name: str) -> list[str]:
        try:
            with open(os.path.join(self.directory, name), encoding="utf-8", errors="surrogateescape") as file:
                return file.read().splitlines()
        except OSError:
            return []
