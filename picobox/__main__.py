"""`python -m picobox`: the command without its script."""

from __future__ import annotations

from picobox.cli import command

command()
