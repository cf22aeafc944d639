"""What guests may do to mislead the look-up of names, or to learn names from it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from build import compile_source

from . import credentials
from .guests import HERE, Result, run, shell

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534
AS_NOBODY = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A directory that others may reach."""
    directory = tmp_path
    while directory.stat().st_mode & 0o001 == 0:
        directory.chmod(directory.stat().st_mode | 0o011)
        directory = directory.parent
    return tmp_path


def guarded(parent: Path, mode: int) -> None:
    """A directory with a file in it that others may read if they know its name."""
    (parent / "Dir").mkdir()
    (parent / "Dir" / "Secret").write_text("text\n")
    (parent / "Dir" / "Secret").chmod(0o644)
    (parent / "Dir").chmod(mode)


@pytest.mark.parametrize(("mode", "others"), [(0o711, 0), (0o755, 2), (0o705, 2)])
def test_who_may_not_list_a_directory_needs_the_exact_spelling(open_path: Path, mode: int, others: int) -> None:
    guarded(open_path, mode)
    script = "cat Dir/Secret; for name in Dir/SECRET Dir/secret; do cat $name 2>/dev/null; done; true"
    text = "text\n"
    assert shell(open_path, f"{AS_NOBODY} sh -c '{script}'") == (0, text * (1 + others), "")
    assert shell(open_path, script) == (0, text * 3, ""), "its owner may"


def test_who_may_write_but_not_list_makes_names_of_any_spelling(open_path: Path) -> None:
    guarded(open_path, 0o733)
    assert shell(open_path, f"{AS_NOBODY} mkdir Dir/SECRET") == (0, "", "")
    assert sorted(os.listdir(open_path / "Dir")) == ["SECRET", "Secret"]


def test_rights_of_a_group_count(open_path: Path) -> None:
    guarded(open_path, 0o751)
    os.chown(open_path / "Dir", 0, 4321)
    for groups, text in (("--clear-groups", ""), ("--groups 4321", "text\n")):
        member = f"setpriv --reuid {NOBODY} --regid {NOBODY} {groups}"
        assert shell(open_path, f"{member} cat Dir/SECRET 2>/dev/null; true") == (0, text, "")


@pytest.mark.parametrize("way", credentials.WAYS)
def test_rights_are_those_of_the_moment(open_path: Path, way: str) -> None:
    guarded(open_path, 0o751)
    os.chown(open_path / "Dir", credentials.OWNER, credentials.GROUP)
    assert run(open_path, sys.executable, str(credentials.__file__), way) == (0, "", "")


def test_mounts_of_a_guest_are_its_own(tmp_path: Path) -> None:
    script = """mkdir Mnt && mount -t tmpfs none MNT && mkdir mnt/Sub && echo inside >MNT/sub/File && cat mnt/SUB/fILE
    mount -t proc proc mnt/SUB && cat mnt/sub/SELF/comm; cat mnt/sub/self/comm"""
    done = shell(tmp_path, f"unshare -m sh -c '{script}'; ls Mnt")
    assert (done.status, done.stdout) == (0, "inside\ncat\n")
    assert "mnt/sub/SELF/comm" in done.stderr


def test_a_child_that_shares_memory_runs_a_folded_name(tmp_path: Path) -> None:
    """Both subprocess and posix_spawn use vfork: the argument page is the parent's."""
    script = tmp_path / "Script"
    script.write_text("#!/bin/sh\necho $0 $1\n")
    script.chmod(0o755)
    program = """
import os, subprocess, sys
for number in range(20):
    assert subprocess.run(["./sCRIPT", str(number)], capture_output=True, text=True).stdout == f"./Script {number}\\n"
    assert os.waitpid(os.posix_spawn("./SCRIPT", ["x", "y"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "Out",
                      os.O_CREAT | os.O_WRONLY, 0o600)]), 0)[1] == 0
    assert os.path.exists("OUT") and open("oUT").read() == "./Script y\\n"
"""
    assert run(tmp_path, sys.executable, "-c", program) == (0, "", "")


def test_threads_look_up_while_one_executes(tmp_path: Path) -> None:
    (tmp_path / "Dir").mkdir()
    (tmp_path / "Dir" / "File").touch()
    program = """
import os, sys, threading
rounds = int(sys.argv[1])
def look():
    while True:
        os.stat("dIR/fILE")
        os.close(os.open("DIR/new%d" % threading.get_native_id(), os.O_CREAT | os.O_WRONLY))
for _ in range(8):
    threading.Thread(target=look, daemon=True).start()
for _ in range(50):
    os.stat("Dir/FILE")
if rounds:
    os.execv(sys.executable, [sys.executable, sys.argv[2], str(rounds - 1), sys.argv[2]])
os._exit(0)
"""
    (tmp_path / "Program.py").write_text(program)
    assert run(tmp_path, sys.executable, "Program.py", "5", "pROGRAM.py") == (0, "", "")


