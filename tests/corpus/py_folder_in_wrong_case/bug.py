"""Goes to a folder by a name that differs from the stored one in case."""

import os

os.mkdir("Sources")
try:
    os.chdir("sources")
except FileNotFoundError:
    os.chdir("Sources")
print(os.listdir())
