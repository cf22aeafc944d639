"""Uninstalls a tool when its processes have ended."""

import os
import shutil
import subprocess

shutil.copy(shutil.which("cat"), "tool")
tool = subprocess.Popen([os.path.abspath("tool")], stdin=subprocess.PIPE)
tool.stdin.close()
print(tool.wait())
os.remove("tool")
