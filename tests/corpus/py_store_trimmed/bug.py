"""Trims a store of keys and values that is mapped."""

import mmap

with open("mmkv.default", "wb+") as file:
    file.write(bytes(16384))
    file.flush()
    view = mmap.mmap(file.fileno(), 0)
    file.truncate(4096)
    view.close()
with open("mmkv.default", "rb") as file:
    print(len(file.read()))
