"""Makes an index of packages: for each a directory with another name of its archive, or a copy."""

import os
import shutil

ARCHIVES = {"six": "six-1.16.0.whl", "pyyaml": "PyYAML-6.0.whl"}

for package, archive in ARCHIVES.items():
    with open(archive, "w") as file:
        file.write("PK")
    os.makedirs(f"simple/{package}")
    try:
        os.link(archive, f"simple/{package}/{archive}")
    except OSError:
        shutil.copyfile(archive, f"simple/{package}/{archive}")
print(len(os.listdir("simple")))
