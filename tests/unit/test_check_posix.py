"""What Windows lacks, call by call: which calls a check tells of, and which it leaves alone."""

from __future__ import annotations

import os
import signal
import struct
from typing import TYPE_CHECKING

import pytest
from fake_judge import LIBRARY, PACKAGES, SCRIPT, FakeJudge, FakeTask, frames

from ntshim import status as st
from ntshim.status import NtError
from picobox.check import origins
from picobox.check.read_back import mode_on_windows
from picobox.check.signals import is_lacked
from picobox.findings.finding import Frame
from picobox.runtimes import GIT, GO, NODE, PYTHON, RUST, C, Runtime

if TYPE_CHECKING:
    from pathlib import Path

AT_FDCWD = -100
ME, ELSE = os.getuid(), 4711
SAME = (1 << 32) - 1


@pytest.fixture
def judge(tmp_path: Path) -> FakeJudge:
    """A judge whose drive has a file, a file with a special bit, and one outside it."""
    drive = tmp_path / "drive"
    drive.mkdir()
    (drive / "file").touch(0o644)
    (drive / "special").touch()
    (drive / "special").chmod(0o2755)
    (tmp_path / "outside").touch()
    return FakeJudge(drive)


def inside(judge: FakeJudge, name: str) -> bytes:
    return judge.drive + b"/" + name.encode()


def address(path: bytes) -> dict[int, bytes]:
    return {64: struct.pack("<H", 1) + path + b"\0"}


FIFO, SOCKET, DEVICE, REGULAR, BARE = 0o010644, 0o140644, 0o020644, 0o100644, 0o644


@pytest.mark.parametrize(
    ("row", "before", "after", "rule", "status"),
    [
        ("symlink", (b"target",), (), "PB019", st.STATUS_PRIVILEGE_NOT_HELD),
        ("symlinkat", (b"target", AT_FDCWD), (), "PB019", st.STATUS_PRIVILEGE_NOT_HELD),
        ("mknod", (), (FIFO, 0), "PB021", st.STATUS_NOT_SUPPORTED),
        ("mknodat", (AT_FDCWD,), (SOCKET, 0), "PB021", st.STATUS_NOT_SUPPORTED),
        ("mknodat", (AT_FDCWD,), (DEVICE, 259), "PB021", st.STATUS_NOT_SUPPORTED),
        ("mknodat", (AT_FDCWD,), (REGULAR, 0), None, 0),
        ("mknod", (), (BARE, 0), None, 0),
    ],
)
def test_what_is_made(
    judge: FakeJudge, row: str, before: tuple[object, ...], after: tuple[object, ...], rule: str | None, status: int
) -> None:
    path = inside(judge, "new")
    found = [(rule, status, path)] if rule is not None else []
    judge.call(row, *before, path, *after)
    assert [each[:3] for each in judge.found] == found
    assert judge.call(row, *before, path, *after, result=-17) == []
    assert judge.call(row, *before, b"/tmp/outside", *after) == []
    assert judge.call(row, *before, None, *after) == []
    judge.observes = False
    judge.found.clear()
    if rule is None:
        judge.begin(row, *before, path, *after)
    else:
        with pytest.raises(NtError) as caught:
            judge.begin(row, *before, path, *after)
        assert caught.value.status == status
    assert [each[:3] for each in judge.found] == found


def test_the_name_of_a_socket(judge: FakeJudge) -> None:
    path = inside(judge, "socket")
    size = len(path) + 3
    assert judge.call("bind", 3, 64, size, mappings=address(path)) == ["PB021"]
    assert judge.found[0].path == path
    for addr, length, mappings in (
        (64, size, address(b"\0" + path)),
        (64, size + 200, address(path + b"\0" * 200)),
        (64, size, {64: struct.pack("<H", 2) + path + b"\0"}),
        (64, size, {}),
        (0, size, {}),
        (64, 2, address(path)),
        (64, len(b"/outside") + 3, address(b"/outside")),
    ):
        assert judge.call("bind", 3, addr, length, mappings=mappings) == []


