"""Starts the process that supervises a program of the Python API, as a command of ours starts: fast, and on its own."""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def command() -> NoReturn:
    """Serves the client whose descriptors this process's two arguments name, and ends the process."""
    from picobox.start import loader

    # Before anything else of ours, which it is to load.
    loader.install()
    from picobox.cli import collector
    from picobox.start.ending import leave

    collector.wait()
    from picobox.api.serving import serve

    try:
        status = serve(*map(int, sys.argv[1:]))
    finally:
        gc.freeze()
    leave(status)
