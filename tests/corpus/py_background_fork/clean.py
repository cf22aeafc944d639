"""Has a program of its own write its result to a file."""

import subprocess
import sys

subprocess.run([sys.executable, "-c", "open('result', 'w').write('42')"], check=True)
with open("result") as file:
    print(file.read())
