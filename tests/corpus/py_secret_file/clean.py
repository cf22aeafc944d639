"""Protects a file of credentials from others where modes can do that."""

import os

with open("credentials", "w") as file:
    file.write("token\n")
os.chmod("credentials", 0o600)
print("protected")
