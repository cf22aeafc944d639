"""Removes trees with read-only files in ways that mend what Windows refuses."""

import os
import shutil
import stat
import tempfile


def tree(path):
    os.makedirs(path + "/objects")
    for name in ("a", "b"):
        with open(f"{path}/objects/{name}", "w") as file:
            file.write(name)
        os.chmod(file.name, 0o444)


def mend(function, path, _):
    os.chmod(path, stat.S_IWRITE)
    function(path)


tree("first")
shutil.rmtree("first", onerror=mend)
tree("second")
shutil.rmtree(
    "second",
    onerror=lambda function, path, _: (os.chmod(path, stat.S_IWRITE), function(path)),
)
with tempfile.TemporaryDirectory() as directory:
    tree(directory + "/third")
tree("fourth")
for name in ("a", "b"):
    os.chmod(f"fourth/objects/{name}", stat.S_IWRITE)
shutil.rmtree("fourth")
print(os.listdir("."))
