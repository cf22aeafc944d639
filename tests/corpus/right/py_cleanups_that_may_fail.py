"""Removes and replaces what may be in use, prepared for a refusal in each way that programs are."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

HOLDS = "import sys; file = open('status'); print('up', flush=True); sys.stdin.read()"


def replace(source, target):
    for attempt in range(50):
        try:
            os.replace(source, target)
        except PermissionError:
            if attempt == 49:
                raise
            time.sleep(0.1)
        else:
            return


def let_go(directory):
    try:
        shutil.rmtree(directory)
    except OSError:
        pass


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
    first = open(os.path.join(directory, "first"), "w")
second = open(os.path.join(os.makedirs("two") or "two", "second"), "w")
shutil.rmtree("two", ignore_errors=True)
third = open(os.path.join(os.makedirs("three") or "three", "third"), "w")
let_go("three")
fourth = open("fourth", "w")
try:
    os.unlink("fourth")
except PermissionError:
    pass
with open("status", "w") as file:
    file.write("old")
with open("status.new", "w") as file:
    file.write("new")
with subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
    reader.stdout.readline()
    replace("status.new", "status")
for file in (first, second, third, fourth):
    file.close()
with open("status") as file:
    print(file.read())
