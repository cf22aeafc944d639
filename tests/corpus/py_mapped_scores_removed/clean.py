"""Keeps scores in a mapped file and removes it when they have been read and are no longer mapped."""

import mmap
import os

with open("scores.dat", "wb+") as file:
    file.write(bytes(8192))
    file.flush()
    scores = mmap.mmap(file.fileno(), 0)
print(scores[0])
scores.close()
os.remove("scores.dat")
