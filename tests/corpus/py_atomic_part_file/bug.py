"""Writes a file under another name and moves it into place before it is closed."""

import os

part = open("result.json.part", "w")
part.write("{}\n")
part.flush()
os.rename("result.json.part", "result.json")
part.close()
print(os.path.getsize("result.json"))
