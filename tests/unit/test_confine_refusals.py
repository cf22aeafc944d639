"""Which rule refused a call, what is counted, and how it is reported."""

from __future__ import annotations

import errno
import os
import signal
import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from picobox.abi.table import BY_NAME
from picobox.confine import refusals as module
from picobox.confine.policy import (
    HIDE,
    KEEP,
    LAYER,
    LOOPBACK,
    NONE,
    READ,
    SET,
    UNSET,
    WRITE,
    FileRule,
    Limits,
    Policy,
    VariableRule,
)
from picobox.confine.refusals import CALLS, DEVICE, LIMIT, NETWORK, READING, WRITING, Refusal, Refusals
from picobox.confine.report import Line, lines, machine_limits, taken_variables
from picobox.errors import Errno

if TYPE_CHECKING:
    from pathlib import Path

POLICY = Policy(
    "test",
    (
        FileRule(b"/", READ, "tree"), FileRule(b"/home", HIDE, "homes"), FileRule(b"/home/me", READ, "mine"),
        FileRule(b"/home/me/work", WRITE, "work"), FileRule(b"/home/me/.cache", LAYER, "caches"),
    ),
    network=LOOPBACK,
    limits=Limits(processes=10, open_files=20, file_size=30, cpu_time=1.0),
    sources={"network": "net", "limits.processes": "few", "limits.open-files": "files", "limits.file-size": "small",
             "limits.cpu-time": "quick"},
)  # fmt: skip


class Memory:
    """A guest's memory: bytes by address."""

    def __init__(self) -> None:
        self.at: dict[int, bytes] = {}

    def put(self, content: bytes) -> int:
        address = 0x1000 * (len(self.at) + 1)
        self.at[address] = content
        return address

    def read_string(self, address: int, limit: int) -> bytes:
        del limit
        if address not in self.at:
            raise Errno(errno.EFAULT)
        return self.at[address]

    def read(self, address: int, size: int) -> bytes:
        return self.read_string(address, size)[:size]


def call(name: str, *values: int | bytes) -> Any:
    """A call of this process, as the observer of a run sees it; bytes are put into memory."""
    memory = Memory()
    args = [value & 0xFFFF_FFFF_FFFF_FFFF if isinstance(value, int) else memory.put(value) for value in values]
    stop = SimpleNamespace(tid=os.getpid(), args=(*args, *[0] * (6 - len(args))))
    return SimpleNamespace(row=BY_NAME[name], stop=stop, memory=memory)


def refusal(name: str, error: int, *values: int | bytes, policy: Policy = POLICY) -> Refusal | None:
    """What is told of a call that ends with an error."""
    observer = Refusals(policy)
    begun = call(name, *values)
    observer.entered(begun)
    found = observer.ended(begun, begun.stop, -error)
    assert observer.counts == ({} if found is None else {found: 1})
    return found


def internet(address: bytes, port: int) -> bytes:
    return struct.pack("<H", 2) + struct.pack(">H", port) + address + bytes(8)


def local(path: bytes) -> bytes:
    return struct.pack("<H", 1) + path + b"\0"


SEEN_THROUGH = internet(bytes((10, 0, 0, 1)), 53)
OWN = internet(bytes((127, 0, 0, 1)), 80)
CREATE = os.O_CREAT | os.O_WRONLY


