"""Publishes a version by renaming its directory to a name that nothing has."""

import os

os.mkdir("public")
os.mkdir("version")
with open("version/index", "w") as file:
    file.write("1")
os.rmdir("public")
os.rename("version", "public")
print(os.listdir("public"))
