"""`python -m picobox`: the command without its script."""

from __future__ import annotations

import sys

from picobox.cli import main

sys.exit(main())