@pytest.mark.parametrize(
    ("name", "error", "values", "told"),
    [
        ("open", errno.ENOENT, (b"/home/you/x", os.O_RDONLY), ("homes", READING, "/home/you/x")),
        ("open", errno.EACCES, (b"/home/you", os.O_RDONLY), ("homes", READING, "/home/you")),
        ("stat", errno.ENOENT, (b"/home/you/x", 0), ("homes", READING, "/home/you/x")),
        ("openat", errno.ENOENT, (-100, b"/home/you/x", CREATE), ("homes", WRITING, "/home/you")),
        ("open", errno.EROFS, (b"/home/me/new-file-of-nobody", CREATE), ("mine", WRITING, "/home/me")),
        ("mkdir", errno.EROFS, (b"/srv/new", 0o777), ("tree", WRITING, "/srv")),
        ("access", errno.EROFS, (b"/srv", os.W_OK), ("tree", WRITING, "/srv")),
        ("unlink", errno.EROFS, (b"/srv/../srv/x",), ("tree", WRITING, "/srv")),
        # The kernel's own answers are no refusals of ours.
        ("open", errno.ENOENT, (b"/srv/none", os.O_RDONLY), None),
        ("open", errno.EACCES, (b"/srv/none", os.O_WRONLY), None),
        ("open", errno.ENOENT, (b"/home/me/work/none", os.O_RDONLY), None),
        ("mkdir", errno.EEXIST, (b"/home/me/work/none", 0o777), None),
        ("open", errno.EROFS, (b"/home/me/.cache/x", CREATE), None),
        ("open", errno.EFAULT, (0xDEAD, os.O_RDONLY), None),
        ("open", errno.ENOENT, (b"/dev/kvm-of-nobody", os.O_RDWR), ("test", DEVICE, "/dev/kvm-of-nobody")),
        ("open", errno.EACCES, (b"/dev/null", os.O_RDWR), None),
        ("open", errno.EROFS, (b"/proc/sys/kernel/core_pattern", os.O_WRONLY),
         ("walls", CALLS, "/proc/sys/kernel/core_pattern")),
        ("connect", errno.ENETUNREACH, (3, SEEN_THROUGH, 16), ("net", NETWORK, "10.0.0.1:53")),
        ("sendto", errno.ENETUNREACH, (3, 0, 0, 0, SEEN_THROUGH, 16), ("net", NETWORK, "10.0.0.1:53")),
        ("connect", errno.ECONNREFUSED, (3, OWN, 16), None),
        ("connect", errno.ENOENT, (3, local(b"/home/you/socket"), 19), ("homes", WRITING, "/home/you/socket")),
        ("connect", errno.ECONNREFUSED, (3, local(b"/srv/socket"), 14), ("tree", WRITING, "/srv/socket")),
        ("connect", errno.ECONNREFUSED, (3, local(b"\0abstract"), 12), None),
        ("bind", errno.EROFS, (3, local(b"/srv/socket"), 14), ("tree", WRITING, "/srv")),
        ("fork", errno.EAGAIN, (), ("few", LIMIT, "processes")),
        ("open", errno.EMFILE, (b"/srv", 0), ("files", LIMIT, "open-files")),
        ("write", errno.EFBIG, (1, 0, 1), ("small", LIMIT, "file-size")),
        ("write", errno.ENOSPC, (1, 0, 1), None),
        ("mount", errno.EPERM, (b"a", b"/mnt", b"tmpfs"), ("walls", CALLS, "mount")),
        ("ioctl", errno.EPERM, (0, 0x5412, 0), ("walls", CALLS, "ioctl: input for a terminal")),
        ("ioctl", errno.EPERM, (0, 0x5413, 0), None),
        ("socket", errno.EAFNOSUPPORT, (40, 1, 0), ("walls", CALLS, "socket: families of sockets")),
        ("socket", errno.EACCES, (2, 3, 1), None),
    ],
)  # fmt: skip
def test_the_rule_that_refused(
    name: str, error: int, values: tuple[int | bytes, ...], told: tuple[str, str, str] | None
) -> None:
    assert refusal(name, error, *values) == (None if told is None else Refusal(*told))


def test_sendmsg_has_its_address_in_memory() -> None:
    begun = call("sendmsg", 3, b"")
    address = begun.memory.put(SEEN_THROUGH)
    begun.memory.at[begun.stop.args[1]] = struct.pack("<QI", address, 16)
    observer = Refusals(POLICY)
    observer.entered(begun)
    assert observer.ended(begun, begun.stop, -errno.ENETUNREACH) == Refusal("net", NETWORK, "10.0.0.1:53")


def test_what_no_limit_of_the_policy_forbids_is_no_refusal() -> None:
    free = POLICY._replace(limits=Limits(), network=NONE)
    assert refusal("fork", errno.EAGAIN, policy=free) is None
    assert refusal("open", errno.EMFILE, b"/srv", 0, policy=free) is None


FREE = POLICY._replace(limits=Limits())


