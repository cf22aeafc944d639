"""Goes to a folder by the name under which it is stored."""

import os

os.mkdir("Sources")
try:
    os.chdir("other")
except FileNotFoundError:
    os.chdir("Sources")
print(os.listdir())
