"""Keeps scores in a mapped file and removes it when they have been read, with the mapping still there."""

import mmap
import os

with open("scores.dat", "wb+") as file:
    file.write(bytes(8192))
    file.flush()
    scores = mmap.mmap(file.fileno(), 0)
print(scores[0])
os.remove("scores.dat")
scores.close()
