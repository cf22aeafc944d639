"""Makes a repository, stores an object in it, and removes all of it, with what is read-only made writable."""

import os
import shutil
import stat
import subprocess

subprocess.run(["git", "init", "-q", "checkout"], check=True)
subprocess.run(["git", "-C", "checkout", "hash-object", "-w", "--stdin"], input=b"text\n", check=True)
for directory, _, files in os.walk("checkout"):
    for file in files:
        os.chmod(os.path.join(directory, file), stat.S_IWRITE | stat.S_IREAD)
shutil.rmtree("checkout")
