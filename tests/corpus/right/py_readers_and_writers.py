"""One file that several have open at a time: runtimes share reading and writing."""

import os

with open("shared", "w") as first, open("shared", "a") as second, open("shared") as reader:
    first.write("one")
    first.flush()
    second.write("two")
    second.flush()
    print(reader.read())
    os.truncate("shared", 3)
    print(os.path.getsize("shared"))
    with open("shared", "r+") as third:
        third.write("ONE")
with open("shared") as reader, open("other", "w") as other:
    other.write(reader.read())
    os.link("other", "another")
print(open("another").read())
