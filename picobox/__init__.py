"""Linux programs as pico processes on an NT executive in miniature."""

from __future__ import annotations

__version__ = "0.1.0"

# The package index has another project of this name; `doctor` looks for this to know which one was imported.
DISTRIBUTION = "picobox-nt"
