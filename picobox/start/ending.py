"""Ends this process without taking down the interpreter, which would cost a short run more than its program."""

from __future__ import annotations

import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def leave(status: int) -> NoReturn:
    """Ends as sys.exit does: after the routines for the end, with everything written. Status 0 to 255."""
    # Threads of Python's are waited for by the interpreter, which also tells what cannot be written.
    if "threading" not in sys.modules and _is_written():
        atexit._run_exitfuncs()  # noqa: SLF001  (as os._exit, it has no other name)
        if _is_written():
            os._exit(status)
    sys.exit(status)


def _is_written() -> bool:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True
