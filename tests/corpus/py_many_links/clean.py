"""Puts the same licence into each package of a store by hard links, and copies it once it has a thousand names."""

import os
import shutil

os.mkdir("store")
with open("store/license", "w") as file:
    file.write("MIT\n")
source = "store/license"
for number in range(1100):
    name = f"store/license-{number}"
    if os.stat(source).st_nlink >= 1000:
        shutil.copyfile(source, name)
        source = name
    else:
        os.link(source, name)
print(len(os.listdir("store")))
