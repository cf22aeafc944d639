"""An instance that runs can be asked as any run, and leaves nothing."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from build import FLAGS
from session.test_running import home_of

from inspection.runs import Place

if TYPE_CHECKING:
    from pathlib import Path

    from session.test_running import Home

# Locks its descriptor 9 as flock(2) does, or says that somebody else has.
_LOCKER = "#include <sys/file.h>\nint main(void) { return flock(9, LOCK_EX | LOCK_NB) != 0; }\n"


def test_an_instance(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with home_of(tmp_path, "self") as home:
        home.environment["XDG_RUNTIME_DIR"] = str(tmp_path)
        with home.start("run", "--exec", "--", "sleep", "1000") as client:
            while "sleep 1000" not in (text := place.asks("ps", status=None)[0]):
                assert client.poll() is None, text
            (run,) = place.told("ps")
            assert run["run"]["pid"] == home.server()
            assert [handle["path"] for handle in place.told("handles")[0]["handles"] if handle["kind"] == "cwd"]
            home.does("terminate", "box")
            client.wait(60)
    assert list(place.sockets.iterdir()) == []


def test_clients_of_an_instance_share_all_there_is(tmp_path: Path) -> None:
    """Process numbers, handles, named objects, locks, memory, and who may end whom."""
    place = Place(tmp_path)
    with home_of(tmp_path, "self", _with_locker) as home:
        home.environment["XDG_RUNTIME_DIR"] = str(tmp_path)
        first = _holder(home, "exec 9>/dev/shm/lock; lock; echo named >/dev/shm/name")
        second = _holder(home, "exec 8</dev/shm/lock")
        (run,) = place.told("ps")
        by_number = {each["guest_pid"]: each for each in run["processes"]}
        assert {first[1], second[1]} <= set(by_number)
        ids = {by_number[number]["nt_pid"] for number in (first[1], second[1])}
        (objects,) = place.told("objects", "\\Sessions\\0\\Processes")
        named = {each["path"].rpartition("\\")[2] for each in objects["objects"] if each["type"] == "Process"}
        assert len(ids) == 2
        assert {str(number) for number in ids} <= named
        (handles,) = place.told("handles")
        holding = {(each["pid"], each["fd"]) for each in handles["handles"] if each["path"] == "/dev/shm/lock"}
        assert {(by_number[first[1]]["pid"], 9), (by_number[second[1]]["pid"], 8)} <= holding
        home.runs("lock 9</dev/shm/lock", status=1)
        assert home.runs("cat /dev/shm/name") == "named\n"
        home.runs(f"kill -9 {first[1]}; until lock 9</dev/shm/lock; do sleep 0.01; done")
        first[0].communicate(timeout=60)
        assert first[0].returncode == 137
        home.does("terminate", "box")
        second[0].communicate(timeout=60)


def _with_locker(tree: Path) -> None:
    made = ["gcc", *FLAGS, "-static", "-x", "c", "-o", str(tree / "bin/lock"), "-"]
    subprocess.run(made, input=_LOCKER, text=True, check=True)


def _holder(home: Home, line: str) -> tuple[subprocess.Popen[str], int]:
    """A client whose program does that and waits, and its number among guests."""
    client = home.start("run", "--", f"{line}; echo $$; exec sleep 1000")
    assert client.stdout is not None
    return client, int(client.stdout.readline())
