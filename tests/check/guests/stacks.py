"""A guest that opens files from many kinds of frames, and says itself from where: test_python_stacks.py compares."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress

truth: dict[str, list[list[object]]] = {}


def look(name: str) -> str:
    """Open a file that is not there, having noted who called."""
    frames: list[list[object]] = []
    frame = sys._getframe(1)
    while frame is not None:
        frames.append([frame.f_code.co_filename, frame.f_code.co_qualname, frame.f_lineno])
        frame = frame.f_back
    truth[name] = frames
    blind(name)
    return name


def blind(name: str) -> None:
    """Open it without having looked at any frame."""
    with suppress(FileNotFoundError):
        open(name)


def recursive(name: str, depth: int) -> str:
    return recursive(name, depth - 1) if depth else look(name)


def generator():
    yield 1
    recursive("mark-generator", 2)
    yield 2


def delegating():
    yield from generator()
    yield look("mark-after-delegation")


@contextmanager
def context():
    look("mark-enter")
    try:
        yield
    finally:
        look("mark-leave")


async def inner():
    await asyncio.sleep(0)
    return recursive("mark-coroutine", 1)


async def numbers():
    yield look("mark-async-generator")


async def outer():
    async for _ in numbers():
        await asyncio.gather(inner())


class Thing:
    look("mark-class-body")

    def __init__(self, name="mark-initialiser"):
        self.name = name
        look(name)

    def __del__(self):
        look("mark-finaliser")

    @property
    def place(self):
        return look("mark-property")

    def __getattr__(self, name):
        return look("mark-getattr")

    def __lt__(self, other):
        look("mark-comparison")
        return False


def cyclic():
    thing = Thing("mark-cyclic")
    thing.itself = thing
    del thing
    gc.collect()


def many_lines():
    source = ["def long(look):"] + [f"    x{n} = {n}; y = [x{n}] * 3" for n in range(700)]
    source += ["    return look(", "        'mark-long'", "    )", ""]
    names = {}
    exec(compile("\n".join(source), "made\u00e9.py", "exec"), names)
    names["long"](look)
    for name, file in (
        ("fonction_\u00e9", "\u00e9t\u00e9.py"),
        ("\u0436\u0443\u043a", "\u0436.py"),
        ("\U00020000", "\U00020000.py"),
    ):
        exec(compile(f"\n\ndef {name}(look):\n    look('mark-{name}')\n", file, "exec"), names)
        names[name](look)


def in_handlers():
    try:
        raise ValueError
    except ValueError:
        look("mark-except")
    finally:
        look("mark-finally")
    signal.signal(signal.SIGUSR1, lambda *_: look("mark-signal"))
    os.kill(os.getpid(), signal.SIGUSR1)


def closed_over(value):
    def first():
        def second():
            return look(value)

        return second()

    return first()


def waiting(name, before, after):
    before.set()
    after.wait()
    recursive(name, 3)


def threads():
    before, after = [threading.Event() for _ in range(3)], threading.Event()
    made = [threading.Thread(target=waiting, args=(f"mark-thread-{n}", event, after)) for n, event in enumerate(before)]
    for thread in made:
        thread.start()
    for event in before:
        event.wait()
    look("mark-beside-threads")
    after.set()
    for thread in made:
        thread.join()


def fork(name):
    pid = os.fork()
    if pid == 0:
        recursive(name, 2)
        save(f"{name}.json")
        os._exit(0)
    os.waitpid(pid, 0)
    with open(f"{name}.json") as file:
        truth.update(json.load(file))


def save(name):
    with open(name, "w") as file:
        json.dump(truth, file)


def traced():
    sys.settrace(lambda *_: None)
    sys.setprofile(lambda *_: None)
    recursive("mark-traced", 2)
    sys.setprofile(None)
    sys.settrace(None)


def main():
    recursive("mark-recursive", 4)
    recursive("mark-deep", 200)
    list(delegating())
    with context():
        look("mark-with")
    asyncio.run(outer())
    thing = Thing()
    thing.place, thing.absent
    sorted([thing, thing])
    del thing
    cyclic()
    list(map(lambda x: [look("mark-lambda") for _ in range(x)], [1]))
    {look("mark-set") for _ in range(1)}
    max([1], key=lambda _: look("mark-key"))
    look("mark-" + str(1))
    many_lines()
    in_handlers()
    closed_over("mark-closure")
    threads()
    thread = threading.Thread(target=fork, args=("mark-forked-in-thread",))
    thread.start()
    thread.join()
    fork("mark-forked")
    traced()
    recursive("mark-untraced", 1)
    blind("mark-blind")


main()
look("mark-module")
save(sys.argv[1])