def test_an_address_that_multiprocessing_has_chosen(judge: FakeJudge) -> None:
    """On Windows it is that of a named pipe, so it is no finding, and nothing is refused."""
    for name, found in (("listener-1_9ef4tw", []), ("listener", ["PB021"]), ("listener-1_9ef4tw.sock", ["PB021"])):
        path = inside(judge, name)
        arguments = ("bind", 3, 64, len(path) + 3)
        judge.observes = True
        assert judge.call(*arguments, mappings=address(path)) == found
        judge.observes = False
        if not found:
            judge.begin(*arguments, mappings=address(path))


def test_the_last_name_of_a_file(judge: FakeJudge, tmp_path: Path) -> None:
    path = inside(judge, "file")
    for number in range(1023):
        assert judge.call("link", path, inside(judge, f"n{number}")) == []
        os.link(path, tmp_path / f"n{number}")
    assert judge.call("link", path, inside(judge, "more")) == ["PB020"]
    assert judge.found[0][1:3] == (st.STATUS_TOO_MANY_LINKS, path)
    judge.drive += b"x"
    assert judge.call("linkat", AT_FDCWD, path, AT_FDCWD, b"more", 0) == []


@pytest.mark.parametrize(
    ("owner", "group", "rules"),
    [
        (ME, SAME, []),
        (SAME, SAME, []),
        (ME, os.getgid(), []),
        (ELSE, SAME, ["PB021"]),
        (SAME, ELSE, ["PB021"]),
    ],
)
@pytest.mark.parametrize("row", ["chown", "lchown", "fchown", "fchownat"])
def test_owners(judge: FakeJudge, row: str, owner: int, group: int, rules: list[str]) -> None:
    path = inside(judge, "file")
    with open(path) as file:
        arguments: dict[str, tuple[object, ...]] = {
            "fchown": (file.fileno(), owner, group),
            "fchownat": (AT_FDCWD, path, owner, group, 0),
        }
        assert judge.call(row, *arguments.get(row, (path, owner, group))) == rules
        assert [found.path for found in judge.found] == [path] * len(rules)
    assert judge.call("chown", os.path.dirname(judge.drive) + b"/outside", ELSE, ELSE) == []
    assert judge.call("chown", inside(judge, "missing"), ELSE, ELSE) == []


@pytest.mark.parametrize(
    ("name", "mode", "rules"),
    [
        ("file", 0o4755, ["PB021"]),
        ("file", 0o1777, ["PB021"]),
        ("file", 0o600, []),
        ("special", 0o2755, []),
        ("special", 0o6755, ["PB021"]),
        ("missing", 0o4755, []),
    ],
)
def test_special_bits(judge: FakeJudge, name: str, mode: int, rules: list[str]) -> None:
    assert judge.call("chmod", inside(judge, name), mode) == rules
    assert judge.call("fchmodat", AT_FDCWD, inside(judge, name), mode) == rules


@pytest.mark.parametrize(
    ("mode", "path", "is_directory", "shown"),
    [
        (0o600, b"a", False, 0o666),
        (0o040, b"a", False, 0o444),
        (0o020, b"a", False, 0o666),
        (0o444, b"A.EXE", False, 0o555),
        (0o700, b"d", True, 0o777),
        (0o500, b"d", True, 0o555),
    ],
)
def test_modes_as_windows_shows_them(mode: int, path: bytes, is_directory: bool, shown: int) -> None:
    assert mode_on_windows(mode, path, is_directory=is_directory) == shown


TIMES = {64: struct.pack("<4q", 1, 100, 1, 101)}


def times(accessed: int, changed: int) -> dict[int, bytes]:
    return {64: struct.pack("<4q", 1, accessed, 1, changed)}


