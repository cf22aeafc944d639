"""Makes archives and unpacks them."""

import os
import shutil
import tarfile
import zipfile

os.mkdir("source")
for name in ("a.txt", "b.txt"):
    with open(f"source/{name}", "w") as file:
        file.write(name)
with zipfile.ZipFile("made.zip", "w") as archive:
    archive.write("source/a.txt")
with zipfile.ZipFile("made.zip", "a") as archive:
    archive.write("source/b.txt")
with tarfile.open("made.tar.gz", "w:gz") as archive:
    archive.add("source")
shutil.unpack_archive("made.zip", "from-zip")
with tarfile.open("made.tar.gz") as archive:
    archive.extractall("from-tar")
os.remove("made.zip")
os.remove("made.tar.gz")
print(sorted(os.listdir("from-zip/source")), sorted(os.listdir("from-tar/source")))
