"""H10: whatever guests do to their descriptors, handle tables say the same as the kernel, and nothing remains."""

from __future__ import annotations

import gc
import os
from itertools import combinations
from pathlib import Path
from string import digits
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ntshim.io.file import FILE_READ_DATA, FILE_WRITE_DATA, File
from ntshim.ps.process import Process, Thread
from picobox.abi.row import ACTION_CALL, ACTION_NATIVE
from picobox.abi.table import BY_NAME
from picobox.cli.options import PROFILES
from picobox.profile import profile_of

from .guests import guest, picobox, run
from .sandbox import Sandbox, Watcher, is_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.call import Call
    from picobox.platform.base import HostTid

BEHAVIOURS = {
    "dups": 6, "many": 4, "kinds": 2, "ranges": 4, "execs": 4, "thread_execs": 3, "forks": 7, "copies": 3, "shares": 8,
    "threads": 5, "late_thread": 2, "leader_exits": 3, "messages": 4, "pidfds": 3, "spawns": 7, "deaths": 11,
    "unseen_copies": 5,
}  # fmt: skip

# In the other one a thread opens and closes files while another is looked at: only who sees these calls stops it.
STEADY = [behaviour for behaviour in BEHAVIOURS if behaviour != "leader_exits"]

# kB: what ten thousand to a hundred thousand rounds may cost the supervisor, and what a few rounds may, since neither
# the allocator nor the garbage collector of the interpreter gives back at once.
GROWTH_LIMIT = 2048
GROWTH_NOISE = 256


# linux/sched.h
PF_EXITING = 0x4


class Place(NamedTuple):
    """One descriptor of one process, and the object that its handle stands for."""

    tid: HostTid
    fd: int
    file: File


def kernel_flags(tid: int) -> dict[int, int] | None:
    """The descriptors of a task as /proc tells them: number to open flags. None for one that was ending meanwhile."""
    flags = {}
    try:
        for name in os.listdir(f"/proc/{tid}/fd"):
            for line in Path(f"/proc/{tid}/fdinfo/{name}").read_text().splitlines():
                if line.startswith("flags:"):
                    flags[int(name)] = int(line.split()[1], 8)
    except (FileNotFoundError, ProcessLookupError):
        if is_living(tid):
            raise
        return None
    return flags if is_living(tid) else None


