"""Imports modules of its own, which leaves compiled ones in `__pycache__`, and makes them anew."""

import importlib
import os
import shutil
import sys

sys.dont_write_bytecode = False
os.mkdir("package")
for name, text in {"__init__": "", "one": "VALUE = 1", "two": "from package.one import VALUE"}.items():
    with open(f"package/{name}.py", "w") as file:
        file.write(text)
sys.path.insert(0, os.getcwd())
importlib.invalidate_caches()
two = importlib.import_module("package.two")
with open("package/two.py", "w") as file:
    file.write("VALUE = 22")
print(importlib.reload(two).VALUE)
shutil.rmtree("package")
