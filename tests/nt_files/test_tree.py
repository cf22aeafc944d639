"""What guests find in /nt, however their calls are intercepted."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from inspection.runs import Place, said_of

from picobox.errors import PicoboxError
from picobox.nt_files import fuse, process

SECONDS = 60
MODES = {
    "gate": (),
    "entered": ("--enter-gate",),
    "no-gate": ("--no-gate",),
    "no-fast": ("--no-gate", "--no-fast"),
    "windows11": ("--profile", "windows11"),
    "strict": ("--policy", "strict", *(word for path in (sys.prefix, sys.base_prefix) for word in ("--read", path))),
}
needs_fuse = pytest.mark.skipif(
    not os.access(fuse.DEVICE, os.R_OK | os.W_OK),
    reason=f"{fuse.DEVICE} may not be opened here, so no test sees the tree as the kernel shows it",
)
_LOOKS = r"""
import errno, os, stat
def failure(of, *arguments):
    try:
        of(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
assert {"BaseNamedObjects", "Device", "GLOBAL??", "Sessions"} <= set(os.listdir("/nt"))
assert open("/nt/Device/Null").read().startswith("Name:\t\\Device\\Null\nType:\tDevice\nHandles:\t")
assert open("/nt/device/NULL").read() == open("/nt/Device/Null").read()
assert os.readlink("/nt/DosDevices") == "/nt/??"
assert os.readlink("/nt/GLOBAL??/NUL") == "/nt/Device/Null"
assert os.path.samefile("/nt/GLOBAL??/NUL", "/nt/Device/Null")
assert os.path.samefile("/nt/??/GLOBALROOT", "/nt")
assert stat.S_IMODE(os.stat("/nt/Device/Null").st_mode) == 0o444
with open("/nt/Device/Null") as file:
    copied = os.memfd_create("copied")
    assert os.sendfile(copied, file.fileno(), 0, 4096) == len(file.read())
os.chdir("/nt/Device")
assert open("../Device/Null").read() and os.path.isdir("../BaseNamedObjects/Local/")
for name in ("/nt/nothing", "/nt/Device/nothing", "nothing", "/nt/Device%2FNull", "/nt/" + "a" * 250):
    assert failure(open, name) == failure(os.stat, name) == "ENOENT", name
assert failure(os.listdir, "Null") == "ENOTDIR"
for change in (
    lambda: os.truncate("Null", 0), lambda: os.unlink("Null"), lambda: os.chmod("Null", 0o777), lambda: os.mkdir("d"),
    lambda: os.rename("Null", "x"), lambda: os.open("Null", os.O_RDWR), lambda: os.symlink("a", "b"),
    lambda: open("new", "w"),
):
    assert failure(change) == "EROFS"
assert failure(os.execv, "Null", ["Null"]) == "EACCES"
(each,) = set(os.listdir("/nt/Sessions/0/Processes")) - {"4"}
assert "Type:\tProcess" in open("/nt/Sessions/0/Processes/" + each).read()
print(sum(len(files) for _, _, files in os.walk("/nt")) > 50)
"""
_MAKES = r"""
import os
place = "/nt/BaseNamedObjects/"
for number in range(20):
    name = f"Made.{number}\n%"
    spelt, other = f"Made.{number}%0A%25", f"mADE.{number}%0A%25"
    for _ in range(3):
        assert not os.path.exists(place + spelt) and not os.path.exists(place + other)
    fd = os.open("/dev/shm/" + name, os.O_CREAT | os.O_RDWR)
    for each in (spelt, other):
        text = open(place + each).read()
        assert text.startswith(f"Name:\t\\BaseNamedObjects\\{spelt}\nType:\tSection\n"), text
    assert spelt in os.listdir(place)
    os.unlink("/dev/shm/" + name)
    os.close(fd)
    assert not os.path.exists(place + spelt) and spelt not in os.listdir(place)
print(True)
"""
# Where the supervisor looked names up that guests wait for, they would wait for each other.
_MANY_AT_ONCE = r"""
import os, threading, time
end = time.monotonic() + 2
failures = []
def look(number):
    while time.monotonic() < end and not failures:
        for name in ("raced", "RACED", "nothing", "Nothing"):
            for path in ("/nt/BaseNamedObjects/" + name, "/nt/basenamedobjects/" + name + str(number), name):
                try:
                    open(path).close()
                except FileNotFoundError:
                    pass
                except OSError as error:
                    failures.append(error)
os.chdir("/nt/BaseNamedObjects")
child = os.fork()
threads = [threading.Thread(target=look, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
while time.monotonic() < end:
    os.close(os.open("/dev/shm/raced", os.O_CREAT | os.O_RDWR))
    try:
        os.unlink("/dev/shm/raced")
    except FileNotFoundError:
        pass
for thread in threads:
    thread.join()
if not child:
    os._exit(bool(failures))
print(not failures and os.waitpid(child, 0)[1] == 0, *failures)
"""


def _run(directory: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    place = Place(directory)
    command = place.command("-q", "--policy", "default", *options, "--", sys.executable, "-c", program)
    return subprocess.run(
        command, env=place.environment, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip


@needs_fuse
@pytest.mark.parametrize(
    ("program", "mode"),
    [
        pytest.param(
            program, mode, id=f"{name}-{mode}", marks=[] if name != "many" or mode == "gate" else pytest.mark.full
        )
        for name, program in (("looks", _LOOKS), ("makes", _MAKES), ("many", _MANY_AT_ONCE))
        for mode in MODES
    ],
)
def test_the_tree(tmp_path: Path, mode: str, program: str) -> None:
    done = _run(tmp_path, program, "--nt-files", *MODES[mode])
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


@needs_fuse
def test_in_a_user_namespace(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("who is not root has one in each run")
    place = Place(tmp_path)
    command = place.command("-q", "--policy", "default", "--nt-files", "--", sys.executable, "-c", _LOOKS)
    without = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", *command]
    done = subprocess.run(without, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


def test_it_is_off_by_default(tmp_path: Path) -> None:
    assert _run(tmp_path, "import os; print(os.path.exists('/nt'))").stdout == "False\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--policy", "open"), "Add --policy default."),
        (("--profile", "wsl1"), "Leave one of the two out"),
        (("--policy", "open", "--profile", "wsl1"), "`picobox instance config NAME --nt-files on`"),
        (("--walls", "no-namespaces"), "nothing can be mounted without namespaces"),
    ],
)
def test_where_there_can_be_none(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = _run(tmp_path, "print('ran')", "--nt-files", *options)
    assert done.returncode == 125
    assert said in done.stderr
    assert done.stdout == ""


def test_a_place_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PLACE", os.fsencode(tmp_path))
    with pytest.raises(PicoboxError, match="of its own"):
        process.check_host()


def _server(supervisor: int, program: str) -> int:
    """The process that serves the tree of a run, by what it was forked from: a session of its own, nobody's child."""
    found = []
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        with suppress(OSError):
            is_of_run = program.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
            _, parent, _, session, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if is_of_run and pid == int(session) and supervisor not in (pid, int(parent)):
                found.append(pid)
    (server,) = found
    return server


@needs_fuse
def test_who_serves_it_ends_with_the_run(tmp_path: Path) -> None:
    place = Place(tmp_path)
    program = f"# {tmp_path}"
    with place.running(program, "--policy", "default", "--nt-files") as run:
        gone = os.pidfd_open(_server(run.pid, program))
        run.kill()
        run.wait(SECONDS)
        poll = select.poll()
        poll.register(gone)
        assert poll.poll(SECONDS * 1000)
        os.close(gone)


@needs_fuse
def test_without_who_serves_it_calls_fail(tmp_path: Path) -> None:
    looks = f"""  # {tmp_path}
import errno, sys
print("ready", flush=True)
sys.stdin.readline()
try:
    open("/nt/Device/Null")
except OSError as error:
    print(errno.errorcode[error.errno], flush=True)
"""
    place = Place(tmp_path)
    command = place.command("-q", "--policy", "default", "--nt-files", "--", sys.executable, "-c", looks)
    with subprocess.Popen(
        command, env=place.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as run:
        assert said_of(run) == "ready\n"
        os.kill(_server(run.pid, looks), 9)
        assert run.communicate("\n", SECONDS)[0] in ("ENOTCONN\n", "ECONNABORTED\n")
        assert run.returncode == 0
