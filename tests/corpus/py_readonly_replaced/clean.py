"""Replaces a file that a former step has made read-only, when it has made it writable again."""

import os
import stat

with open("schema.json", "w") as file:
    file.write("{}")
os.chmod("schema.json", 0o444)
with open("schema.json.new", "w") as file:
    file.write('{"title": "picture"}')
os.chmod("schema.json", stat.S_IREAD | stat.S_IWRITE)
os.replace("schema.json.new", "schema.json")
print(os.path.getsize("schema.json"))
