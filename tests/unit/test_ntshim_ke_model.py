"""Random threads, objects, waits and times: the executive and a naive model agree after each step."""

from __future__ import annotations

import random
import secrets
from typing import Any

import pytest
from naive_waits import PENDING, Naive, NaiveObject, NaiveWait
from ntshim_ke import SECOND, WaitingWorld
from ntshim_ob import status_of

from ntshim import status as st
from ntshim.ke.clock import UNITS_PER_MILLISECOND
from ntshim.ke.wait_services import WAIT_ALL, WAIT_ANY

THREADS = 5
STEPS = 150
FAST_SEEDS = 60
FULL_SEEDS = 3000


class Both:
    """The executive and the model, to which the same happens."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = WaitingWorld()
        self.nt, self.clock = self.world.nt, self.world.clock
        self.threads: list[Any] = [self.world.sibling() for _ in range(THREADS)]
        self.waits: list[tuple[Any, NaiveWait]] = []
        self.naive = Naive([], self.clock.system_time())
        self.handles: dict[int, NaiveObject] = {}
        for resets in (False, True):
            self.add(self.world.event(int(resets)), NaiveObject("event", 0, resets))
            self.add(self.world.event(int(resets), signalled=True), NaiveObject("event", 1, resets))
            self.add(self.world.timer(int(resets)), NaiveObject("timer", 0, resets))
            self.add(self.world.semaphore(1, 3), NaiveObject("semaphore", 1, limit=3))
            self.add(self.world.mutant(), NaiveObject("mutant", 0))

    def add(self, handle: int, target: NaiveObject) -> None:
        self.handles[handle] = target
        self.naive.objects.append(target)

    def run(self) -> None:
        steps = [self.wait] * 6 + [self.signal] * 6 + [self.reset, self.time, self.time, self.alert, self.end]
        for _ in range(STEPS):
            self.random.choice(steps)()
            self.compare()

    def pick(self, *kinds: str) -> tuple[int, NaiveObject]:
        return self.random.choice([entry for entry in self.handles.items() if entry[1].kind in kinds])

    def timeout(self) -> int | None:
        now = self.clock.system_time()
        span = self.random.randrange(3 * SECOND)
        return self.random.choice([None, None, 0, -span, now + span, now - span])

    def wait(self) -> None:
        busy = {wait.thread for wait in self.naive.waits}
        idle = [place for place in range(len(self.threads)) if place not in busy and self.threads[place] is not None]
        if not idle:
            return
        place = self.random.choice(idle)
        handles = self.random.sample(sorted(self.handles), self.random.choice([1, 1, 2, 3]))
        every, alertable = self.random.random() < 0.4, self.random.random() < 0.5
        timeout = self.timeout()
        wait = self.nt.NtWaitForMultipleObjects(
            self.threads[place], handles, WAIT_ALL if every else WAIT_ANY, timeout, alertable=alertable
        )
        naive = NaiveWait(place, [self.handles[handle] for handle in handles], every, alertable)
        self.naive.wait(naive, timeout)
        self.waits.append((wait, naive))

    def signal(self) -> None:
        handle, target = self.pick("event", "semaphore", "mutant", "timer")
        place = self.random.randrange(len(self.threads))
        if target.kind == "mutant":
            if self.threads[place] is not None:
                told = status_of(self.nt.NtReleaseMutant, self.threads[place], handle)
                assert told == self.naive.release(target, place)
        elif target.kind == "timer":
            due_time, period = self.timeout() or -1, self.random.choice([0, 0, 300])
            before = self.nt.NtSetTimer(self.world.thread, handle, due_time, period=period)
            assert before == target.level
            self.naive.set_timer(target, due_time, period * UNITS_PER_MILLISECOND)
        elif target.kind == "semaphore":
            count = self.random.randrange(1, 4)
            fits = target.level + count <= target.limit
            told = status_of(self.nt.NtReleaseSemaphore, self.world.thread, handle, count)
            assert told == (st.STATUS_SUCCESS if fits else st.STATUS_SEMAPHORE_LIMIT_EXCEEDED)
            target.level += count * fits
        else:
            pulse = self.random.random() < 0.3
            before = (self.nt.NtPulseEvent if pulse else self.nt.NtSetEvent)(self.world.thread, handle)
            assert before == target.level
            target.level = 1
            self.naive.settle()
            target.level *= not pulse
        self.naive.settle()

    def reset(self) -> None:
        handle, target = self.pick("event", "timer")
        if target.kind == "event":
            assert self.nt.NtResetEvent(self.world.thread, handle) == target.level
            target.level = 0
        else:
            assert self.nt.NtCancelTimer(self.world.thread, handle) == target.level
            self.naive.cancel_timer(target)

    def time(self) -> None:
        if self.random.random() < 0.2:
            self.clock.set_system_time(self.clock.system_time() + self.random.randrange(-SECOND, 2 * SECOND))
        else:
            self.clock.sleep(self.random.randrange(2 * SECOND))
        self.naive.now, self.naive.passed = self.clock.system_time(), self.clock.interrupt_time()
        self.world.executive.dispatcher.due.run_due()
        self.naive.run_due()

    def alert(self) -> None:
        place = self.random.randrange(len(self.threads))
        if self.threads[place] is not None:
            self.nt.NtAlertThread(self.threads[place], -2)
            self.naive.alert(place)

    def end(self) -> None:
        """End a thread; another one takes its place among those who may wait, not its number."""
        place = self.random.randrange(len(self.threads))
        if self.threads[place] is not None:
            self.world.executive.thread_exited(self.threads[place], 0)
            self.threads[place] = None
            self.naive.end(place)
            self.threads.append(self.world.sibling())

    def compare(self) -> None:
        for wait, naive in self.waits:
            assert (wait if isinstance(wait, int) else wait.status) == naive.status
        self.waits = [(wait, naive) for wait, naive in self.waits if naive.status == PENDING]
        for handle, target in self.handles.items():
            assert self.state(handle) == self.expected(target)

    def state(self, handle: int) -> object:
        told: Any = self.world.object(handle)
        if told.type.name == "Mutant":
            return told.owner, 1 - told.count, told.abandoned
        return told.count if told.type.name == "Semaphore" else int(told.signalled)

    def expected(self, target: NaiveObject) -> object:
        if target.kind == "mutant":
            owner = None if target.owner is None else self.threads[target.owner]
            return owner, target.owned, target.abandoned
        return target.level


@pytest.mark.parametrize("seed", range(FAST_SEEDS))
def test_random_waits(seed: int) -> None:
    Both(seed).run()


@pytest.mark.full
def test_new_random_waits() -> None:
    for _ in range(FULL_SEEDS):
        seed = secrets.randbits(64)
        try:
            Both(seed).run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
