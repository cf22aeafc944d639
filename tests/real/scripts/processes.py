"""multiprocessing with the start method named by the argument: pool, queue, pipe, lock, event, exit codes."""

import multiprocessing
import os
import signal
import sys
from typing import Any


def square(number: int) -> int:
    return number * number


def add(lock: Any, value: Any, queue: Any) -> None:
    for _ in range(50):
        with lock:
            value.value += 1
    queue.put(os.getppid() > 0)


def answer(connection: Any) -> None:
    while (message := connection.recv()) is not None:
        connection.send(message.upper())
    sys.exit(3)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait(event: Any) -> None:
    event.wait()


def main() -> None:
    context: Any = multiprocessing.get_context(sys.argv[1])
    with context.Pool(3) as pool:
        print("map", sum(pool.map(square, range(200))), pool.apply_async(square, (7,)).get(30))
        print("unordered", sorted(pool.imap_unordered(square, range(5))))

    lock, value, queue = context.Lock(), context.Value("i", 0), context.Queue()
    adders = [context.Process(target=add, args=(lock, value, queue)) for _ in range(3)]
    for adder in adders:
        adder.start()
    print("queue", [queue.get(timeout=30) for _ in adders])
    for adder in adders:
        adder.join()
    print("counter", value.value, [adder.exitcode for adder in adders])

    ours, theirs = context.Pipe()
    answerer = context.Process(target=answer, args=(theirs,))
    answerer.start()
    ours.send("text")
    print("pipe", ours.recv())
    ours.send(None)
    answerer.join()

    dying, event = context.Process(target=die), context.Event()
    waiting = context.Process(target=wait, args=(event,))
    dying.start()
    waiting.start()
    dying.join()
    alive = waiting.is_alive()
    event.set()
    waiting.join()
    print("exit codes", answerer.exitcode, dying.exitcode, alive, waiting.exitcode)


if __name__ == "__main__":
    main()
