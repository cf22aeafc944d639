"""Makes an index of packages: for each a directory with a link to its archive."""

import os

ARCHIVES = {"six": "six-1.16.0.whl", "pyyaml": "PyYAML-6.0.whl"}

for package, archive in ARCHIVES.items():
    with open(archive, "w") as file:
        file.write("PK")
    os.makedirs(f"simple/{package}")
    os.symlink(f"../../{archive}", f"simple/{package}/{archive}")
print(len(os.listdir("simple")))
