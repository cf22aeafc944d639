"""`python -m bench`: the calls and the workloads in one run and one report."""

from __future__ import annotations

import sys

from bench import calls, workloads
from bench.session import main

sys.exit(main("bench", [calls.rows, workloads.rows], weigh=True))
