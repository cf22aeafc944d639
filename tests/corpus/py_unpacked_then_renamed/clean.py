"""Renames a directory that was unpacked, when nobody reads anything in it."""

import os

os.mkdir("orig-dir")
with open("orig-dir/orig-file", "w") as file:
    file.write("jdk")
with open("orig-dir/orig-file") as scanner:
    scanner.read()
os.rename("orig-dir", "new-dir")
print(os.listdir("new-dir"))
