"""concurrent.futures: thread and process pools, and a pool whose worker dies."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool


def factorial(number: int) -> int:
    return number * factorial(number - 1) if number > 1 else 1


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    for executor in (ThreadPoolExecutor(4), ProcessPoolExecutor(2)):
        with executor as pool:
            print(sum(pool.map(factorial, range(100))) % 1_000_007)
            print(sorted(done.result() for done in as_completed([pool.submit(factorial, i) for i in range(6)])))
            print(type(pool.submit(factorial, "x").exception()).__name__)  # type: ignore[arg-type]
    with ProcessPoolExecutor(1) as pool:
        try:
            pool.submit(die).result(30)
        except BrokenProcessPool:
            print("broken")
