"""Trims a store of keys and values that is no longer mapped."""

import mmap

with open("mmkv.default", "wb+") as file:
    file.write(bytes(16384))
    file.flush()
    view = mmap.mmap(file.fileno(), 0)
    view.close()
    file.truncate(4096)
with open("mmkv.default", "rb") as file:
    print(len(file.read()))
