"""docs/inspection.md: its example runs, and its tables name what answers hold, all of it and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from inspection.runs import SECONDS, Place

_DOCUMENT = Path(__file__).parents[2] / "docs" / "inspection.md"
_EXAMPLE = re.compile(r"(?<=^```python\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \|.*\| (.*) \|$", re.MULTILINE)
_WITH = re.compile(r"^\| `(\w+)` \| (.*) \| .* \|$", re.MULTILINE)
_WORD = re.compile(r"`(\w+)`")
_LOCKED = "import fcntl\nfile = open('locked', 'w')\nfcntl.lockf(file, fcntl.LOCK_EX)\n"


def test_the_example(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (example,) = _EXAMPLE.findall(_DOCUMENT.read_text())
    with place.running("import os\nsaid = (os.getpid(),)") as process:
        done = subprocess.run(
            [sys.executable, "-c", example], env=place.environment, capture_output=True, text=True, timeout=SECONDS,
            check=True,
        )  # fmt: skip
        assert done.stdout.startswith(f"{process.pid} ")
        assert "import os" in done.stdout


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    return set(value) | set().union(*map(_keys, value.values())) if isinstance(value, dict) else set()


def test_fields(tmp_path: Path) -> None:
    from picobox.inspection import wire

    place = Place(tmp_path)
    rows = dict(_ROW.findall(_DOCUMENT.read_text()))
    with place.running(_LOCKED, "--profile", "windows10") as process, place.connected(process.pid) as connection:
        for ask in ("ps", "handles", "objects", "locks", "top"):
            wire.ask(connection, {"ask": "top"})
            answer = wire.ask(connection, {"ask": ask})
            assert answer.pop("run")["pid"] == process.pid
            missing = _keys(answer) - set(re.findall(r"`(\w+)`", rows.pop(ask)))
            assert not missing, (ask, missing)
    assert list(rows) == ["run"]
    assert os.listdir(place.sockets) == []


# One of each kind of what can be open or locked.
_ALL_KINDS = """
import ctypes, fcntl, mmap, os, socket, struct
os.symlink("target", "symbolic")
files = [open(name, "wb+") for name in ("one", "two", "three", "mapped")]
held = [os.open(".", os.O_RDONLY), os.open("symbolic", os.O_PATH | os.O_NOFOLLOW), os.open("/dev/null", os.O_WRONLY)]
held += [*os.pipe(), os.eventfd(0), socket.socket(socket.AF_UNIX)]
fcntl.lockf(files[0], fcntl.LOCK_EX)
fcntl.fcntl(files[1], fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))
fcntl.flock(files[2], fcntl.LOCK_EX)
files[3].truncate(4096)
mapped = mmap.mmap(files[3].fileno(), 4096)
leased = os.open("leased", os.O_CREAT | os.O_RDONLY)
fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_RDLCK)
system_call = ctypes.CDLL(None).syscall
system_call(246, 0, 0, 0, 0)  # kexec_load is refused by the table
system_call(16, 0, 0x5412, 0)  # ioctl's TIOCSTI by a rule
system_call(9999)
"""
# Windows' file rules have share states; a directory is open with all that there are. Opens are answered by picobox.
_SHARED = f"""{_LOCKED}import os, threading
held = os.open('.', os.O_RDONLY)
def opens():
    while True: os.close(os.open('.', os.O_RDONLY))
threading.Thread(target=opens, daemon=True).start()
"""


def _values(value: Any) -> set[str]:
    """The words that stand as values somewhere."""
    if isinstance(value, dict | list):
        return set().union(*map(_values, value.values() if isinstance(value, dict) else value))
    return {value} if isinstance(value, str) else set()


def _shares(answer: dict[str, Any]) -> set[str]:
    """The letters of all share modes."""
    made = [handle["nt"] for handle in answer.get("handles", ()) if handle["nt"]]
    return set("".join(nt["share"] or "" for nt in made))


def _of_an_object() -> set[str]:
    """The words about a handle that is no descriptor, as NT's side may have one while a call lasts."""
    from ntshim.ob.directory import Directory
    from ntshim.ob.handles import HandleTable
    from picobox.inspection.handles import _objects
    from picobox.task import FIRST_HANDLE_INDEX

    table = HandleTable(first_index=FIRST_HANDLE_INDEX)
    table.insert(Directory(), 0)
    rows = list(_objects(table))
    return _keys(rows) | _values(rows)


def test_nothing_is_documented_that_is_not_told(tmp_path: Path) -> None:
    from picobox.inspection import wire

    documented = {ask: set(_WORD.findall(answer)) for ask, answer in _ROW.findall(_DOCUMENT.read_text())}
    documented["handles"] -= _of_an_object()
    for program, *options in ((_ALL_KINDS, "--policy", "default"), (_SHARED, "--profile", "windows10")):
        place = Place(tmp_path / options[-1])
        place.directory.mkdir()
        with place.running(program, *options) as process, place.connected(process.pid) as connection:
            for ask in documented:
                answer = wire.ask(connection, {"ask": ask})
                while ask == "top" and "windows10" in options and not answer["times"]:
                    answer = wire.ask(connection, {"ask": ask})
                del answer["run"]
                documented[ask] -= _keys(answer) | _values(answer) | _shares(answer)
    assert documented == {ask: set() for ask in documented}


def test_questions() -> None:
    from picobox.inspection.questions import Question

    documented = {word for _, words in _WITH.findall(_DOCUMENT.read_text()) for word in _WORD.findall(words)}
    assert documented == set(Question._fields) - {"ask"}