def test_modes_that_are_read_back(judge: FakeJudge) -> None:
    path = inside(judge, "file")
    assert judge.call("stat", path, 0) == []
    assert judge.call("chmod", path, 0o600) == []
    assert judge.call("stat", inside(judge, "special"), 0) == []
    assert judge.call("newfstatat", AT_FDCWD, path, 0, 0) == ["PB021"]
    assert judge.found[0][1:3] == (st.STATUS_SUCCESS, path)
    assert "0600" in judge.found[0].message
    assert judge.call("stat", path, 0) == [], "each is told once"
    for mode in (0o666, 0o444):
        judge.call("chmod", path, mode)
        assert judge.call("lstat", path, 0) == []
    judge.call("chmod", path, 0o600, result=-1)
    assert judge.call("stat", path, 0) == []
    judge.call("chmod", path, 0o600)
    assert judge.call("statx", AT_FDCWD, path, 0, 0, 0, task=FakeTask(1)) == []
    judge.executable = b"/usr/bin/install"
    assert judge.call("stat", path, 0) == []


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o755, 0o775, 0o777, 0o640, 0o700, 0o400, 0o440])
def test_ordinary_modes_tell_nothing_where_nobody_knows_what_a_look_wants(judge: FakeJudge, mode: int) -> None:
    rules = [] if mode in (0o644, 0o664, 0o755, 0o775, 0o777) else ["PB021"]
    path = inside(judge, "file")
    judge.call("chmod", path, mode)
    assert judge.call("stat", path, 0) == rules
    judge.executable = b"/usr/bin/chmod"
    judge.call("chmod", path, mode)
    judge.executable, judge.arguments = b"/usr/bin/stat", ("stat", "-c", "%a", "file")
    assert judge.call("stat", path, 0) == ["PB021"], "stat(1) is asked for the mode"


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        ("st = os.stat(path)\nassert st.st_mode & 0o777 == 0o600\n", ["PB021"]),
        ("assert stat.S_IMODE(os.stat(path).st_mode) == 0o600\n", ["PB021"]),
        ("assert os.path.exists(path)\n", []),
        ("assert stat.S_ISREG(os.stat(path).st_mode)\n", []),
        ("size = os.stat(path).st_size\n\n\n\nmode = st.st_mode\n", []),
        ("mode = os.stat(path).st_mode\nassert mode & 0o777 == 0o600\nos.chmod(path, 0o644)\n", ["PB021"]),
        ("mode = os.stat(path).st_mode\nassert mode\nos.chmod(path, mode | 0o100)\n", []),
        ("old = os.stat(path).st_mode\nos.chmod(path, 0o777)\n", []),
        ("os.chmod(path, os.stat(path).st_mode | 0o111)\nprint(path)\n", []),
    ],
)
def test_python_that_looks_at_a_mode(judge: FakeJudge, tmp_path: Path, source: str, rules: list[str]) -> None:
    script = tmp_path / "test_it.py"
    script.write_text(source)
    judge.executable, judge.written_on = b"/usr/bin/python3", PYTHON
    judge.frames = (*frames(f"{LIBRARY}/pathlib.py"), Frame(str(script), "test", 1))
    judge.call("chmod", inside(judge, "file"), 0o600)
    assert judge.call("stat", inside(judge, "file"), 0) == rules


@pytest.mark.parametrize(
    ("modules", "rules"),
    [
        (("/usr/lib/x86_64-linux-gnu/libc.so.6", "/home/someone/program"), ["PB021"]),
        (("/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/home/someone/program"), []),
        (("/home/someone/program",), ["PB021"]),
    ],
)
def test_libraries_that_look_by_themselves(judge: FakeJudge, modules: tuple[str, ...], rules: list[str]) -> None:
    judge.frames = tuple(Frame(module, offset=16) for module in modules)
    judge.call("chmod", inside(judge, "file"), 0o600)
    assert judge.call("fstat", 3, 0) == []
    assert judge.call("stat", inside(judge, "file"), 0) == rules


