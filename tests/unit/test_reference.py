"""Owns the proof that the reference platform is python-ptrace's work and that it answers as the trace platform does."""

from __future__ import annotations

import ast
import functools
import json
import mmap
import os
import signal
import subprocess
import sys
import threading
from errno import EEXIST, EFAULT, EINTR, EINVAL, ENAMETOOLONG, ENOMEM
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fake_task import FakeTask

from picobox.abi.table import BY_NAME
from picobox.errors import Errno
from picobox.platform.base import (
    STOP_INTERRUPT,
    HostTid,
)
from picobox.platform.reference_page import (
    MAP_FIXED,
    PAGE_SIZE,
    PLACES,
    SLOT_COUNT,
    SLOT_SIZE,
    ReferencePage,
    make_page,
)
from picobox.platform.reference_signals import Doorbell, is_ignored
from picobox.platform.reference_task import signed

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[2]
TIMEOUT = 60  # seconds; a run takes about one
GETPPID = BY_NAME["getppid"].nr


class Run(NamedTuple):
    """What reference_run.py tells."""

    status: int
    counters: dict[str, list[int]]
    ptrace: dict[str, int]


@functools.cache
def run(platform: str, subscription: str, *argv: str) -> Run:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("reference_run.py"), platform, subscription, *argv],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return Run(**json.loads(done.stderr))


CAT = ("/bin/cat", "/dev/null")
THREADS = (sys.executable, "-c", "import threading; t = threading.Thread(target=print); t.start(); t.join()")


def test_two_stops_a_call_go_through_python_ptrace() -> None:
    cat = run("reference", "some", *CAT)
    calls = sum(map(sum, cat.counters.values()))
    assert cat.status == 0
    assert calls > 10
    # A call's entry and exit; execve was entered unseen, exit_group never ends. The exec's own stop is resumed as well.
    assert cat.ptrace["PtraceProcess.syscall"] == 2 * calls + 1
    # These, the exec and the death are told to us as statuses.
    assert cat.ptrace["PtraceProcess.processStatus"] == 2 * calls + 2
    assert cat.ptrace["PtraceProcess.cont"] == 0
    assert cat.ptrace["PtraceDebugger.__init__"] == cat.ptrace["PtraceProcess.__init__"] == 1


def test_registers_and_memory_go_through_python_ptrace() -> None:
    threads = run("reference", "some", *THREADS)
    calls = sum(map(sum, threads.counters.values()))
    assert threads.status == 0
    assert threads.ptrace["PtraceProcess.getregs"] >= calls
    assert threads.ptrace["PtraceProcess.readBytes"] > 0
    assert threads.ptrace["PtraceProcess.setregs"] > 0
    assert threads.ptrace["PtraceProcess.writeBytes"] > 0
    assert threads.ptrace["PtraceProcess.__init__"] == threads.ptrace["PtraceDebugger.deleteProcess"] == 2


def test_the_trace_platform_leaves_python_ptrace_alone() -> None:
    assert set(run("trace", "some", *CAT).ptrace.values()) == {0}


@pytest.mark.parametrize("subscription", ["some", "all"])
def test_counters_equal_those_of_the_trace_platform(subscription: str) -> None:
    assert run("reference", subscription, *CAT).counters == run("trace", subscription, *CAT).counters


def test_only_reference_py_imports_python_ptrace() -> None:
    importers = [
        str(path.relative_to(REPOSITORY))
        for top in ("picobox", "ntshim", "bench")
        for path in (REPOSITORY / top).rglob("*.py")
        if "ptrace" in imported_packages(path)
    ]
    assert importers == ["picobox/platform/reference.py"]


