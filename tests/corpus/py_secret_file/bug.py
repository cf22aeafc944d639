"""Protects a file of credentials from others, and makes sure that it is protected."""

import os
import stat

with open("credentials", "w") as file:
    file.write("token\n")
os.chmod("credentials", 0o600)
assert stat.S_IMODE(os.stat("credentials").st_mode) == 0o600
print("protected")