def is_living(tid: int) -> bool:
    """Whether a task exists and has not begun to end: then it gives its descriptors back before it is a zombie."""
    try:
        fields = Path(f"/proc/{tid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in "ZX" and not int(fields[6]) & PF_EXITING


def data_access(flags: int) -> int:
    """What an open with these flags may do to data (man 2 open: access mode 3 and O_PATH give neither)."""
    if flags & os.O_PATH:
        return 0
    return {os.O_RDONLY: FILE_READ_DATA, os.O_WRONLY: FILE_WRITE_DATA, os.O_RDWR: FILE_READ_DATA | FILE_WRITE_DATA}.get(
        flags & os.O_ACCMODE, 0
    )


class HandleWatcher(Watcher):
    """Compares every handle table with the kernel's descriptors at each checkpoint."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.checkpoints = 0
        # What each who asked to be looked at had: its descriptors, with what NT says of each.
        self.views: list[list[tuple[object, ...]]] = []

    def entered(self, call: Call) -> bool:
        if is_checkpoint(call):
            self.checkpoints += 1
            self.compare_descriptions([place for places in self.compare_tables() for place in places])
            self.views.append(view_of(call.thread.process))
        return True

    def living_flags(self) -> dict[Process, tuple[HostTid, dict[int, int]]]:
        """The descriptors of each process, by a task that has not begun to end while they were read."""
        found = {}
        for tid, thread in self.sandbox.supervisor.threads().items():
            flags = kernel_flags(tid) if is_living(tid) else None
            if flags is not None:
                found[thread.process] = tid, flags
        return found

    def compare_tables(self) -> list[list[Place]]:
        found = []
        for process, (tid, flags) in self.living_flags().items():
            handles = dict(process.handles.handles())
            # facts/nt.md section 2: values are multiples of 4, and the first of every 256 is never given.
            expected = {4 * (fd + 1 + fd // 255): fd for fd in flags}
            assert handles.keys() == expected.keys()
            places = []
            for handle, entry in handles.items():
                fd = expected[handle]
                assert isinstance(entry.object, File)
                assert entry.access & (FILE_READ_DATA | FILE_WRITE_DATA) == data_access(flags[fd]), (fd, oct(flags[fd]))
                places.append(Place(tid, fd, entry.object))
            found.append(places)
        return found

    def compare_descriptions(self, places: list[Place]) -> None:
        """One File object for each open file description, across processes too, as kcmp tells."""
        by_file: dict[File, list[Place]] = {}
        for place in places:
            by_file.setdefault(place.file, []).append(place)
        for same in by_file.values():
            assert all(self.is_same(same[0], other) for other in same[1:]), same
        for one, other in combinations([same[0] for same in by_file.values()], 2):
            assert one.file.host_key != other.file.host_key or not self.is_same(one, other), (one, other)

    def is_same(self, one: Place, other: Place) -> bool:
        return self.sandbox.platform.same_description(one.tid, one.fd, other.tid, other.fd)


# A run of WSL's tree moves its whole process into a mount namespace, which this one must not be.
HERE = [profile for profile in PROFILES if not profile_of(profile).wsl]
# What windows10 does to handles is what windows11 does.
PROFILED = [pytest.param(profile, marks=pytest.mark.full if profile == "windows10" else ()) for profile in HERE]
# Each profile is watched, which takes all that the run without takes.
WATCHED = [
    pytest.param(
        profile,
        watched,
        marks=pytest.mark.full if profile == "windows10" or (profile == "windows11" and not watched) else (),
    )
    for profile in HERE
    for watched in (False, True)
]


def view_of(process: Process) -> list[tuple[object, ...]]:
    """Of each handle of a process its number, access and attributes, name and share mode, and the first of its File."""
    first: dict[File, int] = {}
    view = []
    for handle, entry in process.handles.handles():
        assert isinstance(entry.object, File)
        opened = entry.object.context
        # What never had a name is called by its number, and no two runs have one directory.
        named = () if opened is None else (opened.link.name.rstrip(digits), opened.share, opened.link.removed)
        if opened is not None and opened.link.name.startswith("tmp"):
            named = ("tmp", *named[1:])
        view.append((handle, entry.access, entry.attributes, named, first.setdefault(entry.object, handle)))
    return sorted(view)


@pytest.fixture
def apart() -> Iterator[None]:
    """The collector leaves out what is there already: it would look through all of pytest's objects each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def living(*kinds: type[Any]) -> list[Any]:
    """The objects of some types that there are since the test began."""
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, kinds)]


@pytest.mark.parametrize("profile", PROFILED)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_handles_are_the_kernels_descriptors(behaviour: str, profile: str) -> None:
    sandbox = Sandbox(subscribe=True, profile=profile)
    watcher = HandleWatcher(sandbox)
    sandbox.run_ours(guest("handles"), behaviour, observer=watcher)
    assert watcher.checkpoints == BEHAVIOURS[behaviour]


@pytest.mark.parametrize("behaviour", STEADY)
def test_handles_are_right_though_closes_are_only_told(behaviour: str) -> None:
    sandbox = Sandbox(subscribe=True, calls=frozenset((BY_NAME["getpriority"].nr,)))
    watcher = HandleWatcher(sandbox)
    sandbox.run_ours(guest("handles"), behaviour, observer=watcher)
    assert watcher.checkpoints == BEHAVIOURS[behaviour]


