"""The broker: what it is held by, what it answers, and what a run does when it is gone or hangs."""

from __future__ import annotations

import contextlib
import os
import signal
import site
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alive import child_named

from picobox.confine.policy import WRITE

from .guests import AS_NOBODY, NOBODY, REPOSITORY, command, interpreter, policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = {"walls": "no-namespaces", "quiet": True, "profile": "linux"}
NAME = "picobox-broker"
_STARTED = """
import site, sys
for place in {places!r}:
    site.addsitedir(place)
sys.path.insert(0, {repository!r})
import os, signal, socket, struct, subprocess
from pathlib import Path
from picobox._native._core import ffi, lib
from picobox.confine import broker as module
from picobox.confine.broker import Broker
from picobox.confine.landlock import Ruleset, rules_of_host
from picobox.confine.policy import READ, FileRule, Policy
from picobox.errors import Errno, PlatformError
broker = Broker({seconds})
broker.start(Ruleset(rules_of_host(Policy("test", (FileRule(b"/", READ, "test"),))), network=False))
def told(routine):
    try:
        return routine()
    except (Errno, OSError) as error:
        return "errno", error.errno
    except PlatformError as error:
        return "ended", str(error)
"""


def started(user: str, body: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """Runs a Python program that has started a broker, for which a call may take so many seconds."""
    driver = _STARTED.format(places=site.getsitepackages(), repository=str(REPOSITORY), seconds=seconds) + body
    words = [*(AS_NOBODY if user == "nobody" else ()), interpreter(user), "-c", driver]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def with_broker(user: str, body: str, seconds: int = 30) -> str:
    """What it says."""
    done = started(user, body, seconds)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def status_of(text: str) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_its_walls(user: str) -> None:
    """It has nothing but a socket, no right and no signal, may make no other call, and nobody may look into it."""
    body = """
import os
print(open(f"/proc/{broker.tid}/status").read(), open(f"/proc/{broker.tid}/limits").read())
print("Owner:\\t%d" % os.stat(f"/proc/{broker.tid}/fd").st_uid)
print("Session:\\t%d" % (os.getsid(broker.tid) == broker.tid))
"""
    status = status_of(with_broker(user, body))
    none = "0" * 16
    assert [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")] == [none] * 3 + [
        none if user == "root" else status["CapBnd"],
        none,
    ]
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    # Not dumpable: what is its own in /proc is root's.
    assert (status["Owner"], status["Session"]) == ("0", "1")
    assert (status["Name"], status["Umask"], status["Threads"]) == (NAME, "0077", "1")
    # All but those that nobody can block, and the C library's own two.
    assert int(status["SigBlk"], 16) == 0xFFFF_FFFE_7FFB_FEFF


def test_its_descriptors_and_landlock() -> None:
    """Only root can see the first; that it is in a domain of Landlock shows in whom it may look into."""
    body = """
without = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
def works(*words):
    return subprocess.run([*without, *words], capture_output=True).returncode == 0
print(sorted(os.listdir(f"/proc/{broker.tid}/fd")) if os.geteuid() == 0 else ["0"])
other = subprocess.Popen([*without, "sh", "-c", "echo runs; exec sleep 20"], stdout=subprocess.PIPE)
other.stdout.readline()
link = b"/proc/%d/cwd" % other.pid
print(broker.ask(lib.PB_BROKER_READLINK, (), link, room=99)[0], works("readlink", link))
print(works("cat", f"/proc/{broker.tid}/auxv"), works("cat", f"/proc/{other.pid}/auxv"))
other.kill()
"""
    assert with_broker("self", body).splitlines() == ["['0']", "-13 True", "False True"]


def test_what_is_asked_wrongly() -> None:
    """It is refused, and the next call is made."""
    answers = {
        "broker.ask(lib.PB_BROKER_STAT, (), room=144)[0]": "-9",
        "broker.ask(lib.PB_BROKER_CHMOD, (), words=(0,))[0]": "-9",
        "broker.ask(lib.PB_BROKER_WATCH, (here,), words=(1,))[0]": "-9",
        "broker.ask(lib.PB_BROKER_CONNECT, (here, pipe))[0]": "-88",
        "broker.ask(lib.PB_BROKER_STAT, (pipe,), b'name', room=144)[::2]": "(-20, -1)",
        "broker.ask(lib.PB_BROKER_STAT, (), b'/proc/self/fd/0', follow=True, room=144)[::2]": "(-40, -1)",
        "broker.ask(99, (here,))[0]": "-38",
        "broker.ask(lib.PB_BROKER_GETXATTR, (here,), name=b'user.none', room=8)[0] in (-61, -95)": "True",
        "broker.ask(lib.PB_BROKER_STAT, (77,))": "('errno', 9)",
    }
    body = f"""
here, pipe = os.open(".", os.O_PATH), os.pipe()[0]
for asked in {list(answers)!r}:
    print(told(lambda: eval(asked)))
    found, data, _ = broker.ask(lib.PB_BROKER_STAT, (here,), room=144)
    print(found, len(data), struct.unpack_from("<QQ", data)[1] == os.stat(".").st_ino)
"""
    lines = with_broker("self", body).splitlines()
    assert dict(zip(answers, lines[::2], strict=True)) == answers
    assert set(lines[1::2]) == {"0 144 True"}


def test_what_has_the_wrong_size_ends_it() -> None:
    """Sizes are believed nowhere: not whoever asks, a broker has gone astray then."""
    messages = [
        "b'x'",
        "request(path_size=5000)",
        "request(path_size=5000) + bytes(5000)",
        "request(path_size=4) + b'abcd'",
        "request(path_size=4) + b'ab\\0'",
        "request(name_size=300) + bytes(300)",
        "request(name_size=4) + b'abcd'",
        "request(data_size=0xFFFF_FFFF)",
        "request(room=1 << 17)",
        "request() + bytes(1)",
        "request(path_size=0x8000_0000, name_size=0x8000_0000)",
    ]
    body = f"""
def request(**sizes):
    return bytes(ffi.buffer(ffi.new("struct pb_request *", sizes)))
for message in {messages!r}:
    with socket.socket(fileno=os.dup(broker._native.socket)) as way:
        way.send(eval(message))
    print(told(lambda: broker.ask(lib.PB_BROKER_STAT, (), b"/"))[0])
    broker.end()
    broker.start(broker._ruleset)
"""
    assert with_broker("self", body).splitlines() == ["ended"] * len(messages)


def test_a_call_that_hangs() -> None:
    """Another broker takes the place of the one that hangs; not for ever."""
    body = """
module.MOST_HANGS = 1
def ask():
    return broker.ask(lib.PB_BROKER_STAT, (), b"/", room=144)[0]
first = broker.tid
os.kill(first, signal.SIGSTOP)
print(told(ask), told(ask), broker.tid not in (first, -1))
os.kill(broker.tid, signal.SIGSTOP)
print(told(ask))
"""
    replaced, ended = with_broker("self", body, seconds=2).splitlines()
    assert replaced == "('errno', 110) 0 True"
    assert "2 calls on paths took longer than 2 s each" in ended


def test_it_ends_with_whoever_asks(user: str) -> None:
    body = "print(broker.tid); sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    done = started(user, body, 30)
    deadline = time.monotonic() + 10
    while runs(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not runs(int(done.stdout))


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@contextlib.contextmanager
def waiting(
    user: str, place: Path, script: str, prefix: tuple[str, ...] | None = None
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run of a shell script that has said a line and waits for one; with the broker's number."""
    words = command(policy_of((place, WRITE)), user, ("sh", "-c", "echo; read line; " + script), **OPTIONS)
    if prefix is not None:
        words = [*prefix, *(words[len(AS_NOBODY) :] if user == "nobody" else words)]
    with subprocess.Popen(
        words,
        cwd=place,
        env={**os.environ, "HOME": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        broker = child_named(process.pid, NAME)
        assert broker is not None
        try:
            yield process, broker
        finally:
            process.kill()


def test_a_run_whose_broker_is_killed_ends(user: str, place: Path) -> None:
    with waiting(user, place, "stat /; stat /; echo on") as (process, broker):
        os.kill(broker, signal.SIGKILL)
        output, errors = process.communicate("\n", timeout=30)
        assert (process.returncode, output) == (125, "")
        assert errors.startswith("picobox: the broker, which makes calls on paths for the program, was killed")
        assert errors.count("\n") == 1


def test_no_guest_looks_into_it(user: str, place: Path) -> None:
    """It may, and is asked by them."""
    script = """
    ln -s /proc/self way; readlink way/ns/user || echo refused
    for way in ns/user exe fd/0; do readlink /proc/$line/$way || echo refused; done; readlink /proc/$$/ns/user
    """
    with waiting(user, place, script) as (process, broker):
        *refused, own = process.communicate(f"{broker}\n", timeout=30)[0].splitlines()
        assert (refused, own[:6]) == (["refused"] * 4, "user:[")


@pytest.mark.full
def test_a_run_whose_broker_hangs_goes_on(user: str, place: Path) -> None:
    """For those who do not ask at once, and after the time that is given for those who do."""
    with waiting(user, place, "[ -e / ] || echo hung; [ -e / ] && echo on") as (process, broker):
        os.kill(broker, signal.SIGSTOP)
        assert process.communicate("\n", timeout=30) == ("hung\non\n", "")
        assert process.returncode == 0
    assert not Path(f"/proc/{broker}").exists()


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount it")
@pytest.mark.parametrize("user", ["root"])
def test_a_file_system_that_does_not_answer(user: str, place: Path) -> None:
    """A path in it costs its call the time that is given, and nobody more."""
    dead = place / "dead"
    dead.mkdir()
    options = "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other"
    mount = f'exec 3<>/dev/fuse; mount -i -t fuse -o {options} none {dead}; exec "$@"'
    script = "[ -e dead/file ] || echo hung; [ -e / ] && echo on"
    words = command(policy_of((place, WRITE)), user, ("sh", "-c", script), **OPTIONS)
    words = ["unshare", "--mount", "sh", "-c", mount, "sh", *words]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == ("hung\non\n", "", 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="groups are root's to give")
def test_its_credentials_are_the_guests(user: str, place: Path) -> None:
    """Users and groups are, and nothing that it does for a guest has a mode from a umask."""
    closed = place / "closed"
    closed.mkdir()
    (closed / "file").touch()
    os.chown(closed, NOBODY - 1, 4242)
    closed.chmod(0o710)
    script = """
    [ -e closed/file ] && echo reached; umask 027; >new; chmod 666 new; stat -c %a new
    grep -E '^(Uid|Gid|Groups)' /proc/self/status
    """
    ids = ("--reuid", str(NOBODY), "--regid", str(NOBODY)) if user == "nobody" else ()
    for groups, reached in (("4242", ["reached"]), ("4243", [])):
        with waiting(user, place, script, ("setpriv", *ids, "--groups", groups)) as (process, broker):
            of_broker = status_of(Path(f"/proc/{broker}/status").read_text())
            output, errors = process.communicate("\n", timeout=30)
        assert errors == ""
        *told, users, group, others = output.splitlines()
        assert told == [*reached, "666"]
        assert [users, group, others] == [f"{name}:\t{of_broker[name]}" for name in ("Uid", "Gid", "Groups")]
        assert others.split() == ["Groups:", groups]


def test_ids_that_differ() -> None:
    """A guest could be more than one user then."""
    if os.geteuid() != 0:
        pytest.skip("only root can have several")
    driver = "from picobox.confine.broker import check_ids\ncheck_ids()"
    words = ["setpriv", "--ruid", str(NOBODY), "--", interpreter("self"), "-c", driver]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=60)
    assert "PlatformError: real, effective and saved ids differ" in done.stderr
