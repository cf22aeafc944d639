"""Names of running programs: which calls are judged by which rule, and told at which end."""

from __future__ import annotations

import os
from errno import EACCES, EEXIST, EFAULT, ENOENT
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.fs.case_flag import set_case_flag
from ntshim.fs.rules import CaseMode
from picobox.abi.table import BY_NAME
from picobox.check.names import NameRules
from picobox.errors import Errno
from picobox.findings.finding import Frame
from picobox.names import Names
from picobox.platform.drives import Drives
from picobox.platform.host import AT_FDCWD, PseudoDevices, own_tid
from picobox.platform.identity import Identities
from picobox.platform.names import NativeIndex
from picobox.profile import profile_of
from picobox.runtimes import GO, PYTHON
from picobox.windows import WindowsRules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from picobox.findings.finding import Side
    from picobox.platform.identity import Identity

CREATE = os.O_CREAT | os.O_WRONLY


def unreadable(address: int, size: int) -> bytes:
    raise Errno(EFAULT)


class Judge:
    """Takes what the rules report, as the engine does."""

    def __init__(self, windows: WindowsRules, *, observes: bool) -> None:
        self.windows = windows
        self.observes = observes
        self.told: list[tuple[str, int, bytes, bool]] = []
        self.routines: list[Callable[[int], None]] = []
        self.others: list[Side] = []
        self.open: dict[bytes, Side] = {}
        self.holders = SimpleNamespace(of=lambda side: [side])
        self.stack: tuple[Frame, ...] = ()
        self.posix = SimpleNamespace(stack=lambda _call: self.stack)

    def node_of(self, found: Identity) -> Side | None:
        return self.open.get(found.path)

    def report(
        self,
        call: Any,
        rule: str,
        status: int,
        path: bytes,
        message: str,
        *,
        others: Sequence[Side] = (),
        refused: bool = False,
    ) -> None:
        assert message
        self.others = list(others)
        self.told.append((rule, status, path, refused))

    def when_done(self, call: Any, routine: Callable[[int], None]) -> None:
        self.routines.append(routine)