@pytest.mark.parametrize(
    ("program", "arguments", "text", "rules"),
    [
        (b"/usr/bin/stat", ("stat", "-c", "%a", "file"), "", ["PB021"]),
        (b"/usr/bin/stat", ("stat", "-c", "%s", "file"), "", []),
        (b"/usr/bin/node", ("node", "SCRIPT"), "fs.statSync(f).mode & 0o777", ["PB021"]),
        (b"/usr/bin/node", ("node", "SCRIPT"), "fs.statSync(f).size", []),
        (b"/usr/bin/perl", ("perl", "-w", "SCRIPT"), "(stat($f))[2] & 07777", ["PB021"]),
        (b"/usr/bin/perl", ("perl", "SCRIPT"), "-e $f", []),
        (b"/usr/bin/perl", ("perl", "-e", "print((stat 'f')[2])", "SCRIPT"), "", ["PB021"]),
        (b"/usr/bin/python3.12", ("python3", "-X", "dev", "SCRIPT"), "os.stat(f).st_mode", ["PB021"]),
        (b"/usr/bin/python3.12", ("python3", "-m", "SCRIPT"), "os.stat(f).st_mode", []),
        (b"/usr/bin/ruby", ("ruby", "SCRIPT"), "File.stat(f).mode", []),
    ],
)
def test_others_that_look_at_a_mode(
    judge: FakeJudge, tmp_path: Path, program: bytes, arguments: tuple[str, ...], text: str, rules: list[str]
) -> None:
    script = tmp_path / "script"
    script.write_text(text)
    judge.executable = b"/usr/bin/chmod" if program.endswith(b"/stat") else program
    judge.arguments = tuple(str(script) if each == "SCRIPT" else each for each in arguments)
    judge.call("chmod", inside(judge, "file"), 0o600)
    judge.executable = program
    assert judge.call("stat", inside(judge, "file"), 0) == rules


def test_looks_are_wanted_as_long_as_it_pays(judge: FakeJudge) -> None:
    path = inside(judge, "file")
    assert not judge.looks_wanted
    judge.executable = b"/usr/bin/install"
    judge.call("chmod", path, 0o600)
    assert not judge.looks_wanted
    judge.executable = b"/home/someone/program"
    judge.call("chmod", path, 0o600)
    assert judge.looks_wanted
    for _ in range(2001):
        judge.call("stat", inside(judge, "special"), 0)
    assert not judge.looks_wanted
    assert judge.call("stat", path, 0) == []


@pytest.mark.parametrize(
    ("accessed", "changed", "rules"),
    [
        (100, 200, []),
        (100, 201, ["PB025"]),
        (1, 0, ["PB025"]),
        ((1 << 30) - 1, (1 << 30) - 2, []),
    ],
)
def test_times_that_are_read_back(judge: FakeJudge, accessed: int, changed: int, rules: list[str]) -> None:
    path = inside(judge, "file")
    judge.call("utimensat", AT_FDCWD, path, 64, 0, mappings=times(accessed, changed))
    assert judge.call("stat", path, 0) == rules
    with open(path) as file:
        judge.call("utimensat", file.fileno(), None, 64, 0, mappings=times(accessed, changed))
    assert judge.call("stat", path, 0) == rules
    assert judge.call("utimensat", AT_FDCWD, path, 64, 0, mappings={}) == []


def test_times_of_copies_are_none(judge: FakeJudge, tmp_path: Path) -> None:
    script = tmp_path / "test_it.py"
    script.write_text("assert os.stat(path).st_mtime_ns == 1\n")
    judge.frames = (*frames(f"{LIBRARY}/shutil.py"), Frame(str(script), "test", 1))
    path = inside(judge, "file")
    judge.call("utimensat", AT_FDCWD, path, 64, 0, mappings=times(1, 1))
    judge.frames = (Frame(str(script), "test", 1),)
    assert judge.call("stat", path, 0) == []
    judge.call("utimensat", AT_FDCWD, path, 64, 0, mappings=times(1, 1))
    assert judge.call("stat", path, 0) == ["PB025"]


def test_times_that_are_looked_at_as_floats(judge: FakeJudge, tmp_path: Path) -> None:
    script = tmp_path / "test_it.py"
    script.write_text("os.path.getmtime(path)\nassert os.stat(path).st_mtime_ns == 1\n")
    judge.frames = (Frame(str(script), "test", 1),)
    path = inside(judge, "file")
    judge.call("utimensat", AT_FDCWD, path, 64, 0, mappings=times(1, 1))
    judge.frames = (Frame("<frozen genericpath>", "getmtime", 55), Frame(str(script), "test", 1))
    assert judge.call("stat", path, 0) == []
    judge.frames = (Frame(str(script), "test", 2),)
    assert judge.call("stat", path, 0) == ["PB025"]