@pytest.mark.parametrize(
    ("name", "error", "values", "limit"),
    [
        ("fork", errno.EAGAIN, (), "processes"),
        ("memfd_create", errno.EMFILE, (b"x", 0), "open files"),
        ("open", errno.ENFILE, (b"/srv", 0), "open files of all"),
        ("mmap", errno.ENOMEM, (0, 4096), "memory or mappings"),
        ("rt_sigqueueinfo", errno.EAGAIN, (1, 34, 0), "pending signals"),
        ("inotify_add_watch", errno.ENOSPC, (3, b"/srv", 1), "inotify"),
        ("execve", errno.E2BIG, (b"/bin/true", 0, 0), "arguments"),
    ],
)
def test_limits_of_the_machine_are_counted_apart(
    name: str, error: int, values: tuple[int | bytes, ...], limit: str
) -> None:
    observer = Refusals(FREE)
    for _ in range(2):
        begun = call(name, *values)
        assert begun.stop is not None
        observer.entered(begun)
        assert observer.ended(begun, begun.stop, -error) is None
    assert (observer.counts, observer.machine) == ({}, {limit: 2})
    assert begun.row.nr in observer.watched()
    (line,) = machine_limits(observer.machine)
    assert line.startswith(f"the machine's limit of {limit} was met 2 times: ")


# More than any address space of this process, and less.
HUGE, TINY = 1 << 40, 1 << 20


@pytest.mark.parametrize(
    ("limit", "name", "result", "values", "told"),
    [
        (HUGE, "mmap", -errno.ENOMEM, (0, HUGE), True),
        (HUGE, "mmap", -errno.ENOMEM, (0, 4096), False),
        (TINY, "mmap", -errno.ENOMEM, (0, 4096), True),
        (TINY, "mremap", -errno.ENOMEM, (0, 4096, 8192), True),
        (HUGE, "mremap", -errno.ENOMEM, (0, HUGE, HUGE + 4096), False),
        (TINY, "brk", 0x5000, (0x6000,), True),
        (HUGE, "brk", 0x5000, (0x6000,), False),
        (TINY, "execve", -errno.ENOMEM, (b"/bin/true", 0, 0), True),
    ],
)
def test_memory_is_limited_by_the_policy_or_by_the_machine(
    limit: int, name: str, result: int, values: tuple[int | bytes, ...], told: bool
) -> None:
    observer = Refusals(POLICY._replace(limits=Limits(memory=limit), sources={"limits.memory": "small"}))
    begun = call(name, *values)
    observer.entered(begun)
    assert observer.ended(begun, begun.stop, result) == (Refusal("small", LIMIT, "memory") if told else None)
    assert observer.machine == ({} if told else {"memory or mappings": 1})


def test_a_break_that_moved_or_was_asked_for_met_no_limit() -> None:
    observer = Refusals(POLICY)
    for wanted, result in ((0, 0x5000), (0x6000, 0x6000)):
        begun = call("brk", wanted)
        assert observer.ended(begun, begun.stop, result) is None
    assert observer.machine == {}


def test_file_systems_of_the_guest_have_no_more_than_its_memory(tmp_path: Path) -> None:
    rules = (FileRule(os.fsencode(tmp_path), LAYER, "layers"), FileRule(b"/", READ, "tree"))
    limited = Policy("test", rules, limits=Limits(memory=TINY), sources={"limits.memory": "small"})
    with (tmp_path / "file").open("w") as inside, open(os.devnull, "w") as outside:
        found = [refusal("write", errno.ENOSPC, each.fileno(), 0, 1, policy=limited) for each in (inside, outside)]
        free = refusal("write", errno.ENOSPC, inside.fileno(), 0, 1, policy=limited._replace(limits=Limits()))
    assert found == [Refusal("small", LIMIT, "memory"), None]
    assert free is None
    assert BY_NAME["write"].nr in Refusals(limited).watched()


def test_limits_of_a_whole_run_are_told_with_what_calls_told() -> None:
    observer = Refusals(POLICY)
    observer.left(call("fork"), call("fork").stop, -errno.EAGAIN)
    few, walled = Refusal("few", LIMIT, "processes"), Refusal("test", LIMIT, "wall-time")
    assert observer.met({"processes": 3, "wall_time": 1}) == [few, walled]
    assert observer.counts == {few: 3, walled: 1}
    observer.met({"processes": 2})
    assert observer.counts[few] == 3


def test_a_relative_path_is_where_its_task_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    policy = Policy("test", (FileRule(os.fsencode(tmp_path), HIDE, "here"),))
    assert refusal("open", errno.ENOENT, b"x/../y", 0, policy=policy) == Refusal("here", READING, f"{tmp_path}/y")
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = refusal("openat", errno.ENOENT, folder, b"z", 0, policy=policy)
    finally:
        os.close(folder)
    assert found == Refusal("here", READING, f"{tmp_path}/z")


