"""Uninstalls a tool that one of its own processes still runs."""

import os
import shutil
import subprocess

shutil.copy(shutil.which("cat"), "tool")
tool = subprocess.Popen([os.path.abspath("tool")], stdin=subprocess.PIPE)
os.remove("tool")
tool.stdin.close()
print(tool.wait())
