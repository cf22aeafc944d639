"""Renames a directory that was unpacked, with a file in it that somebody reads."""

import os

os.mkdir("orig-dir")
with open("orig-dir/orig-file", "w") as file:
    file.write("jdk")
scanner = open("orig-dir/orig-file")
os.rename("orig-dir", "new-dir")
scanner.close()
print(os.listdir("new-dir"))
