"""The control group of a run: where there can be one, what is written there, and what is left of it afterwards."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from picobox.confine import cgroups as module
from picobox.confine import namespaces
from picobox.confine.cgroups import MEMORY, PIDS, Group, NoGroup, Place, group_of, needed_controllers, place_of_run
from picobox.confine.limits import kernel_limits, made
from picobox.confine.namespaces import Walls
from picobox.confine.policy import Limits
from picobox.nt_files.process import NtFiles

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = frozenset((MEMORY, PIDS))
LIMITS = Limits(memory=1 << 20, processes=7)
OWN = "/user.slice/run one.scope"
MOUNTS = r"""
23 1 8:1 / / rw - ext4 /dev/vda rw
32 23 0:29 / /cg/memory rw - cgroup cgroup rw,memory
33 23 0:30 /elsewhere /cg/elsewhere rw - cgroup2 cgroup2 rw
34 23 0:30 / /cg\040two rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate
"""
FILES = {
    "cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "", "cgroup.type": "domain\n",
    "cgroup.procs": "", "cgroup.kill": "", "memory.max": "max", "memory.swap.max": "max", "pids.max": "max",
    "memory.events": "low 0\nhigh 0\nmax 9\noom 0\noom_kill 0\n", "pids.events": "max 0\n",
}  # fmt: skip


def fill(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    for name, text in FILES.items():
        (directory / name).write_text(text)


class StandIn:
    """A directory tree in place of a cgroup file system: what is made there has control files, and keeps no process."""

    def __init__(self, root: Path, own: str) -> None:
        self.root = root
        self.writes: list[tuple[Path, str]] = []
        self.directory = root / "cg two" / own.strip("/")
        (root / "proc" / "self").mkdir(parents=True)
        (root / "proc" / "self" / "cgroup").write_text(f"4:memory:/other\n0::{own}\n")
        (root / "proc" / "self" / "mountinfo").write_text(MOUNTS)
        self.directory.mkdir(parents=True)
        fill(self.directory)
        self.put("cgroup.procs", f"{os.getpid()}\n")

    def put(self, name: str, text: str | None) -> None:
        """A control file of the run's own group; None: there is none."""
        path = self.directory / name
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def groups(self) -> dict[str, Path]:
        return {path.name: path for path in self.directory.iterdir() if path.is_dir()}


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    def mkdir(name: str, mode: int, *, dir_fd: int) -> None:
        os.mkdir(name, mode, dir_fd=dir_fd)
        fill(Path(os.readlink(f"/proc/self/fd/{dir_fd}")) / name)

    def rmdir(name: str, *, dir_fd: int) -> None:
        directory = Path(os.readlink(f"/proc/self/fd/{dir_fd}")) / name
        if not directory.is_dir():
            raise FileNotFoundError
        shutil.rmtree(directory)

    found = StandIn(tmp_path, OWN)
    write = module._write

    def noted(directory: int, name: str, text: str) -> None:
        write(directory, name, text)
        found.writes.append((Path(os.readlink(f"/proc/self/fd/{directory}")) / name, text))

    monkeypatch.setattr(module, "_write", noted)
    monkeypatch.setattr(module, "os", SimpleNamespace(**{**vars(os), "mkdir": mkdir, "rmdir": rmdir}))
    return found


def group(stand_in: StandIn, limits: Limits = LIMITS) -> Group:
    found = group_of(limits, str(stand_in.root))
    assert found is not None
    return found


