"""Makes a temporary file for a test, closes its descriptor at once, and removes it afterwards."""

import os
import tempfile

descriptor, path = tempfile.mkstemp(prefix="case-")
os.close(descriptor)
with open(path, "w") as file:
    file.write("input")
os.remove(path)
print(os.path.exists(path))
