"""shutil, tempfile, glob, pathlib and os.walk over the tree of text."""

import os
import pathlib
import shutil
import tempfile

shutil.copytree("text", "copy", symlinks=True)
print(sorted(str(path) for path in pathlib.Path("copy").rglob("*")))
shutil.make_archive("archive", "tar", "copy")
shutil.unpack_archive("archive.tar", "unpacked")
os.remove("archive.tar")
shutil.move("copy", "moved")
for directory, names, files in sorted(os.walk("unpacked", topdown=False)):
    print(directory, sorted(names), sorted(files))
shutil.rmtree("unpacked")
with tempfile.TemporaryFile() as unnamed, tempfile.NamedTemporaryFile() as named:
    unnamed.write(b"text" * 10_000)
    named.write(b"text")
    named.flush()
    print(os.fstat(unnamed.fileno()).st_nlink, os.stat(named.name).st_size, oct(os.stat(named.name).st_mode))
with tempfile.TemporaryDirectory() as directory:
    os.chmod(directory, 0o500)
    print(os.listdir(directory))
print(os.listdir(os.environ["TMPDIR"]))
with open("holes", "wb") as holes:
    holes.seek(1 << 20)
    holes.write(b"end")
shutil.copyfile("holes", "moved/holes")
with open("holes", "rb") as source, open("sent", "wb") as target:
    print(os.sendfile(target.fileno(), source.fileno(), 1 << 20, 1000))
    print(os.copy_file_range(source.fileno(), target.fileno(), 3, 0))
with os.scandir("moved") as entries:
    print(sorted((entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries))
os.setxattr("sent", "user.name", b"value")
print(os.listxattr("sent"), os.getxattr("sent", "user.name"))
