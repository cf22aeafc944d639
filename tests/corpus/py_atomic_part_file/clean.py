"""Writes a file under another name and moves it into place when it is closed."""

import os

with open("result.json.part", "w") as part:
    part.write("{}\n")
os.rename("result.json.part", "result.json")
print(os.path.getsize("result.json"))
