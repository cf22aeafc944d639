"""Makes a key that only its owner may read, where modes can say so."""

import os
import stat

old = os.umask(0o077)
os.mkdir("keys")
os.umask(old)
with os.fdopen(os.open("keys/id", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
    file.write("key\n")
if not stat.S_ISREG(os.stat("keys/id").st_mode):
    raise SystemExit("keys/id is no file")
print("private")