def test_the_place_is_the_own_group_below_the_mount_that_has_it(stand_in: StandIn) -> None:
    assert place_of_run(str(stand_in.root)) == Place(str(stand_in.directory), BOTH, holds_processes=False)
    stand_in.put("cgroup.controllers", "cpu pids")
    assert place_of_run(str(stand_in.root)).controllers == {PIDS}
    stand_in.put("cgroup.type", None)
    stand_in.put("cgroup.procs", f"1\n2\n{os.getpid()}\n")
    assert place_of_run(str(stand_in.root)).holds_processes


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda tree: (tree.root / "proc/self/cgroup").write_text("4:memory:/x\n"), "no unified hierarchy"),
        (lambda tree: (tree.root / "proc/self/cgroup").write_text("0::/../outside\n"), "neither memory nor pids|not"),
        (lambda tree: (tree.root / "proc/self/mountinfo").write_text(""), "is not mounted"),
        (lambda tree: tree.put("cgroup.controllers", "cpu io"), "neither memory nor pids"),
        (lambda tree: tree.put("cgroup.type", "threaded"), "is threaded"),
        (lambda tree: tree.put("cgroup.procs", f"{os.getpid()}\n1\n"), "1 other processes"),
        (lambda tree: shutil.rmtree(tree.directory), "not ours to divide"),
    ],
)
def test_where_there_can_be_none(stand_in: StandIn, spoil: Callable[[StandIn], Any], why: str) -> None:
    spoil(stand_in)
    with pytest.raises(NoGroup, match=why):
        place_of_run(str(stand_in.root))
    assert group_of(LIMITS, str(stand_in.root)) is None


def test_only_what_limits_need_is_asked_for(stand_in: StandIn) -> None:
    assert needed_controllers(Limits()) == frozenset()
    assert needed_controllers(Limits(processes=1)) == {PIDS}
    assert group_of(Limits(open_files=3), str(stand_in.root)) is None
    stand_in.put("cgroup.controllers", "pids")
    assert group_of(Limits(memory=1), str(stand_in.root)) is None


def test_a_group_has_the_limits_and_this_process_moves_beside_it(stand_in: StandIn) -> None:
    made_group = group(stand_in)
    made_group.make(4711)
    name = f"picobox-{os.getpid()}"
    assert set(stand_in.groups()) == {name, f"{name}-supervisor"}
    guests, ours = stand_in.groups()[name], stand_in.groups()[f"{name}-supervisor"]
    assert os.path.samefile(f"/proc/self/fd/{made_group.fd}", guests)
    control, own = stand_in.directory / "cgroup.subtree_control", str(os.getpid())
    assert stand_in.writes == [
        (ours / "cgroup.procs", own),
        (ours / "cgroup.procs", "4711"),
        (control, "+memory +pids"),
        (guests / "memory.max", str(1 << 20)),
        (guests / "memory.swap.max", "0"),
        (guests / "pids.max", "7"),
    ]
    stand_in.writes.clear()
    made_group.close()
    assert stand_in.groups() == {}
    assert stand_in.writes == [
        (guests / "cgroup.kill", "1"),
        (control, "-memory -pids"),
        (stand_in.directory / "cgroup.procs", own),
    ]


