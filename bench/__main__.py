"""`python -m bench`: the calls, the workloads, the executive and the scan of names in one run and one report."""

from __future__ import annotations

import sys

from bench import calls, workloads
from bench.session import EXECUTIVE, MEMORY, NAMES, main

sys.exit(main("bench", [calls.rows, workloads.rows], (EXECUTIVE, MEMORY, NAMES)))
