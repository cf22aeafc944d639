"""Hands the name of a closed temporary file to a parser, which closes it when it has read it."""

import os
import tempfile

with tempfile.NamedTemporaryFile("w", suffix=".changelog", delete=False) as file:
    file.write("1.0.0\n-----\n")
with open(file.name) as again:
    print(len(again.readlines()))
os.unlink(file.name)
