"""Starts the process that supervises a program of the Python API, as a command of ours starts: fast, and on its own."""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def command() -> NoReturn:
    """Serves the client whose descriptors this process's two arguments name, and ends the process."""
    from picobox.cli import collector
    from picobox.start import loader
    from picobox.start.ending import leave

    loader.install()
    collector.wait()
    from picobox.api.serving import serve

    try:
        status = serve(*map(int, sys.argv[1:]))
    finally:
        gc.freeze()
    leave(status)
