"""Writes a report whose name tells when it was made."""

import os
import time

os.mkdir("data")
stamp = time.strftime("%Y-%m-%d_%H:%M:%S", time.gmtime(1613392820))
with open(f"data/repositories_{stamp}.csv", "w") as report:
    report.write("name,stars\n")
print(len(os.listdir("data")))
