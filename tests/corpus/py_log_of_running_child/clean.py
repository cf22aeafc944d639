"""Runs a program whose output goes to a log, and removes the log when the program has ended."""

import os
import subprocess

with open("child.log", "w") as log:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
child.stdin.close()
print(child.wait())
os.remove("child.log")
