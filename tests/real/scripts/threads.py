"""Threads: many at once, locks, conditions, timers, thread-local data, a thread that forks."""

import os
import queue
import threading

total = 0
lock = threading.Lock()
local = threading.local()


def add(amount: int) -> None:
    global total
    local.amount = amount
    for _ in range(200):
        with lock:
            total += local.amount


threads = [threading.Thread(target=add, args=(i,)) for i in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("total", total, "alive", threading.active_count())

work: "queue.Queue[int]" = queue.Queue(3)
results: "queue.Queue[int]" = queue.Queue()


def square() -> None:
    while (number := work.get()) >= 0:
        results.put(number * number)


workers = [threading.Thread(target=square) for _ in range(4)]
for worker in workers:
    worker.start()
for number in [*range(100), -1, -1, -1, -1]:
    work.put(number)
for worker in workers:
    worker.join()
print("squares", sum(results.get() for _ in range(100)))

fired = threading.Event()
threading.Timer(0.02, fired.set).start()
print("timer", fired.wait(10), "expired", threading.Event().wait(0.01))

barrier = threading.Barrier(5)
order: list[int] = []
parties = [threading.Thread(target=lambda: order.append(barrier.wait())) for _ in range(5)]
for party in parties:
    party.start()
for party in parties:
    party.join()
print("barrier", sorted(order))


def fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(threading.active_count() + 10)
    print("forked in a thread", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


forker = threading.Thread(target=fork)
forker.start()
forker.join()
