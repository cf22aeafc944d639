"""Suites of other projects, and releases of theirs with a bug on Windows, under `picobox check`."""
