"""Pages a text whose making fails, through the temporary file that click uses on Windows."""

# mypy: ignore-errors

import inspect
import sys
from contextlib import contextmanager, suppress

from click import _termui_impl as termui


class Broken(Exception):
    """What the user's generator raises."""


pager = inspect.unwrap(termui._tempfilepager)
command = (sys.executable, []) if "cmd_params" in inspect.signature(pager).parameters else ([sys.executable],)
with suppress(Broken), contextmanager(pager)(*command):
    raise Broken
