"""Marks a file as changed by the smallest step of time, and looks whether it counts as changed."""

import os

with open("server", "w") as file:
    file.write("binary")
os.utime("server", ns=(1785000000000000001, 1785000000000000001))
print(os.stat("server").st_mtime_ns == 1785000000000000001)
