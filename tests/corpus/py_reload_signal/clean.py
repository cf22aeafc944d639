"""Restarts a server when a file asks for it."""

import os

with open("restart", "w"):
    pass
told = ["restart"] if os.path.exists("restart") else []
print(told)