def imported_packages(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def interrupted() -> FakeTask:
    """A task of ours that is leaving pause with EINTR; SIGURG is ignored by default, SIGINT Python handles."""
    return FakeTask(orig_rax=BY_NAME["pause"].nr, rax=2**64 - EINTR, rip=0x1002)


def test_a_call_that_an_ignored_signal_ended_runs_again() -> None:
    task = interrupted()
    assert task.signal_to_deliver(signal.SIGURG) == 0
    assert (task.regs["rip"], task.regs["rax"], task.regs["orig_rax"]) == (0x1000, BY_NAME["pause"].nr, -1)


def test_a_handled_signal_behind_an_ignored_one_keeps_eintr() -> None:
    task = interrupted()
    task.signal_to_deliver(signal.SIGURG)
    assert task.signal_to_deliver(signal.SIGINT) == signal.SIGINT
    assert (task.regs["rip"], task.regs["rax"]) == (0x1002, -EINTR)


def test_an_ignored_signal_behind_a_handled_one_keeps_eintr() -> None:
    task = interrupted()
    assert task.signal_to_deliver(signal.SIGINT) == signal.SIGINT
    assert task.signal_to_deliver(signal.SIGURG) == signal.SIGURG
    assert task.regs["rip"] == 0x1002


def test_a_call_that_ended_otherwise_stays_ended() -> None:
    task = FakeTask(orig_rax=GETPPID, rax=1)
    assert task.signal_to_deliver(signal.SIGURG) == signal.SIGURG
    assert task.regs["rax"] == 1


def test_ignored_signals_of_this_process() -> None:
    assert is_ignored(os.getpid(), signal.SIGURG)
    assert is_ignored(os.getpid(), signal.SIGPIPE)
    assert not is_ignored(os.getpid(), signal.SIGINT)
    assert not is_ignored(os.getpid(), signal.SIGTERM)


def test_memory_is_read_as_its_owner_could_read_it() -> None:
    page = mmap.PAGESIZE
    readable = mmap.mmap(-1, 2 * page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
    hidden = mmap.mmap(-1, page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_WRITE)
    readable[page - 3 : page + 4] = b"string\0"
    task = FakeTask()
    start, hidden_start = address_of(readable), address_of(hidden)
    assert task.read(start + page - 3, 6) == b"string"
    assert task.read_string(start + page - 3, 64) == b"string"
    with pytest.raises(Errno) as too_long:
        task.read_string(start + page - 3, 6)
    assert too_long.value.errno == ENAMETOOLONG
    for address in (hidden_start, 8, 2**47, 2**64 - 4096):
        with pytest.raises(Errno) as fault:
            task.read(address, 1)
        assert fault.value.errno == EFAULT


def test_memory_is_written_as_its_owner_could_write_it() -> None:
    constant = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
    variable = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
    task = FakeTask()
    task.write(address_of(variable), b"data")
    assert task.stored == [(address_of(variable), b"data")]
    with pytest.raises(Errno) as fault:
        task.write(address_of(constant), b"data")
    assert fault.value.errno == EFAULT


def address_of(mapping: mmap.mmap) -> int:
    from picobox._native._core import ffi

    return int(ffi.cast("uintptr_t", ffi.from_buffer(mapping)))


def test_signed_registers() -> None:
    assert [signed(value) for value in (0, 5, 2**63 - 1, 2**63, 2**64 - 1)] == [0, 5, 2**63 - 1, -(2**63), -1]


def test_page_gives_each_task_a_slot() -> None:
    page = ReferencePage(mmap.mmap(-1, PAGE_SIZE), PLACES[1])
    first = page.put(HostTid(7), 16, b"one")
    assert first == PLACES[1] + 7 * SLOT_SIZE + 16
    assert page.put(HostTid(7), 0, b"two") == first - 16
    assert page.put(HostTid(7 + SLOT_COUNT), 0, b"three") == first - 16 + SLOT_SIZE
    page.release(HostTid(7))
    assert page.put(HostTid(7 + 2 * SLOT_COUNT), 0, b"four") == first - 16
    page.close()


@pytest.mark.parametrize("offset", [-1, SLOT_SIZE - 2, SLOT_SIZE])
def test_page_keeps_a_task_in_its_slot(offset: int) -> None:
    page = ReferencePage(mmap.mmap(-1, PAGE_SIZE), PLACES[1])
    with pytest.raises(Errno) as refused:
        page.put(HostTid(7), offset, b"abc")
    assert refused.value.errno == EINVAL


def injected(taken: tuple[int, ...], mapped: list[tuple[int, int]]) -> Callable[..., int]:
    """Makes the calls in this process, but for mmap, which finds some places taken and is only written down."""

    def inject(nr: int, *arguments: int) -> int:
        if nr == BY_NAME["memfd_create"].nr:
            return os.memfd_create("page", arguments[1])
        if nr == BY_NAME["close"].nr:
            os.close(arguments[0])
            return 0
        if arguments[0] in taken and not arguments[3] & MAP_FIXED:
            raise Errno(EEXIST)
        mapped.append((arguments[0], arguments[3]))
        return arguments[0]

    return inject


@pytest.mark.parametrize(
    ("taken", "inherited", "place"),
    [((), 0, PLACES[0]), (PLACES[:3], 0, PLACES[3]), ((PLACES[0], PLACES[2]), PLACES[2], PLACES[2])],
)
def test_page_takes_the_first_free_place_or_its_parents(taken: tuple[int, ...], inherited: int, place: int) -> None:
    stack = mmap.mmap(-1, mmap.PAGESIZE)
    mapped: list[tuple[int, int]] = []
    page = make_page(os.getpid(), FakeTask(), address_of(stack) + mmap.PAGESIZE, injected(taken, mapped), inherited)
    assert page.address == place
    assert [address for address, _ in mapped] == [place]
    page.close()


def test_page_finds_no_place() -> None:
    stack = mmap.mmap(-1, mmap.PAGESIZE)
    with pytest.raises(Errno) as refused:
        make_page(os.getpid(), FakeTask(), address_of(stack) + mmap.PAGESIZE, injected(PLACES, []), 0)
    assert refused.value.errno == ENOMEM


@pytest.fixture
def doorbell() -> Any:
    bell = Doorbell()
    yield bell
    bell.close()


def ring(number: int) -> None:
    """Signals this very thread: the test runner's others have the signal unblocked."""
    signal.pthread_kill(threading.get_ident(), number)


def test_doorbell_takes_signals_instead_of_their_handlers(doorbell: Doorbell) -> None:
    doorbell.open([signal.SIGINT, signal.SIGTERM])
    assert doorbell.take() is None
    ring(signal.SIGINT)
    stop = doorbell.wait()
    assert stop is not None
    assert (stop.kind, stop.signal, stop.other) == (STOP_INTERRUPT, signal.SIGINT, os.getpid())
    assert stop.code <= 0  # somebody sent it
    ring(signal.SIGTERM)
    again = doorbell.take()
    assert again is not None
    assert again.signal == signal.SIGTERM
    assert doorbell.take() is None


def test_doorbell_forgets_what_the_program_is_given_as_well(doorbell: Doorbell) -> None:
    doorbell.open([signal.SIGINT, signal.SIGTERM])
    for program, others in ((os.getpid(), 0), (1, 1)):
        doorbell.program = program
        ring(signal.SIGINT)
        ring(signal.SIGTERM)
        doorbell.delivered(threading.get_native_id(), signal.SIGINT)
        doorbell.delivered(threading.get_native_id(), signal.SIGURG)
        taken = [stop.signal for stop in iter(doorbell.take, None)]
        assert taken == [signal.SIGINT] * others + [signal.SIGTERM]


def test_doorbell_wakes_for_children(doorbell: Doorbell) -> None:
    doorbell.open([signal.SIGINT])
    ring(signal.SIGCHLD)
    assert doorbell.wait() is None


def test_doorbell_tells_what_was_ignored_and_puts_it_back(doorbell: Doorbell) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    child = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert doorbell.open([signal.SIGHUP, signal.SIGINT]) == 1 << signal.SIGHUP - 1
        assert doorbell.ignored_child() == 1 << signal.SIGCHLD - 1
        ring(signal.SIGINT)
        # What nobody took is dropped: Python would make a KeyboardInterrupt of it.
        doorbell.close()
        assert signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    finally:
        signal.signal(signal.SIGHUP, hangup)
        signal.signal(signal.SIGCHLD, child)
