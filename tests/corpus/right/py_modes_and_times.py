"""Sets modes and times as programs do everywhere, and relies on nothing that Windows has not."""

import os
import shutil
import stat

with open("script", "w") as file:
    file.write("#!/bin/sh\n")
os.chmod("script", 0o755)
os.chmod("script", os.stat("script").st_mode | stat.S_IXUSR)
with open("secret", "w") as file:
    file.write("x")
os.chmod("secret", 0o600)
shutil.copy2("script", "copied")
shutil.copystat("secret", "copied")
os.utime("copied", (1700000000, 1700000000))
print(os.stat("copied").st_mtime)
os.chmod("secret", 0o400)
print(bool(os.stat("secret").st_mode & stat.S_IWRITE))
os.chmod("secret", 0o600)
for name in ("script", "secret", "copied"):
    os.remove(name)
os.mkdir("private", 0o700)
os.rmdir("private")
