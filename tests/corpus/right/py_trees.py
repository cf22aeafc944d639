"""Walks, copies, moves and removes trees; the descriptors by which Python does that on Linux are its own affair."""

import os
import pathlib
import shutil

for number in range(3):
    os.makedirs(f"tree/{number}/below/deep")
    pathlib.Path(f"tree/{number}/below/deep/file").write_text("x")
print(sum(len(files) for _, _, files in os.walk("tree")))
shutil.copytree("tree", "copy")
with os.scandir("copy") as entries:
    names = sorted(entry.name for entry in entries)
shutil.move("copy", "moved")
shutil.rmtree("moved")
for entry in list(os.scandir("tree/0/below")):
    shutil.rmtree(entry.path)
os.removedirs("tree/0/below")
print(names, sorted(os.listdir("tree")))
shutil.rmtree("tree", ignore_errors=True)
print(os.path.exists("tree"))
