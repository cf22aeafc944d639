"""Publishes a version by renaming its directory over one that was made for it."""

import os

os.mkdir("public")
os.mkdir("version")
with open("version/index", "w") as file:
    file.write("1")
os.rename("version", "public")
print(os.listdir("public"))
