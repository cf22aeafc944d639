"""Named temporary files that are opened a second time in ways that Windows takes."""

import os
import subprocess
import tempfile

KEPT = {"mode": "w", "delete": False}
with tempfile.NamedTemporaryFile("w", delete=os.name != "nt") as file:
    file.write("chosen")
    file.flush()
    with open(file.name) as again:
        print(again.read())
with tempfile.NamedTemporaryFile("w") as file:
    file.write("shared")
    file.flush()
    read = "process.stdout.write(require('fs').readFileSync(process.argv[1]))"
    subprocess.check_call(["node", "-e", read, file.name])
with tempfile.NamedTemporaryFile(**KEPT) as file:
    file.write("\nkept\n")
    file.flush()
    with open(file.name) as again:
        print(again.read())
os.remove(file.name)
