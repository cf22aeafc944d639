"""Owns a run's side of the socket as long as nobody comes: it costs little, and loads nothing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from errno import EADDRINUSE

from picobox.inspection import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from picobox.inspection.serving import Serving
    from picobox.supervisor import Supervisor


class Door:
    """Where somebody may come and ask about a run; closed until `open`."""

    def __init__(self) -> None:
        """Keeps to the directory of the socket, which cannot be reached behind walls that are to be raised.

        Where there is none that is the user's alone, the run cannot be asked.
        """
        self._directory = self._listener = -1
        self._name = b"%d" % os.getpid()
        self._supervisor: Supervisor | None = None
        self._serving: Serving | None = None
        with suppress(OSError):
            self._directory = place.opened(place.directory(os.environb), makes=True)

    def open(self, supervisor: Supervisor) -> None:
        """From now on SIGIO, of which there must be a doorbell already, tells that somebody has come."""
        if self._directory < 0:
            return
        try:
            from picobox._native._core import lib
        except ImportError:
            return  # it was not built: the reference platform does without
        self._supervisor = supervisor
        self._listener = lib.pb_door_open(self._directory, self._name)
        if self._listener == -EADDRINUSE:
            # One that had our number was killed.
            self._unlink()
            self._listener = lib.pb_door_open(self._directory, self._name)

    def take_in(self, connection: int, supervisor: Supervisor) -> None:
        """Answers what of the run's own is at the other end of a socket, too. There must be a doorbell already."""
        from picobox._native._core import lib

        self._supervisor = supervisor
        if self._serving is None:
            self._serving = _serving(supervisor)
        lib.pb_door_ring(connection)
        self._serving.welcome(connection, is_own=True)

    def rung(self) -> None:
        """Takes in whoever has come, and answers. To be called in the supervisor's loop, for each SIGIO."""
        if self._supervisor is None:
            return
        from picobox._native._core import lib

        while self._listener >= 0 and (connection := lib.pb_door_accept(self._listener)) >= 0:
            if self._serving is None:
                self._serving = _serving(self._supervisor)
            self._serving.welcome(connection)
        if self._serving is not None:
            self._serving.hear()

    def close(self) -> None:
        """Nobody can ask any more. Before the doorbell is closed: SIGIO would end the process."""
        if self._serving is not None:
            self._serving.close()
            self._serving = None
        if self._listener >= 0:
            self._unlink()
            os.close(self._listener)
            self._listener = -1
        if self._directory >= 0:
            os.close(self._directory)
            self._directory = -1

    def _unlink(self) -> None:
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._directory)


def _serving(supervisor: Supervisor) -> Serving:
    """Loads what answers: the library's part of it from the interpreter's own places alone.

    By now guests run, who may write in the working directory, or in others that a user has named.
    """
    library = os.path.dirname(os.__file__)
    paths = sys.path[:]
    sys.path[:] = [path for path in paths if path.startswith(library)]
    try:
        from picobox.inspection.serving import Serving
    finally:
        sys.path[:] = paths
    return Serving(supervisor)
