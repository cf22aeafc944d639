"""Writes names as each system can hold them, by a choice that it makes itself."""

import os
import re
import sys

SEPARATOR = "-" if sys.platform == "win32" else ":"


def safe(name):
    if os.name == "nt":
        return re.sub(r'[<>:"/\\|?*]', "_", name).rstrip(". ")
    return name


for name in (f"12{SEPARATOR}30.log", safe("what now?"), safe("and so on...")):
    with open(name, "w") as file:
        file.write("text\n")
os.utime("12:30.log" if os.name == "posix" else "12-30.log", ns=(1, 123_456_789))
names = [name for name in os.listdir() if not name.endswith(".py")]
times = [os.stat(name).st_mtime_ns for name in names]
print(len(names), any(abs(time - 123_456_789) < 1000 for time in times))