@pytest.mark.parametrize(
    ("number", "lacked"),
    [
        (0, False),
        (signal.SIGINT, False),
        (signal.SIGKILL, False),
        (signal.SIGTERM, False),
        (signal.SIGABRT, False),
        (32, False),
        (33, False),
        (65, False),
        (-1, False),
        (signal.SIGUSR1, True),
        (signal.SIGHUP, True),
        (signal.SIGCONT, True),
        (40, True),
    ],
)
def test_signals_that_windows_lacks(number: int, lacked: bool) -> None:
    assert is_lacked(number) is lacked


USR1, QUIT, URG, CONT = signal.SIGUSR1, signal.SIGQUIT, signal.SIGURG, signal.SIGCONT


@pytest.mark.parametrize(
    ("runtime", "program", "row", "arguments", "rules"),
    [
        (C, b"/home/p", "kill", (1, USR1), ["PB023"]),
        (C, b"/home/p", "kill", (1, 0), []),
        (C, b"/home/p", "kill", (1, signal.SIGTERM), []),
        (C, b"/home/p", "tgkill", (1, 1, USR1), ["PB023"]),
        (C, b"/home/p", "rt_sigqueueinfo", (1, USR1, 0), ["PB023"]),
        (C, b"/home/p", "rt_tgsigqueueinfo", (1, 1, USR1, 0), ["PB023"]),
        (C, b"/home/p", "pidfd_send_signal", (3, USR1, 0, 0), ["PB023"]),
        (C, b"/usr/bin/kill", "kill", (1, USR1), ["PB023"]),
        (C, b"/usr/bin/bash", "kill", (1, USR1), ["PB023"]),
        (C, b"/usr/bin/timeout", "kill", (1, CONT), []),
        (GO, b"/home/p", "tgkill", (1, 1, URG), []),
        (GO, b"/home/p", "kill", (1, USR1), ["PB023"]),
        (C, b"/usr/lib/jvm/bin/java", "tkill", (1, USR1), []),
        (NODE, b"/usr/bin/node", "kill", (1, QUIT), []),
        (NODE, b"/usr/bin/node", "kill", (1, USR1), ["PB023"]),
        (C, b"/home/p", "alarm", (1,), ["PB023"]),
        (C, b"/home/p", "alarm", (0,), []),
        (C, b"/usr/bin/perl", "alarm", (1,), []),
        (C, b"/usr/bin/timeout", "alarm", (1,), []),
        (GIT, b"/usr/bin/git", "alarm", (1,), []),
    ],
)
def test_signals(
    judge: FakeJudge, runtime: Runtime, program: bytes, row: str, arguments: tuple[int, ...], rules: list[str]
) -> None:
    judge.written_on, judge.executable = runtime, program
    assert judge.call(row, *arguments) == rules
    assert judge.call(row, *arguments, result=-1) == []


@pytest.mark.parametrize(
    ("which", "seconds", "microseconds", "rules"),
    [(0, 1, 0, ["PB023"]), (0, 0, 1, ["PB023"]), (0, 0, 0, []), (1, 1, 0, [])],
)
def test_interval_timers(judge: FakeJudge, which: int, seconds: int, microseconds: int, rules: list[str]) -> None:
    value = struct.pack("<4q", 9, 9, seconds, microseconds)
    assert judge.call("setitimer", which, 64, 0, mappings={64: value}) == rules
    assert judge.call("setitimer", which, 0, 0) == []
    assert judge.call("setitimer", which, 64, 0) == []


@pytest.mark.parametrize(
    ("number", "handler", "runtime", "program", "files", "rules"),
    [
        (USR1, 4096, C, b"/home/p", (), ["PB023"]),
        (USR1, 0, C, b"/home/p", (), []),
        (USR1, 1, C, b"/home/p", (), []),
        (signal.SIGINT, 4096, C, b"/home/p", (), []),
        (signal.SIGBUS, 4096, C, b"/home/p", (), []),
        (USR1, 4096, RUST, b"/home/p", (), []),
        (URG, 4096, GO, b"/home/p", (), []),
        (USR1, 4096, C, b"/bin/bash", (), []),
        (USR1, 4096, PYTHON, b"/usr/bin/python3", (), []),
        (USR1, 4096, PYTHON, b"/usr/bin/python3", (f"{LIBRARY}/signal.py", SCRIPT.file), ["PB023"]),
        (USR1, 4096, PYTHON, b"/usr/bin/python3", (f"{LIBRARY}/asyncio/unix_events.py",), []),
        (USR1, 4096, PYTHON, b"/usr/bin/python3", (f"{PACKAGES}/x.py", SCRIPT.file), []),
    ],
)
def test_handlers(
    judge: FakeJudge,
    number: int,
    handler: int,
    runtime: Runtime,
    program: bytes,
    files: tuple[str, ...],
    rules: list[str],
) -> None:
    judge.written_on, judge.executable = runtime, program
    judge.frames = tuple(frames(*files))
    assert judge.call("rt_sigaction", number, 64, 0, 8, mappings={64: struct.pack("<4Q", handler, 0, 0, 0)}) == rules
    assert judge.call("rt_sigaction", number, 0, 64, 8) == []


