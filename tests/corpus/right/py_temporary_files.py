"""Temporary files of every kind, used as their documentation says: each is closed before its name goes."""

import os
import shutil
import tempfile

with tempfile.TemporaryFile() as file:
    file.write(b"unnamed")
with tempfile.NamedTemporaryFile() as file:
    file.write(b"named")
with tempfile.SpooledTemporaryFile(max_size=4) as file:
    file.write(b"rolled over to disk")
with tempfile.TemporaryDirectory() as directory:
    os.makedirs(os.path.join(directory, "a", "b"))
    with open(os.path.join(directory, "a", "b", "file"), "w") as file:
        file.write("x")
descriptor, path = tempfile.mkstemp()
os.close(descriptor)
os.unlink(path)
directory = tempfile.mkdtemp()
for name in "abc":
    with open(os.path.join(directory, name), "w") as file:
        file.write(name)
shutil.rmtree(directory)
print(os.listdir(tempfile.gettempdir()))
