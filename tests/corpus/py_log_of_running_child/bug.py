"""Runs a program whose output goes to a log, and removes the log while the program still runs."""

import os
import subprocess

with open("child.log", "w") as log:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
os.remove("child.log")
child.stdin.close()
print(child.wait())
