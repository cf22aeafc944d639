"""Hands the name of a temporary file to a parser, which opens it again and keeps it open."""

import tempfile

with tempfile.NamedTemporaryFile("w", suffix=".changelog") as file:
    file.write("1.0.0\n-----\n")
    file.flush()
    again = open(file.name)
    print(len(again.readlines()))
again.close()
