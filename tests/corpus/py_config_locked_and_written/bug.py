"""Locks the configuration itself, and opens it again to write it."""

import fcntl

with open("config", "w") as file:
    file.write("[core]\n")
with open("config", "r+") as locked:
    fcntl.flock(locked, fcntl.LOCK_EX)
    with open("config", "a") as file:
        file.write("colour = red\n")
with open("config") as file:
    print(len(file.readlines()))
