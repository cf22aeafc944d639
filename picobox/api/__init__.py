"""The Python API: programs under a supervisor of their own, shaped as `subprocess` shapes them (docs/python-api.md)."""
