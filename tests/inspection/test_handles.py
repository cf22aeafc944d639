"""picobox handles: who holds a file open, by whichever of its names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from inspection.runs import Place, said_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _handles(place: Place, *words: str, status: int = 0) -> list[dict[str, Any]]:
    return [handle for run in place.told("handles", *words, status=status) for handle in run["handles"]]


@pytest.mark.parametrize("policy", ["open", "default"])
def test_by_any_name(place: Place, policy: str) -> None:
    (place.directory / "kept").write_text("x")
    (place.directory / "other").write_text("y")
    os.link(place.directory / "kept", place.directory / "linked")
    (place.directory / "symbolic").symlink_to("linked")
    with place.running(
        "import os\nfile = open(f'./../{os.path.basename(os.getcwd())}/kept', 'r+')\nsaid = (file.fileno(),)",
        "--policy",
        policy,
    ) as process:
        fd = int(said_of(process))
        for name in ("kept", "linked", "symbolic", f"../{place.directory.name}/kept", str(place.directory / "kept")):
            (handle,) = _handles(place, name)
            assert (handle["fd"], handle["access"], handle["kind"]) == (fd, "rw", "file")
        assert _handles(place, "other", status=1) == []
        text, _ = place.asks("handles", "symbolic")
        assert text.splitlines()[1].endswith(str(place.directory / "kept"))
        _, complaint = place.asks("handles", "other", status=1)
        assert "nothing is found" in complaint


def test_a_file_without_a_name(place: Place) -> None:
    with place.running("import os\nfile = open('gone', 'w')\nos.unlink('gone')"):
        (handle,) = [each for each in _handles(place) if each["links"] == 0 and "gone" in each["path"]]
        assert handle["access"] == "w"
        text, _ = place.asks("handles")
        assert text.count("gone (deleted)") == 1


def test_mapped_files_and_directories(place: Place) -> None:
    (place.directory / "mapped").write_text("x" * 5000)
    (place.directory / "there").mkdir()
    program = """
import mmap, os
with open("mapped") as file:
    held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
os.chdir("there")
"""
    with place.running(program):
        assert {each["kind"] for each in _handles(place, "mapped")} >= {"map"}
        assert [each["kind"] for each in _handles(place, "there")] == ["cwd"]


def test_of_one_process(place: Place) -> None:
    program = """
import os, atexit, signal
held = os.pipe()
child = os.fork()
if not child:
    os.execvp("sleep", ["sleep", "1000"])
atexit.register(os.kill, child, signal.SIGKILL)
said = (child, *held)
"""
    with place.running(program) as process:
        child, *held = map(int, said_of(process).split())
        (run,) = place.told("ps")
        (outside,) = [each["pid"] for each in run["processes"] if each["guest_pid"] == child]
        for pid in (child, outside):
            found = _handles(place, "-p", str(pid))
            assert {each["pid"] for each in found} == {outside}
            # The pipe is closed by the exec, and so it is not told.
            assert not {each["fd"] for each in found} & set(held)


@pytest.mark.parametrize("asked_first", [False, True])
def test_what_nt_knows(place: Place, *, asked_first: bool) -> None:
    """An open under the rules of Windows has a handle at once; one that nobody has looked at gets none."""
    (place.directory / "kept").write_text("x")
    options = ("--profile", "windows10") if asked_first else ("--profile", "linux")
    with place.running("file = open('kept')", *options):
        (handle,) = _handles(place, "kept")
        assert (handle["nt"] is not None) == asked_first
        assert _handles(place, "kept") == [handle]
        if asked_first:
            assert handle["nt"]["type"] == "File"
            assert handle["nt"]["share"] is not None


def test_names_of_guests_are_no_commands_to_the_terminal(place: Place) -> None:
    with place.running("file = open(b'a\\x1b[2Jb\\nc\\xff', 'w')"):
        text, _ = place.asks("handles")
        assert "\x1b" not in text
        assert "a\\x1b[2Jb\\nc\\xff" in text
        assert any(isinstance(each["path"], dict) for each in _handles(place))


def test_a_name_that_leads_round_in_circles_is_no_harm(place: Place) -> None:
    (place.directory / "a").symlink_to("b")
    (place.directory / "b").symlink_to("a")
    with place.running("file = open('kept', 'w')") as process:
        _, complaint = place.asks("handles", r"C:\a", status=1)
        assert "symbolic links" in complaint
        assert len(_handles(place, "kept")) == 1
        assert process.poll() is None


@pytest.mark.parametrize("profile", ["nt", "windows11"])
def test_as_windows_spells_it(place: Place, profile: str) -> None:
    data = place.directory / "data"
    (place.directory / "Build").mkdir()
    data.mkdir()
    (place.directory / "Build" / "App.db").write_text("x")
    (data / "kept").write_text("y")
    program = "file, other = open('Build/App.db'), open('data/kept')\nsaid = file.fileno(), other.fileno()"
    with place.running(program, "--profile", profile, "--drive", f"D={data}") as process:
        first, second = map(int, said_of(process).split())
        spellings = {
            r"C:\Build\App.db": first,
            r"c:/build/APP.DB": first,
            r"C:\Build\..\Build\.\App.db. ": first,
            r"\??\C:\Build\App.db": first,
            r"\\?\C:\build\app.db": first,
            r"\DosDevices\C:\Build\App.db": first,
            r"D:\kept": second,
            r"\GLOBAL??\d:\KEPT": second,
            r"C:\data\kept": second,
        }
        for spelling, fd in spellings.items():
            assert [each["fd"] for each in _handles(place, spelling)] == [fd], spelling
        (run,) = place.told("objects", r"\GLOBAL??\D:")
        assert [each["fd"] for each in _handles(place, run["objects"][0]["target"] + r"\kept")] == [second]
        assert _handles(place, r"C:\Build\nothing", status=1) == []
        _, complaint = place.asks("handles", r"Q:\kept", status=1)
        assert "this run has no such drive; C: is " in complaint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("\\\\server\\share\\file", "is on another machine"),
        ("\\build\\app.db", "on which drive?"),
        ("\\??\\C:\\build\\..\\app.db", "NT knows no dots"),
        ("C:\\build\\app.db:stream", "is no name of a file"),
        ("C:\\build\\a*b", "is no name of a file"),
        ("\\??\\C:\\a/b", "is no name of a file"),
        ("\\??\\PIPE\\x", "is no file on a drive"),
        ("\\Device\\Afd", "is no file on a drive"),
        ("\\Device\\HarddiskVolume1x\\a", "is no file on a drive"),
    ],
)
def test_what_windows_spells_so_is_no_file(place: Place, name: str, said: str) -> None:
    _, complaint = place.asks("handles", name, status=125)
    assert said in complaint
    assert complaint.count("\n") == 1


def test_a_run_without_drives_says_so(place: Place) -> None:
    with place.running("", "--profile", "linux"):
        _, complaint = place.asks("handles", "C:\\kept", status=1)
        assert "has no drives" in complaint