class Scene:
    """A drive in a directory, a program that runs on some runtime, and calls that it makes."""

    def __init__(self, root: Path, runtime: Any = PYTHON, version: int = 11, *, observes: bool = True) -> None:
        path = os.fsencode(root / "drive")
        os.makedirs(path)
        self.root = path
        drives = Drives({"C": path}, CaseMode.INSENSITIVE, windows=True)
        windows = WindowsRules(drives, version, SimpleNamespace(of=lambda _: runtime), {path: "C:\\p"})  # type: ignore[arg-type]
        names = Names(NativeIndex(), drives, profile_of(f"windows{version}"))
        names.as_written = observes
        self.judge = Judge(windows, observes=observes)
        self.rules = NameRules(self.judge, names, Identities(PseudoDevices()))  # type: ignore[arg-type]

    def call(self, name: str, *arguments: object, result: int | None = None) -> list[tuple[str, int, bytes]]:
        """What is told of a call, with paths relative to the drive; `result` ends it."""
        self.judge.told.clear()
        self.judge.routines.clear()
        row = BY_NAME[name]
        stop = SimpleNamespace(tid=own_tid(), args=[0] * 6)
        frame: Any = SimpleNamespace(stop=stop, row=row, structure=unreadable)
        self.rules.look(frame, row, arguments)
        for routine in self.judge.routines if result is not None else ():
            assert result is not None
            routine(result)
        prefix = self.root + b"/"
        return [(rule, status, path.removeprefix(prefix)) for rule, status, path, _ in self.judge.told]

    def path(self, name: str | bytes) -> bytes:
        return self.root + b"/" + (name if isinstance(name, bytes) else name.encode())

    def make(self, *names: str) -> None:
        for name in names:
            path = self.path(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if not name.endswith("/"):
                open(path, "wb").close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize(
    ("row", "name", "told"),
    [
        ("open", "plain", None),
        ("open", "console", None),
        ("open", "aux.c", ("PB003", st.STATUS_OBJECT_NAME_NOT_FOUND)),
        ("open", "nul", ("PB003", st.STATUS_SUCCESS)),
        ("mkdir", "Con", ("PB003", st.STATUS_OBJECT_NAME_INVALID)),
        ("mknod", "com1", ("PB003", st.STATUS_OBJECT_NAME_INVALID)),
        ("open", "a?b", ("PB004", st.STATUS_OBJECT_NAME_INVALID)),
        ("symlink", "a\\b", ("PB004", st.STATUS_OBJECT_NAME_INVALID)),
        ("open", b"bad\xff", None),
        ("open", b"bad\xff?", ("PB004", st.STATUS_OBJECT_NAME_INVALID)),
        ("open", "é", None),
        ("open", "12:30", ("PB005", st.STATUS_SUCCESS)),
        ("mkdir", "a:b", ("PB005", st.STATUS_NOT_A_DIRECTORY)),
        ("link", "a:b", ("PB005", st.STATUS_OBJECT_NAME_INVALID)),
        ("rename", "x.", ("PB006", st.STATUS_SUCCESS)),
        ("mkdir", "x /", ("PB006", st.STATUS_SUCCESS)),
        ("open", "l" * 255, ("PB007", st.STATUS_OBJECT_PATH_NOT_FOUND)),
        ("mkdir", "l" * 243, ("PB007", st.STATUS_NAME_TOO_LONG)),
        ("mkdir", "l" * 242, None),
        ("link", "l" * 254, None),
        ("open", "makefile", ("PB001", st.STATUS_OBJECT_NAME_COLLISION)),
        ("rename", "makefile", ("PB001", st.STATUS_OBJECT_NAME_COLLISION)),
        ("mkdir", "MAKEFILE", ("PB001", st.STATUS_OBJECT_NAME_COLLISION)),
    ],
)
def test_a_name_that_is_made(scene: Scene, row: str, name: str | bytes, told: tuple[str, int] | None) -> None:
    scene.make("Makefile", "source")
    path, source = scene.path(name), scene.path("source")
    arguments: dict[str, tuple[object, ...]] = {
        "open": (path, CREATE, 0o600), "mkdir": (path, 0o700), "mknod": (path, 0o600, 0), "symlink": (b"target", path),
        "link": (source, path), "rename": (source, path),
    }  # fmt: skip
    plain = name if isinstance(name, bytes) else name.encode()
    assert scene.call(row, *arguments[row]) == ([] if told is None else [(*told, plain.rstrip(b"/"))])


def test_the_separator_of_lists_is_another_on_windows(tmp_path: Path) -> None:
    (tmp_path / "names.py").write_text('os.mkdir(f"a{os.pathsep}b")\n')
    for observes, told in ((True, []), (False, [("PB005", st.STATUS_NOT_A_DIRECTORY, b"a:b")])):
        scene = Scene(tmp_path / str(observes), observes=observes)
        scene.judge.stack = (Frame(str(tmp_path / "names.py"), "<module>", 1),)
        assert scene.call("mkdir", scene.path("a:b"), 0o700) == told
        assert scene.call("mkdir", scene.path("a?b"), 0o700) != []


def test_names_below_a_descriptor_and_a_relative_path(scene: Scene) -> None:
    scene.make("sub/")
    fd = os.open(scene.path("sub"), os.O_PATH)
    try:
        assert scene.call("openat", fd, b"a?", CREATE, 0) == [("PB004", st.STATUS_OBJECT_NAME_INVALID, b"sub/a?")]
        assert scene.call("openat", fd, b"../b?", CREATE, 0) == [("PB004", st.STATUS_OBJECT_NAME_INVALID, b"b?")]
        assert scene.call("openat", AT_FDCWD, b"a?", CREATE, 0) == []
    finally:
        os.close(fd)


def test_what_is_there_already_is_made_by_nobody(scene: Scene) -> None:
    scene.make("a?b", "Makefile", "makefile")
    assert scene.call("open", scene.path("a?b"), CREATE, 0) == []
    assert scene.call("open", scene.path("a?b"), os.O_RDONLY, 0) == []
    assert scene.call("open", scene.path("makefile"), CREATE, 0) == []


def test_a_device_does_not_even_open(scene: Scene) -> None:
    scene.make("aux.c", "prn/", "nul")
    told = [("PB003", st.STATUS_OBJECT_NAME_NOT_FOUND, b"aux.c")]
    assert scene.call("unlink", scene.path("aux.c")) == []
    assert scene.call("open", scene.path("aux.c"), os.O_RDONLY, 0, result=-EACCES) == told
    assert scene.call("open", scene.path("aux.c"), os.O_RDONLY, 0, result=3) == told
    assert scene.call("open", scene.path("aux.c"), os.O_RDONLY, 0, result=3) == []
    assert scene.call("open", scene.path("nul"), CREATE, 0) == [("PB003", st.STATUS_SUCCESS, b"nul")]
    assert scene.call("open", scene.path("prn"), os.O_RDONLY, 0) == []
    assert scene.call("open", scene.path("con"), os.O_RDONLY, 0) == []


def test_off_the_drives_names_are_linux_names(scene: Scene, tmp_path: Path) -> None:
    outside = os.fsencode(tmp_path) + b"/a?b"
    assert scene.call("open", outside, CREATE, 0) == []
    (tmp_path / "README").touch()
    assert scene.call("open", os.fsencode(tmp_path) + b"/readme", os.O_RDONLY, 0, result=-ENOENT) == []


def test_a_runtime_that_writes_long_paths_meets_no_limit(tmp_path: Path) -> None:
    scene = Scene(tmp_path, GO)
    assert scene.call("open", scene.path("l" * 255), CREATE, 0) == []


def test_a_conflict_names_the_other_file_and_who_has_it_open(scene: Scene) -> None:
    scene.make("Makefile")
    twin = scene.path("Makefile")
    scene.call("open", scene.path("makefile"), CREATE, 0)
    (other,) = scene.judge.others
    assert (other.process.pid, other.call, other.path) == (0, "", os.fsdecode(twin))
    scene.judge.open[twin] = other._replace(call="openat", fd=3)
    scene.call("open", scene.path("makefile"), CREATE, 0)
    assert scene.judge.others == [scene.judge.open[twin]]


def test_in_a_directory_with_the_flag_case_counts(scene: Scene) -> None:
    scene.make("flagged/readme", "plain/readme")
    set_case_flag(scene.path("flagged"), True)
    assert scene.call("open", scene.path("flagged/README"), CREATE, 0) == []
    assert [each[0] for each in scene.call("open", scene.path("plain/README"), CREATE, 0)] == ["PB001"]
    assert scene.call("open", scene.path("flagged/README"), os.O_RDONLY, 0, result=-ENOENT) == []


def test_a_rename_may_change_the_spelling(scene: Scene) -> None:
    scene.make("readme", "other", "sub/readme")
    assert scene.call("rename", scene.path("readme"), scene.path("README")) == []
    assert [each[0] for each in scene.call("rename", scene.path("other"), scene.path("README"))] == ["PB001"]
    assert [each[0] for each in scene.call("rename", scene.path("sub/readme"), scene.path("README"))] == ["PB001"]
    assert [each[0] for each in scene.call("link", scene.path("readme"), scene.path("README"))] == ["PB001"]


@pytest.mark.parametrize(
    ("row", "path", "arguments", "told"),
    [
        ("open", "readme", (os.O_RDONLY, 0), "readme"),
        ("open", "SUB/file", (os.O_RDONLY, 0), "SUB/file"),
        ("open", "SUB/new", (CREATE, 0), "SUB/new"),
        ("unlink", "readme", (), "readme"),
        ("execve", "readme", (0, 0), "readme"),
        ("open", "README", (os.O_RDONLY, 0), None),
        ("open", "absent", (os.O_RDONLY, 0), None),
        ("open", "SUB/none", (os.O_RDONLY, 0), None),
        ("open", "dangling", (CREATE, 0), None),
        ("stat", "readme", (0,), None),
    ],
)
def test_a_name_in_another_case_than_stored(
    scene: Scene, row: str, path: str, arguments: tuple[int, ...], told: str | None
) -> None:
    scene.make("README", "sub/file")
    os.symlink("nowhere", scene.path("dangling"))
    wanted = [] if told is None else [("PB002", st.STATUS_SUCCESS, told.encode())]
    assert scene.call(row, scene.path(path), *arguments, result=-ENOENT) == wanted
    assert scene.call(row, scene.path(path), *arguments, result=-EEXIST) == []
    assert scene.call(row, scene.path(path), *arguments, result=3) == []


def test_a_program_that_gets_windows_answers_finds_the_other_case(tmp_path: Path) -> None:
    scene = Scene(tmp_path, observes=False)
    scene.make("README")
    found = [("PB002", st.STATUS_SUCCESS, b"readme")]
    assert scene.call("open", scene.path("readme"), os.O_RDONLY, 0, result=3) == found
    assert scene.call("open", scene.path("readme"), os.O_RDONLY, 0, result=-ENOENT) == []
    twin = [("PB001", st.STATUS_OBJECT_NAME_COLLISION, b"SUB/file")]
    scene.make("sub/file")
    assert scene.call("mkdir", scene.path("SUB/file"), 0o777, result=-EEXIST) == twin
    assert scene.call("mkdir", scene.path("sub/file"), 0o777, result=-EEXIST) == []
    assert scene.call("unlink", scene.path("SUB/file"), result=-EEXIST) == []
    scene.call("open", scene.path("a?b"), CREATE, 0)
    assert [refused for *_, refused in scene.judge.told] == [True]
    assert scene.call("open", scene.path(b"bad\xff"), CREATE, 0) == [
        ("PB004", st.STATUS_OBJECT_NAME_INVALID, b"bad\xff")
    ]


def test_arguments_that_cannot_be_read_are_the_kernel_s(scene: Scene) -> None:
    assert scene.call("openat2", AT_FDCWD, scene.path("a?"), 1, 24) == []


def test_ill_formed_calls_are_nobody_s(scene: Scene) -> None:
    assert scene.call("open", None, CREATE, 0) == []
    assert scene.call("open", b"", CREATE, 0) == []
    assert scene.call("openat", 12345, b"a?", CREATE, 0) == []
    assert scene.call("open", scene.path("no/such/directory/a?"), CREATE, 0) == []
