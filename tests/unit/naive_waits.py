"""Waits as plainly as can be: after each change, everybody is looked at in the order in which they came."""

from __future__ import annotations

from dataclasses import dataclass, field

from ntshim import status as st

PENDING = st.STATUS_PENDING


@dataclass(eq=False)
class NaiveObject:
    """An event, semaphore, mutant or timer; `level` is a count, or 1 if it is set."""

    kind: str
    level: int
    resets: bool = True
    limit: int = 1
    owner: int | None = None
    owned: int = 0
    abandoned: bool = False
    period: int = 0

    def free_for(self, thread: int) -> bool:
        return self.owner in (None, thread) if self.kind == "mutant" else self.level > 0

    def take(self, thread: int) -> bool:
        """Change as the end of a wait does; gives whether the mutant was abandoned."""
        if self.kind == "mutant":
            self.owner = thread
            self.owned += 1
            abandoned, self.abandoned = self.abandoned, False
            return abandoned
        if self.resets:
            self.level -= 1
        return False


@dataclass(eq=False)
class NaiveWait:
    """One wait."""

    thread: int
    objects: list[NaiveObject]
    every: bool
    alertable: bool
    status: int = PENDING


@dataclass(eq=False)
class Planned:
    """What happens at a time: of one clock, `system` or not."""

    system: bool
    when: int
    what: NaiveWait | NaiveObject


@dataclass
class Naive:
    """All objects and waits; times are in units of 100 ns."""

    objects: list[NaiveObject]
    now: int
    passed: int = 0
    waits: list[NaiveWait] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    alerted: set[int] = field(default_factory=set)
    held: dict[int, list[NaiveObject]] = field(default_factory=dict)

    def settle(self) -> None:
        """End each wait that can end, the oldest first, until none can."""
        for wait in list(self.waits):
            if wait.status == PENDING:
                self.attempt(wait)
        self.waits = [wait for wait in self.waits if wait.status == PENDING]

    def attempt(self, wait: NaiveWait) -> None:
        free = [target.free_for(wait.thread) for target in wait.objects]
        if wait.every and all(free):
            abandoned = [self.take(target, wait.thread) for target in wait.objects]
            wait.status = st.STATUS_ABANDONED_WAIT_0 if any(abandoned) else st.STATUS_SUCCESS
        elif not wait.every and any(free):
            place = free.index(True)
            abandoned = [self.take(wait.objects[place], wait.thread)]
            wait.status = (st.STATUS_ABANDONED_WAIT_0 if abandoned[0] else st.STATUS_SUCCESS) + place

    def take(self, target: NaiveObject, thread: int) -> bool:
        if target.kind == "mutant" and target.owner is None:
            self.held.setdefault(thread, []).append(target)
        return target.take(thread)

    def wait(self, wait: NaiveWait, timeout: int | None) -> None:
        self.attempt(wait)
        if wait.status != PENDING:
            return
        if wait.alertable and wait.thread in self.alerted:
            self.alerted.remove(wait.thread)
            wait.status = st.STATUS_ALERTED
        elif timeout is not None and 0 <= timeout <= self.now:
            wait.status = st.STATUS_TIMEOUT
        else:
            self.waits.append(wait)
            if timeout is not None:
                self.plan(timeout, wait)

    def plan(self, due_time: int, what: NaiveWait | NaiveObject) -> None:
        if due_time < 0:
            self.planned.append(Planned(False, self.passed - due_time, what))
        else:
            self.planned.append(Planned(True, due_time, what))

    def lateness(self, plan: Planned) -> int:
        return (self.now if plan.system else self.passed) - plan.when

    def run_due(self) -> None:
        for _ in range(len(self.planned)):
            self.planned = [plan for plan in self.planned if not self.is_over(plan)]
            late = [plan for plan in self.planned if self.lateness(plan) >= 0]
            if not late:
                return
            plan = max(late, key=lambda plan: (self.lateness(plan), -self.planned.index(plan)))
            self.planned.remove(plan)
            if isinstance(plan.what, NaiveWait):
                plan.what.status = st.STATUS_TIMEOUT
                self.waits.remove(plan.what)
            else:
                self.expire(plan.what, self.passed - self.lateness(plan))

    def is_over(self, plan: Planned) -> bool:
        return isinstance(plan.what, NaiveWait) and plan.what.status != PENDING

    def expire(self, timer: NaiveObject, due: int) -> None:
        if timer.period:
            while due <= self.passed:
                due += timer.period
            self.planned.append(Planned(False, due, timer))
        timer.level = 1
        self.settle()

    def set_timer(self, timer: NaiveObject, due_time: int, period: int) -> None:
        self.cancel_timer(timer)
        timer.level, timer.period = 0, period
        if 0 <= due_time <= self.now:
            self.expire(timer, self.passed - (self.now - due_time))
        else:
            self.plan(due_time, timer)

    def cancel_timer(self, timer: NaiveObject) -> None:
        self.planned = [plan for plan in self.planned if plan.what is not timer]

    def alert(self, thread: int) -> None:
        wait = next((wait for wait in self.waits if wait.thread == thread and wait.alertable), None)
        if wait is None:
            self.alerted.add(thread)
        else:
            wait.status = st.STATUS_ALERTED
            self.waits.remove(wait)

    def end(self, thread: int) -> None:
        """End a thread: its waits first, then what it owns, the youngest first."""
        for wait in [wait for wait in self.waits if wait.thread == thread]:
            wait.status = st.STATUS_CANCELLED
            self.waits.remove(wait)
        for mutant in reversed(self.held.pop(thread, [])):
            mutant.owner, mutant.owned, mutant.abandoned = None, 0, True
            self.settle()

    def release(self, mutant: NaiveObject, thread: int) -> int:
        if mutant.owner != thread:
            return st.STATUS_MUTANT_NOT_OWNED
        mutant.owned -= 1
        if not mutant.owned:
            mutant.owner = None
            self.held[thread].remove(mutant)
            self.settle()
        return st.STATUS_SUCCESS