def test_a_success_is_counted_nowhere() -> None:
    observer = Refusals(POLICY)
    for result in (0, 3, None):
        begun = call("open", b"/home/you", 0)
        observer.entered(begun)
        assert observer.ended(begun, begun.stop, result) is None
    assert observer.counts == {}


def test_limits_that_the_kernel_tells_by_a_signal() -> None:
    observer = Refusals(POLICY)
    for number in (signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSEGV, 64):
        stop: Any = SimpleNamespace(signal=number)
        observer.signalled(stop, None)
    assert observer.counts == {Refusal("quick", LIMIT, "cpu-time"): 1, Refusal("small", LIMIT, "file-size"): 1}


def test_a_guest_that_asks_for_ever_more_costs_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_TARGETS", 5)
    observer = Refusals(POLICY)
    for number in [*range(8), 0, 1]:
        begun = call("open", b"/home/you/%d" % number, 0)
        observer.entered(begun)
        observer.left(begun, begun.stop, -errno.ENOENT)
    assert len(observer.counts) == 5
    assert sum(observer.counts.values()) == 7
    assert observer.others == 3


def test_calls_that_can_be_refused_are_watched() -> None:
    watched = Refusals(POLICY).watched()
    for name in ("openat", "stat", "connect", "mount", "ioctl", "clone3", "write", "rename"):
        assert BY_NAME[name].nr in watched, name
    for name in ("getppid", "read", "munmap", "futex"):
        assert BY_NAME[name].nr not in watched, name
    assert BY_NAME["write"].nr not in Refusals(POLICY._replace(limits=Limits())).watched()


def test_lines_of_a_report() -> None:
    counts = {
        Refusal("tree", WRITING, "/usr/lib/a"): 1,
        Refusal("tree", WRITING, "/usr/lib/b"): 4,
        Refusal("homes", READING, "/home/you/it's"): 2,
        Refusal("tree", READING, "/a"): 1,
        Refusal("tree", READING, "/b"): 1,
        Refusal("net", NETWORK, "127.0.0.1:80"): 1,
        Refusal("walls", CALLS, "mount"): 9,
        Refusal("few", LIMIT, "processes"): 1,
        Refusal("few", LIMIT, "memory"): 1,
        Refusal("test", DEVICE, "/dev/kvm"): 1,
    }
    assert lines(counts) == [
        Line(9, "call", "mount", "walls", "nothing but --unconfined"),
        Line(5, "write", "/usr/lib/b, /usr/lib/a", "tree", "--write /usr/lib"),
        Line(2, "read", "/home/you/it's", "homes", """--read '/home/you/it'"'"'s'"""),
        Line(2, "read", "/a, /b", "tree", "--read /a --read /b"),
        Line(1, "limit", "memory", "few", "--limit memory=MORE, or =none"),
        Line(1, "limit", "processes", "few", "--limit processes=MORE, or =none"),
        Line(1, "network", "127.0.0.1:80", "net", "--network loopback"),
        Line(1, "device", "/dev/kvm", "test", "--device /dev/kvm"),
    ]


def test_many_targets_are_named_in_part_and_the_widest_network_counts() -> None:
    counts = {Refusal("net", NETWORK, f"10.0.0.{number}:1"): number for number in range(1, 6)}
    counts[Refusal("net", NETWORK, "[::1]:1")] = 9
    (line,) = lines(counts)
    assert line.where == "[::1]:1, 10.0.0.5:1, 10.0.0.4:1 and 3 more"
    assert line.remedy == "--network host"
    assert lines({}) == []


def test_names_do_not_reach_the_terminal_raw() -> None:
    (line,) = lines({Refusal("homes", READING, "/home/\x1b[2J\udcff"): 1})
    assert line.where == "/home/\\x1b[2J\\xff"


def test_variables_that_were_taken_are_named() -> None:
    rules = (VariableRule("*", KEEP, ""), VariableRule("A*", UNSET, ""), VariableRule("CI", SET, "", "1"))
    policy = Policy("test", environment=rules)
    assert taken_variables(policy, (b"A=1", b"B=1", b"CI=0")) == "A"
    many = tuple(b"A%02d=1" % number for number in range(20))
    assert taken_variables(policy, many).endswith("A11 and 8 more")
    assert taken_variables(policy, (b"B=1",)) == ""
