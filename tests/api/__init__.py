"""The Python API, as its users meet it."""
