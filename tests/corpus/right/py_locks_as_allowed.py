"""Locks that keep nobody from what he does: of a part nobody reads, shared ones, a file of their own."""

import fcntl
import os

with open("data", "wb+") as data:
    data.write(b"0123456789")
    data.flush()
    fcntl.lockf(data, fcntl.LOCK_EX, 1, 1 << 30)
    with open("data", "rb") as other:
        print(other.read())
with open("data", "rb") as one, open("data", "rb") as other:
    fcntl.flock(one, fcntl.LOCK_SH)
    fcntl.flock(other, fcntl.LOCK_SH)
    print(one.read() == other.read())
with open("data.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(str(17))
    lock.flush()
    with open("data", "ab") as data:
        data.write(b"!")
os.remove("data.lock")
with open("data", "rb+") as data:
    fcntl.flock(data, fcntl.LOCK_EX)
    print(len(data.read()))