@pytest.mark.parametrize(
    ("files", "is_project"),
    [
        ((), True),
        ((SCRIPT.file,), True),
        (("<string>",), True),
        ((f"{LIBRARY}/pathlib.py", SCRIPT.file), True),
        ((f"{LIBRARY}/pathlib.py", "<frozen runpy>"), False),
        ((f"{PACKAGES}/_pytest/pathlib.py", SCRIPT.file), False),
        ((f"{LIBRARY}/os.py", f"{PACKAGES}/tool.py", SCRIPT.file), False),
        (("/usr/lib/python3/dist-packages/tool.py",), False),
        ((SCRIPT.file, f"{PACKAGES}/_pytest/python.py"), True),
    ],
)
def test_whose_doing_it_is(files: tuple[str, ...], is_project: bool) -> None:
    stack = (Frame("/lib/libc.so.6", "symlink", offset=1), *frames(*files))
    assert origins.is_project(stack) is is_project


@pytest.mark.parametrize("module", ["tarfile.py", "venv/__init__.py", "pathlib.py"])
def test_what_falls_back(judge: FakeJudge, module: str) -> None:
    judge.frames = tuple(frames(f"{LIBRARY}/{module}", SCRIPT.file))
    expected = ["PB019"] if module == "pathlib.py" else []
    assert judge.call("symlink", b"target", inside(judge, "new")) == expected


def test_who_stands_for_a_call_without_a_file(judge: FakeJudge, tmp_path: Path) -> None:
    (tmp_path / "script").touch()
    script = str(tmp_path / "script")
    for program, arguments, stack, expected in (
        ("/home/p", (), (), "/home/p"),
        ("/usr/bin/perl", ("perl", "-w", script, "x"), (), script),
        ("/usr/bin/perl", ("perl", "-e", "fork", script), (), "/usr/bin/perl"),
        ("/usr/bin/perl", ("perl", f"{script}y"), (), "/usr/bin/perl"),
        ("/usr/bin/python3", ("python3", script), (SCRIPT,), SCRIPT.file),
        ("/usr/bin/python3", ("python3", "-c", "x"), frames("<string>"), "/usr/bin/python3"),
    ):
        judge.executable, judge.arguments, judge.frames = os.fsencode(program), arguments, tuple(stack)
        judge.call("kill", 1, USR1)
        assert [found.path for found in judge.found] == [os.fsencode(expected)]


def test_git_and_installers_make_links_where_they_can(judge: FakeJudge) -> None:
    judge.written_on = GIT
    assert judge.call("symlink", b"target", inside(judge, "new")) == []
    judge.written_on, judge.arguments = NODE, ("node", "/usr/bin/npm", "install")
    assert judge.call("symlink", b"target", inside(judge, "new")) == []
    judge.arguments = ("node", "link.js")
    assert judge.call("symlink", b"target", inside(judge, "new")) == ["PB019"]


CHILD = 4000
CLONE_VM, CLONE_VFORK, CLONE_THREAD = 0x100, 0x4000, 0x10000


def clone(judge: FakeJudge, flags: int = 17, result: int = CHILD) -> list[str]:
    return judge.call("clone", flags, 0, 0, 0, 0, result=result)


def child() -> FakeTask:
    return FakeTask(CHILD, has_image=False)


