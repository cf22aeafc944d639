"""Makes a key that only its owner may read, and makes sure of that."""

import os
import stat

old = os.umask(0o077)
os.mkdir("keys")
os.umask(old)
with os.fdopen(os.open("keys/id", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
    file.write("key\n")
mode = stat.S_IMODE(os.stat("keys/id").st_mode)
if mode & 0o077:
    raise SystemExit(f"keys/id may be read by others: {mode:o}")
print("private")
