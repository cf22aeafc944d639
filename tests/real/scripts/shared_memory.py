"""Shared memory, anonymous shared mappings and a manager's process."""

import mmap
import multiprocessing
import os
from multiprocessing import shared_memory
from multiprocessing.managers import BaseManager


def write(name: str) -> None:
    block = shared_memory.SharedMemory(name)
    assert block.buf is not None
    block.buf[:5] = b"child"
    block.close()


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def up(self) -> int:
        self.count += 1
        return self.count


class Manager(BaseManager):
    pass


Manager.register("Counter", Counter)

if __name__ == "__main__":
    block = shared_memory.SharedMemory(create=True, size=4096)
    process = multiprocessing.Process(target=write, args=(block.name,))
    process.start()
    process.join()
    assert block.buf is not None
    print(bytes(block.buf[:5]), block.size)
    block.close()
    block.unlink()

    anonymous = mmap.mmap(-1, 4096)
    if os.fork() == 0:
        anonymous[:4] = b"fork"
        os._exit(0)
    os.wait()
    print(anonymous[:4])

    private = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if os.fork() == 0:
        private[:4] = b"fork"
        os._exit(0)
    os.wait()
    print(private[:4])

    memfd = os.memfd_create("block")
    os.truncate(memfd, 100)
    print(os.fstat(memfd).st_size, os.readlink(f"/proc/self/fd/{memfd}"))

    with Manager() as manager:
        counter = manager.Counter()  # type: ignore[attr-defined]
        print([counter.up() for _ in range(3)])