@pytest.mark.parametrize(
    ("flags", "last", "rules"),
    [
        (17, "exit_group", ["PB022"]),
        (17, "execve", []),
        (CLONE_VM | CLONE_VFORK, "exit_group", []),
        (CLONE_VM | CLONE_THREAD, "exit_group", []),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_children(judge: FakeJudge, flags: int, last: str, rules: list[str], early: bool) -> None:
    arguments = (0,) if last == "exit_group" else (b"/bin/true", 0, 0)
    fork = judge.begin("clone", flags, 0, 0, 0, 0)
    if not early:
        judge.end(fork, CHILD)
    judge.call(last, *arguments, task=child())
    if early:
        judge.end(fork, CHILD)
    assert judge.rules() == rules
    judge.posix.forks.tell_remaining()
    assert judge.rules() == rules


def test_children_that_are_killed(judge: FakeJudge) -> None:
    assert clone(judge) == []
    assert clone(judge) == ["PB022"], "the tid is another child's: the first one is gone"
    judge.posix.forks.tell_remaining()
    assert judge.rules() == ["PB022", "PB022"]


def test_forks_that_fail(judge: FakeJudge) -> None:
    assert clone(judge, result=-11) == []
    judge.posix.forks.tell_remaining()
    assert judge.rules() == []


def test_clone3(judge: FakeJudge) -> None:
    for flags, rules in ((0, ["PB022"]), (CLONE_VM, [])):
        judge.call("clone3", 64, 88, result=CHILD, mappings={64: struct.pack("<11Q", flags, *[0] * 10)})
        assert judge.call("exit_group", 0, task=child()) == rules
    assert judge.call("clone3", 64, 88) == []


MULTIPROCESSING = f"{LIBRARY}/multiprocessing"


@pytest.mark.parametrize(
    ("program", "files", "rules"),
    [
        (b"/home/p", (), ["PB022"]),
        (b"/bin/dash", (), []),
        (b"/usr/bin/make", (), []),
        (b"/usr/bin/perl", (), ["PB022"]),
        (b"/usr/bin/python3", (SCRIPT.file,), ["PB022"]),
        (b"/usr/bin/python3", (f"{PACKAGES}/x.py", SCRIPT.file), []),
        (b"/usr/bin/python3", ("popen_fork.py", "context.py", "process.py"), ["PB022"]),
        (b"/usr/bin/python3", ("popen_fork.py", "context.py", "context.py", "process.py"), []),
        (b"/usr/bin/python3", ("popen_fork.py", "context.py", "process.py", "pool.py"), []),
        (b"/usr/bin/python3", ("forkserver.py", "spawn.py"), []),
    ],
)
def test_who_forks(judge: FakeJudge, program: bytes, files: tuple[str, ...], rules: list[str]) -> None:
    judge.executable = program
    whole = [file if "/" in file else f"{MULTIPROCESSING}/{file}" for file in files]
    if whole and "popen_fork" in whole[0]:
        whole.append(SCRIPT.file)
    judge.frames = tuple(frames(*whole))
    clone(judge)
    assert judge.call("exit_group", 0, task=child()) == rules


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        ('multiprocessing.set_start_method("fork")', ["PB022"]),
        ('    mp.set_start_method(method = "fork")', ["PB022"]),
        ('mp.set_start_method("spawn")', []),
        ('# set_start_method("fork") is not for Windows', []),
    ],
)
def test_fork_as_the_default_that_was_set(judge: FakeJudge, tmp_path: Path, source: str, rules: list[str]) -> None:
    script = tmp_path / "work.py"
    script.write_text(f"import multiprocessing\n{source}\n")
    judge.executable = b"/usr/bin/python3"
    library = (f"{MULTIPROCESSING}/{file}.py" for file in ("popen_fork", "context", "context", "process"))
    judge.frames = (*frames(*library), Frame(str(script), "main", 3))
    clone(judge)
    assert judge.call("exit_group", 0, task=child()) == rules


def test_a_child_forks_too(judge: FakeJudge) -> None:
    clone(judge)
    judge.call("clone", 17, 0, 0, 0, 0, result=CHILD + 1, task=child())
    assert judge.call("exit_group", 0, task=FakeTask(CHILD + 1, has_image=False)) == ["PB022"]
    assert judge.call("exit_group", 0, task=FakeTask(CHILD + 2)) == []
