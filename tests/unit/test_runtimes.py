"""The runtime of a program, told by its executable, and what it asks for and shows on Windows."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from ntshim import status as st
from picobox.check.judge import Judge
from picobox.findings.finding import Frame
from picobox.platform import images
from picobox.platform.base import HostTid
from picobox.runtimes import (
    GIT,
    GO,
    JAVA,
    LLVM,
    NODE,
    PYTHON,
    RUST,
    C,
    Runtime,
    Runtimes,
    Shares,
    classify,
)

if TYPE_CHECKING:
    from pathlib import Path

    from picobox.call import Call

EPERM, ENOENT, EACCES, EBUSY, EINVAL = 1, 2, 13, 16, 22
RW, RWD = 3, 7
WANTED = frozenset((b".comment", b".rodata", b".dynstr"))


@pytest.mark.parametrize(
    ("names", "sections", "runtime"),
    [
        ((b"prog",), {}, C),
        ((b"prog",), {b".dynstr": b"\0printf\0libc.so.6\0", b".rodata": b"hello"}, C),
        ((b"prog",), {b".go.buildinfo": b"", b".rodata": b"", b".dynstr": b"\0Py_Main\0"}, GO),
        ((b"prog",), {b".note.go.buildid": b"x"}, GO),
        ((b"python3.11",), {b".dynstr": b"\0Py_BytesMain\0"}, PYTHON),
        ((b"app",), {b".dynstr": b"\0libpython3.11.so.1.0\0"}, PYTHON),
        ((b"node",), {b".dynstr": b"\0napi_create_object\0"}, NODE),
        ((b"nodejs",), {b".dynstr": b"\0libnode.so.108\0"}, NODE),
        ((b"prog",), {b".comment": b"GCC: 12\0rustc version 1.80.0 (x)\0"}, RUST),
        ((b"prog",), {b".rodata": b"..../rustc/" + b"0a" * 20 + b"/library/std/src/io.rs"}, RUST),
        ((b"prog",), {b".rodata": b"/rustc/short/library/"}, C),
        ((b"java",), {b".dynstr": b"\0JLI_Launch\0libjli.so\0"}, JAVA),
        ((b"ld.lld",), {b".dynstr": b"\0libLLVM.so.22.1-rust-1.95.0-stable\0"}, LLVM),
        ((b"rustc",), {b".comment": b"\0rustc version 1.95.0 (x)\0", b".dynstr": b"\0libLLVM-14.so.1\0"}, RUST),
        ((b"git",), {b".rodata": b"\0GIT_DIR\0"}, GIT),
        ((b"git-remote-https", b"git"), {b".rodata": b"\0GIT_DIR\0"}, GIT),
        ((b"git",), {b".rodata": b"another program of this name"}, C),
        ((b"tig",), {b".rodata": b"\0GIT_DIR\0"}, C),
        pytest.param((b"rm",), {b".rodata": b"the project's own tool"}, C, id="rm of its own"),
    ],
)
def test_traces_of_a_runtime(names: tuple[bytes, ...], sections: dict[bytes, bytes], runtime: Runtime) -> None:
    assert classify(names, sections) is runtime


@pytest.mark.parametrize(
    ("runtime", "share", "violation", "denied", "invalid"),
    [
        (C, RW, EACCES, EACCES, EINVAL),
        (PYTHON, RW, EACCES, EACCES, EINVAL),
        (GO, RW, EBUSY, EACCES, EINVAL),
        (NODE, RWD, EBUSY, EPERM, ENOENT),
        (RUST, RWD, EBUSY, EACCES, EINVAL),
        (GIT, RWD, EACCES, EACCES, EINVAL),
    ],
)
def test_what_a_runtime_asks_for_and_shows(
    runtime: Runtime, share: int, violation: int, denied: int, invalid: int
) -> None:
    assert runtime.share == share
    statuses = (st.STATUS_SHARING_VIOLATION, st.STATUS_ACCESS_DENIED, st.STATUS_OBJECT_NAME_INVALID)
    assert [runtime.errno_of(status) for status in statuses] == [violation, denied, invalid]


@pytest.mark.parametrize("runtime", [C, PYTHON, GO, NODE, RUST, GIT], ids=lambda each: each.name)
def test_who_replaces_what_is_open(runtime: Runtime) -> None:
    """What libuv calls for it is MoveFileExW alone."""
    assert runtime.posix_rename is (runtime in (RUST, GIT))


def test_runtimes_of_processes() -> None:
    own = HostTid(os.getpid())
    assert Runtimes(Shares(None, {})).of(own) is PYTHON
    with subprocess.Popen(["sleep", "60"]) as sleep:
        try:
            assert Runtimes(Shares(None, {})).of(HostTid(sleep.pid)) is C
            assert Runtimes(Shares(None, {b"sleep": 0})).of(HostTid(sleep.pid)).share == 0
        finally:
            sleep.kill()
    assert Runtimes(Shares(None, {})).of(HostTid(1 << 22)) is C


def test_what_was_asked_for_outranks_the_runtime() -> None:
    own = HostTid(os.getpid())
    name = os.path.basename(os.path.realpath(sys.executable)).encode()
    assert Runtimes(Shares(RWD, {})).of(own) == PYTHON._replace(share=RWD)
    assert Runtimes(Shares(RWD, {name: 0})).of(own).share == 0
    assert Runtimes(Shares(None, {b"other": 0})).of(own) is PYTHON


def test_a_task_that_runs_another_image_is_looked_at_again() -> None:
    waits = "import os; print(flush=True); os.read(0, 1); os.execvp('cat', ['cat'])"
    with subprocess.Popen([sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        tid, runtimes = HostTid(process.pid), Runtimes(Shares(None, {}))
        process.stdout.readline()
        assert runtimes.of(tid) is PYTHON
        process.stdin.write(b"\nis cat\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"is cat\n"
        runtimes.forget_tasks()
        assert runtimes.of(tid) is C
        process.stdin.close()


def test_an_executable_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runtimes = Runtimes(Shares(None, {}))
    own = HostTid(os.getpid())
    runtimes.of(own)
    runtimes.forget_tasks()
    monkeypatch.setattr(images, "sections_of", None)
    assert runtimes.of(own) is PYTHON


def test_what_a_task_runs_is_asked_once_until_it_may_be_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    runtimes = Runtimes(Shares(None, {}))
    own = HostTid(os.getpid())
    asked, key_of = list[HostTid](), images.key_of

    def ask(tid: HostTid) -> images.ImageKey | None:
        asked.append(tid)
        return key_of(tid)

    monkeypatch.setattr(images, "key_of", ask)
    for _ in range(3):
        assert runtimes.of(own) is PYTHON
    assert asked == [own]
    runtimes.forget_tasks()
    assert runtimes.of(own) is PYTHON
    assert asked == [own, own]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF",
        b"\x7fELF\x02\x01" + bytes(58),
        b"\x7fELF\x01\x01" + bytes(58),
        # The table of sections lies behind the end, is too long, or has no names.
        b"\x7fELF\x02\x01" + bytes(34) + struct.pack("<Q10x3H", 1 << 62, 64, 4, 3),
        b"\x7fELF\x02\x01" + bytes(34) + struct.pack("<Q10x3H", 64, 64, 65535, 3),
        b"\x7fELF\x02\x01" + bytes(34) + struct.pack("<Q10x3H", 64, 64, 2, 2) + bytes(128),
        b"\x7fELF\x02\x01" + bytes(34) + struct.pack("<Q10x3H", 64, 64, 2, 1) + b"\xff" * 128,
    ],
)
def test_executables_that_are_broken_have_no_sections(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(content)
    opened = os.open
    monkeypatch.setattr(os, "open", lambda _path, flags: opened(broken, flags))
    assert images.sections_of(HostTid(1), WANTED) == {}


def test_sections_of_one_name_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest can make an executable whose every section is the whole file."""
    damaged, count, table = tmp_path / "damaged", 255, 64
    names = table + count * 64
    sections = [struct.pack("<II8x8xQQ24x", 0, 1, names, 1 << 22)] * count
    header = b"\x7fELF\x02\x01" + bytes(34) + struct.pack("<Q10x3H", table, 64, count, 0)
    damaged.write_bytes(b"".join([header, *sections, b".rodata\0"]))
    os.truncate(damaged, 1 << 23)
    opened, pread, got = os.open, os.pread, []

    def counted(fd: int, length: int, offset: int) -> bytes:
        data = pread(fd, length, offset)
        got.append(len(data))
        return data

    monkeypatch.setattr(os, "open", lambda _path, flags: opened(damaged, flags))
    monkeypatch.setattr(os, "pread", counted)
    assert images.sections_of(HostTid(1), WANTED).keys() == {b".rodata"}
    assert sum(got) < 1 << 24


@pytest.mark.parametrize(
    ("runtime", "modules", "share"),
    [
        (JAVA, ["/lib/libc.so.6", "/jdk/lib/libnio.so", "/jdk/lib/server/libjvm.so"], RWD),
        (JAVA, ["/lib/libc.so.6", "/jdk/lib/libjava.so", "/jdk/lib/server/libjvm.so"], RW),
        (JAVA, ["/jdk/lib/server/libjvm.so"] * 4 + ["/jdk/lib/libnio.so"], RW),
        (C, ["/lib/libc.so.6", "/work/libnio.so"], RW),
        (RUST, [], RWD),
    ],
)
def test_a_library_of_a_runtime_shares_otherwise(runtime: Runtime, modules: list[str], share: int) -> None:
    frames = tuple(Frame(module, offset=16) for module in modules)
    judge = SimpleNamespace(stacks=SimpleNamespace(of=lambda _, limit: frames[:limit]))
    assert Judge.share_of(cast("Judge", judge), cast("Call", None), runtime) == share
