"""Makes a repository, stores an object in it, and removes all of it: git's objects are read-only."""

import shutil
import subprocess

subprocess.run(["git", "init", "-q", "checkout"], check=True)
subprocess.run(["git", "-C", "checkout", "hash-object", "-w", "--stdin"], input=b"text\n", check=True)
shutil.rmtree("checkout")