def test_directories_move_while_they_are_looked_into(tmp_path: Path) -> None:
    """Each look finds the file or nothing; each maker makes its name or nothing; nothing else happens."""
    program = """
import os, signal
os.makedirs("One/Sub"); open("One/Sub/File", "w").close(); os.symlink("oNE/sUB", "Link")
mover = os.fork()
if not mover:
    while True:
        os.rename("One", "Two"); os.rename("tWO", "One")
        os.rename("one/Sub", "ONE/Other"); os.rename("One/oTHER", "One/Sub")
found = made = 0
for _ in range(1500):
    for path in ("oNE/sUB/fILE", "Two/SUB/file", "lINK/fILE"):
        try:
            os.stat(path); found += 1
        except FileNotFoundError:
            pass
    try:
        os.mkdir("oNE/sUB/mADE"); made += 1
    except (FileNotFoundError, FileExistsError):
        pass
os.kill(mover, signal.SIGKILL); os.wait()
top = os.listdir(".")
assert len(top) == 2 and found and made == 1, (top, found, made)
"""
    assert run(tmp_path, sys.executable, "-c", program) == (0, "", "")


def test_directories_vanish_while_they_are_looked_into(tmp_path: Path) -> None:
    program = """
import os, signal
def make(path):
    os.close(os.open(path + "x", os.O_CREAT | os.O_EXCL, 0o600))
remover = os.fork()
if not remover:
    while True:
        os.makedirs("Dir", exist_ok=True)
        open("dIR/File", "w").close()
        for name in os.listdir("DIR"):
            os.unlink("diR/" + name.upper())
        try:
            os.rmdir("dir")
        except OSError:
            pass  # the other one has made a name
for _ in range(1500):
    for call in (os.stat, os.listdir, make):
        try:
            call("dIr/fILE")
        except (FileNotFoundError, NotADirectoryError, FileExistsError):
            pass
os.kill(remover, signal.SIGKILL); os.wait()
"""
    done = run(tmp_path, sys.executable, "-c", program)
    assert done == (0, "", "")
    assert len(os.listdir(tmp_path)) <= 1


def test_both_ends_of_a_fifo_may_be_made(tmp_path: Path) -> None:
    """Two opens that would create the name need each other: neither waits for the other's end."""
    os.mkfifo(tmp_path / "Fifo")
    program = """
import os, threading
reader = threading.Thread(target=lambda: os.read(os.open("fIFO", os.O_CREAT | os.O_RDONLY), 1))
reader.start()
os.write(os.open("FIFO", os.O_CREAT | os.O_WRONLY), b"x")
reader.join()
"""
    assert run(tmp_path, sys.executable, "-c", program, timeout=30) == (0, "", "")


def test_a_chroot_has_no_outside(tmp_path: Path) -> None:
    """A name above the root that a guest has taken is not found through it, in whatever spelling."""
    (tmp_path / "Outside").write_text("secret")
    (tmp_path / "Root" / "Dir").mkdir(parents=True)
    (tmp_path / "Root" / "Link").symlink_to("../../Outside")
    (tmp_path / "Root" / "Inside").write_text("text")
    (tmp_path / "Root" / "Usr").mkdir()
    (tmp_path / "Root" / "Usr" / "File").write_text("text")
    (tmp_path / "Root" / "Turned").symlink_to("/usr")
    program = """
import os
os.chroot("Root"); os.chdir("/")
for path in ("../OUTSIDE", "/dIR/../../oUTSIDE", "lINK", "/../Outside"):
    assert not os.path.exists(path), path
assert open("/../../iNSIDE").read() == open("dIR/../../inside").read() == open("tURNED/fILE").read() == "text"
"""
    assert run(tmp_path, sys.executable, "-c", program) == (0, "", "")


def test_an_exclusive_open_makes_nothing_where_a_link_leads(tmp_path: Path) -> None:
    """Whoever makes a file in a directory of everybody must get a new one, though somebody was there before."""
    (tmp_path / "Link").symlink_to("elsewhere")
    program = """
import os
for name in ("Link", "lINK"):
    try:
        os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        continue
    raise SystemExit(name)
"""
    assert run(tmp_path, sys.executable, "-c", program) == (0, "", "")
    assert os.listdir(tmp_path) == ["Link"]


def test_no_look_up_leaves_a_descriptor_open(tmp_path: Path) -> None:
    done = outcomes(tmp_path, 300)
    assert (done.status, done.stderr) == (0, ""), done


@pytest.mark.full
@pytest.mark.timeout(900)
def test_no_look_up_leaves_a_descriptor_open_often(tmp_path: Path) -> None:
    done = outcomes(tmp_path, 20_000)
    assert (done.status, done.stderr) == (0, ""), done


def outcomes(directory: Path, times: int) -> Result:
    return run(directory, compile_source(HERE / "outcomes.c"), str(times), timeout=900)