@pytest.mark.parametrize("profile", ["nt", "linux"])
@pytest.mark.parametrize("behaviour", STEADY)
def test_handles_that_are_made_when_somebody_looks_are_those_of_each_open(behaviour: str, profile: str) -> None:
    """Once with every call seen, once with those in the gate that can be there."""
    looked = []
    for calls, gate in ((None, 0), (frozenset((BY_NAME["getpriority"].nr,)), 1)):
        sandbox = Sandbox(subscribe=True, profile=profile, calls=calls, gate=gate)
        watcher = HandleWatcher(sandbox)
        sandbox.run_ours(guest("handles"), behaviour, observer=watcher)
        assert watcher.checkpoints == BEHAVIOURS[behaviour]
        looked.append(sorted(watcher.views))
    assert looked[0] == looked[1]


class FileWatcher(HandleWatcher):
    """Keeps what each checkpoint has found descriptors to stand for."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.files: list[dict[int, File]] = []

    def compare_descriptions(self, places: list[Place]) -> None:
        super().compare_descriptions(places)
        self.files.append({place.fd: place.file for place in places})


def test_a_copy_of_what_was_looked_at_is_the_same_file() -> None:
    calls = frozenset((BY_NAME["getpriority"].nr,))
    sandbox = Sandbox(subscribe=True, calls=calls, profile="nt", gate=1)
    watcher = FileWatcher(sandbox)
    sandbox.run_ours(guest("handles"), "unseen_copies", observer=watcher)
    assert watcher.files[2][3] is watcher.files[3][4] is watcher.files[4][50]
    seen = [sandbox.counters[ACTION_CALL][BY_NAME[name].nr] for name in ("dup", "dup2", "dup3", "fcntl")]
    made = [sandbox.counters[ACTION_NATIVE][BY_NAME[name].nr] for name in ("dup", "dup2", "dup3", "fcntl")]
    assert all(20 <= count < 22 for count in seen)
    assert all(18 < count <= 20 for count in made)


@pytest.mark.parametrize("behaviour", ["dups", "kinds", "threads"])
def test_handles_of_what_was_closed_unseen_are_gone_when_somebody_looks(
    behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if each close had begun before the descriptor was looked at."""
    sandbox = Sandbox(subscribe=True, calls=frozenset((BY_NAME["getpriority"].nr,)), profile="nt", gate=1)
    monkeypatch.setattr(sandbox.platform, "watch", lambda _table, _fd: None)
    watcher = HandleWatcher(sandbox)
    sandbox.run_ours(guest("handles"), behaviour, observer=watcher)
    assert watcher.checkpoints == BEHAVIOURS[behaviour]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize(("profile", "watched"), WATCHED)
@pytest.mark.usefixtures("apart")
def test_nothing_remains(behaviour: str, watched: bool, profile: str) -> None:
    sandbox = Sandbox(subscribe=watched, profile=profile)
    provider = sandbox.run_ours(guest("handles"), behaviour, observer=HandleWatcher(sandbox) if watched else None)
    assert list(sandbox.executive.processes.values()) == [sandbox.executive.system_process]
    assert (len(provider.open_files), provider.processes, provider.threads) == (0, 0, 0)
    assert sandbox.supervisor.threads() == {}
    assert sandbox.tasks_left == 0
    if provider.opens is not None:
        assert not any(len(volume.nodes) + len(volume.reservations) for volume in provider.opens.volumes)
    del provider, sandbox
    assert living(File, Thread, Process) == []


def growth(rounds: int, directory: Path) -> int:
    """By how many kB the supervisor grows from a tenth of the rounds to all of them; a round opens, dups and forks."""
    done = run(picobox(guest("churn"), str(rounds)), 1500, directory)
    assert (done.status, done.stderr) == (0, "")
    first, last = map(int, done.stdout.split())
    return last - first


def test_memory_is_bounded(tmp_path: Path) -> None:
    assert growth(2_000, tmp_path) < GROWTH_LIMIT * 2_000 // 100_000 + GROWTH_NOISE


@pytest.mark.full
@pytest.mark.timeout(1600)
def test_memory_is_bounded_for_long(tmp_path: Path) -> None:
    assert growth(100_000, tmp_path) < GROWTH_LIMIT
