"""`python -m bench`: calls, workloads, the executive, names, inspection and instances in one run and one report."""

from __future__ import annotations

import sys

from bench import calls, workloads
from bench.session import EXECUTIVE, INSTANCES, MEMORY, NAMES, WATCHED, main

sys.exit(main("bench", [calls.rows, workloads.rows], (EXECUTIVE, MEMORY, NAMES, WATCHED, INSTANCES)))
