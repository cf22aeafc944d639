"""Makes a temporary file for a test and removes it afterwards, with the descriptor still open."""

import os
import tempfile

descriptor, path = tempfile.mkstemp(prefix="case-")
with open(path, "w") as file:
    file.write("input")
os.remove(path)
print(os.path.exists(path))