def test_who_serves_a_tree_of_the_run_moves_too(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays above makes that a group with processes of its own, which can hand nothing down."""

    class _IsMade(Exception):
        pass

    def ready(*_: object) -> None:
        raise _IsMade

    monkeypatch.setattr(namespaces, "check", ready)
    monkeypatch.setattr(namespaces, "lib", SimpleNamespace(pb_init_await=ready))
    write = module._write

    def kernels(directory: int, name: str, text: str) -> None:
        above = {str(os.getpid()), "4711", "4712"}
        if name == "cgroup.subtree_control" and above != {moved for _, moved in stand_in.writes}:
            raise OSError(16, "Device or resource busy", name)
        write(directory, name, text)

    monkeypatch.setattr(module, "_write", kernels)
    walls = Walls.__new__(Walls)
    walls.group = group(stand_in)
    walls._init = SimpleNamespace(tid=4711)
    walls._nt_files = cast("NtFiles", SimpleNamespace(servers=(4712,), place=b"/nt"))
    with pytest.raises(_IsMade):
        walls.raise_up()
    assert walls.group.controllers == BOTH
    stand_in.writes.clear()
    walls.group.close()


def test_the_pid_of_who_serves_a_tree_is_known() -> None:
    """A file of nothing stands for the device: it ends as soon as it reads there."""
    files = NtFiles()
    device, kernel = socket.socketpair()
    files._start(device.detach())
    (server,) = files.servers
    own = os.pidfd_open(server)
    os.close(files.taken())
    ends = select.poll()
    ends.register(own)
    assert ends.poll(20000)
    os.close(own)
    kernel.close()


def test_in_the_root_this_process_stays(stand_in: StandIn) -> None:
    stand_in.put("cgroup.type", None)
    stand_in.put("cgroup.subtree_control", "memory pids")
    made_group = group(stand_in, Limits(processes=3))
    made_group.make()
    assert set(stand_in.groups()) == {f"picobox-{os.getpid()}"}
    assert made_group.controllers == {PIDS}
    assert (stand_in.groups()[f"picobox-{os.getpid()}"] / "memory.max").read_text() == "max"
    made_group.close()
    # Other runs may need it.
    assert (stand_in.directory / "cgroup.subtree_control").read_text() == "memory pids"


def test_what_cannot_be_made_is_taken_back(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    write = module._write

    def refused(directory: int, name: str, text: str) -> None:
        if name == "pids.max":
            raise OSError(16, "Device or resource busy", name)
        write(directory, name, text)

    monkeypatch.setattr(module, "_write", refused)
    made_group = group(stand_in)
    with pytest.raises(NoGroup, match=r"pids\.max: Device or resource busy"):
        made_group.make()
    assert (made_group.fd, made_group.controllers, stand_in.groups()) == (-1, frozenset(), {})
    made(made_group)
    assert kernel_limits(Limits(memory=4096), made_group) == kernel_limits(Limits(memory=4096))
    made_group.close()


def test_what_is_limited_together_is_not_limited_by_itself(stand_in: StandIn) -> None:
    made_group = group(stand_in)
    alone = kernel_limits(LIMITS, made_group)
    assert [most for number, most, _ in alone if number == 9] == [1 << 20]
    made_group.make()
    assert kernel_limits(LIMITS, made_group) == [each for each in alone if each[0] != 9]
    made_group.close()


def test_limits_that_were_met(stand_in: StandIn) -> None:
    made_group = group(stand_in)
    made_group.make()
    guests = stand_in.groups()[f"picobox-{os.getpid()}"]
    assert made_group.met() == {}
    (guests / "pids.events").write_text("max 3\n")
    (guests / "memory.events").write_text("max 80\noom 2\noom_kill 4\n")
    assert made_group.met() == {"memory": 4, "processes": 3}
    made_group.close()


def test_what_killed_supervisors_left_goes(stand_in: StandIn) -> None:
    stand_in.put("cgroup.type", None)
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    for name in (f"picobox-{gone.pid}", f"picobox-{gone.pid}-supervisor", "picobox-1", "picobox-x", "other"):
        fill(stand_in.directory / name)
    held = stand_in.directory / f"picobox-{gone.pid}"
    fd = os.open(held, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    made_group = group(stand_in)
    made_group.make()
    # Of process 1 it is another's, of the first one it is held, though its process is in another namespace.
    kept = {"picobox-1", "picobox-x", "other", held.name}
    assert set(stand_in.groups()) == {f"picobox-{os.getpid()}", *kept}
    made_group.close()
    os.close(fd)
    made_group = group(stand_in)
    made_group.make()
    made_group.close()
    assert set(stand_in.groups()) == kept - {held.name}


@pytest.fixture
def mounted() -> Path:
    """The root of the real hierarchy."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    points = [fields[4] for fields in lines if fields[fields.index("-") + 1] == "cgroup2" and fields[3] == "/"]
    if not points or os.geteuid() != 0:
        pytest.skip("the root of cgroup 2 is not root's here")
    return Path(points[0])


def test_the_real_file_system_gives_and_takes_a_group(mounted: Path) -> None:
    """Without a controller, which may be another hierarchy's: what is left are processes, how they end, how it goes."""
    made_group = Group(Place(str(mounted), frozenset(), holds_processes=True), LIMITS)
    made_group.make()
    name = mounted / f"picobox-{os.getpid()}"
    child = subprocess.Popen(["/bin/sleep", "60"])
    (name / "cgroup.procs").write_text(str(child.pid))
    assert (name / "cgroup.procs").read_text().split() == [str(child.pid)]
    made_group.close()
    assert child.wait(10) == -signal.SIGKILL
    assert not name.exists()
