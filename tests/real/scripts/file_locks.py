"""flock, record locks of processes and of open file descriptions, between two processes."""

import fcntl
import os
import struct

F_OFD_SETLK = 37
WRITE_LOCK = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 10, 0)


def in_child(attempt: str) -> str:
    read, write = os.pipe()
    if os.fork() == 0:
        file = open("locked", "r+")
        try:
            if attempt == "flock":
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            elif attempt == "lockf":
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10)
            elif attempt == "beyond":
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 10)
            else:
                fcntl.fcntl(file, F_OFD_SETLK, WRITE_LOCK)
            os.write(write, b"granted")
        except OSError as error:
            os.write(write, type(error).__name__.encode())
        os._exit(0)
    os.close(write)
    answer = os.read(read, 100).decode()
    os.close(read)
    os.wait()
    return answer


with open("locked", "w+") as holder:
    holder.write("x" * 100)
    holder.flush()
    print("free", in_child("flock"), in_child("lockf"), in_child("description"))
    fcntl.flock(holder, fcntl.LOCK_EX)
    print("flock held", in_child("flock"), in_child("lockf"))
    fcntl.flock(holder, fcntl.LOCK_UN)
    fcntl.lockf(holder, fcntl.LOCK_EX, 10)
    print("record held", in_child("flock"), in_child("lockf"), in_child("beyond"), in_child("description"))
    with open("locked"):
        pass
    print("another close drops it", in_child("lockf"))
    fcntl.fcntl(holder, F_OFD_SETLK, WRITE_LOCK)
    with open("locked"):
        pass
    print("not that of a description", in_child("lockf"), in_child("description"))
