"""Replaces closed files while others beside them are open."""

import os

with open("log", "w") as log:
    for number in range(5):
        with open("state.tmp", "w") as file:
            file.write(str(number))
        os.replace("state.tmp", "state")
        log.write(f"{number}\n")
os.mkdir("version-1")
with open("version-1/file", "w") as file:
    file.write("1")
with open("state") as state:
    os.rename("version-1", "version-2")
    print(state.read(), os.listdir("version-2"))
os.remove("state")
