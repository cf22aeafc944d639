"""Marks a file as changed by a millisecond, and looks whether it counts as changed."""

import os

with open("server", "w") as file:
    file.write("binary")
os.utime("server", ns=(1785000000001000000, 1785000000001000000))
print(os.stat("server").st_mtime_ns == 1785000000001000000)
