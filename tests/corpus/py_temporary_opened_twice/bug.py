"""Captures samples into a named temporary file, and reads them back by its name while it is still open."""

import tempfile

with tempfile.NamedTemporaryFile(suffix=".bin") as capture:
    capture.write(bytes(64))
    capture.flush()
    with open(capture.name, "rb") as samples:
        print(len(samples.read()))
