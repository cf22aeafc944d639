"""Captures samples into a named temporary file, and reads them back once it is closed."""

import os
import tempfile

with tempfile.NamedTemporaryFile(suffix=".bin", delete=False) as capture:
    capture.write(bytes(64))
with open(capture.name, "rb") as samples:
    print(len(samples.read()))
os.remove(capture.name)
