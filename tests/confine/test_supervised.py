"""Walls without namespaces: what Landlock covers, and what is decided of each call besides."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from build import compile_source

from picobox.confine.policy import HIDE, HOST, LAYER, NONE, READ, WRITE

from .guests import AS_NOBODY, policy_of, run, shell

OPTIONS = {"walls": "no-namespaces", "quiet": True}
FLIPS = Path(__file__).with_name("flips.c")
DESCRIBED = Path(__file__).with_name("described.c")


@pytest.fixture(params=["nt", "linux"])
def options(request: pytest.FixtureRequest) -> dict[str, object]:
    """Options of a run, under a profile that looks names up and under one that does not."""
    return {**OPTIONS, "profile": request.param}


@pytest.fixture
def secret(place: Path) -> Path:
    """A hidden directory with a file of the user's, beside a directory `work`."""
    for path in (place / "secrets", place / "work"):
        path.mkdir()
        os.chown(path, place.stat().st_uid, place.stat().st_gid)
    file = place / "secrets" / "key"
    file.write_text("secret")
    os.chown(file, place.stat().st_uid, place.stat().st_gid)
    return file


def test_files_are_what_the_policy_gives(user: str, place: Path, secret: Path, options: dict[str, object]) -> None:
    (place / "old").write_text("before")
    os.chown(place / "old", place.stat().st_uid, -1)
    policy = policy_of((place, READ), (place / "work", WRITE), (secret.parent, HIDE))
    script = "cat ../old; echo text > new; cat new; cat ../secrets/key; echo x > ../old; mkdir ../more; ls ../secrets"
    done = shell(policy, user, script, place / "work", **options)
    assert done.stdout == "beforetext\n"
    assert done.stderr.count("Permission denied") + done.stderr.count("No such file") >= 4
    assert (place / "old").read_text() == "before"
    assert not (place / "more").exists()


def test_what_landlock_does_not_cover(user: str, place: Path, secret: Path, options: dict[str, object]) -> None:
    (place / "old").write_text("before")
    (place / "old").chmod(0o644)
    os.chown(place / "old", place.stat().st_uid, -1)
    os.symlink(secret, place / "link")
    policy = policy_of((place, READ), (place / "work", WRITE), (secret.parent, HIDE))
    script = """
    stat ../secrets/key; test -e ../secrets/key && echo there; stat -L ../link; readlink ../link >/dev/null && echo link
    chmod 600 ../old; chmod 600 ../link; touch ../old; touch -h -d 2001-01-01 ../old; chown $(id -u) ../old
    touch new; chmod 640 new; stat -c %a new; touch -d @7 new; stat -c %Y new; cd ../secrets; stat key; stat -c %n .
    exec 3< ../old && /usr/bin/python3 -c 'import os; os.fchmod(3, 0o600)'
    """
    done = shell(policy, user, script, place / "work", **options)
    assert done.stdout == "link\n640\n7\n"
    assert done.stderr.count("No such file or directory") >= 4
    assert done.stderr.count("Permission denied") >= 4
    assert "PermissionError" in done.stderr
    assert (place / "old").stat().st_mode & 0o777 == 0o644


def test_links_that_change_lead_nobody_astray(user: str, place: Path, secret: Path) -> None:
    (place / "work" / "allowed").write_text("a")
    os.chown(place / "work" / "allowed", place.stat().st_uid, -1)
    secret.chmod(0o600)
    program = shutil.copy(compile_source(FLIPS), place)
    policy = policy_of((place, READ), (place / "work", WRITE), (secret.parent, HIDE))
    words = (program, place / "work" / "allowed", secret, "1500")
    done = run(policy, user, words, place / "work", **OPTIONS)
    assert (done.stdout, done.stderr) == ("seen 1, got 0\n", "")
    assert secret.stat().st_mode & 0o777 == 0o600


def test_calls_give_what_the_kernel_gives(user: str, place: Path, options: dict[str, object]) -> None:
    """Whoever makes them: with odd sizes, flags, descriptors and times, on files and on links."""
    program = shutil.copy(compile_source(DESCRIBED), place)
    directories = [place / "native", place / "held"]
    for directory in directories:
        directory.mkdir()
        os.chown(directory, place.stat().st_uid, place.stat().st_gid)
    prefix = AS_NOBODY if user == "nobody" else ()
    native = subprocess.run([*prefix, program], cwd=directories[0], capture_output=True, text=True, check=True)
    done = run(policy_of((place, WRITE)), user, [program], directories[1], **options)
    assert (done.stdout.splitlines(), done.stderr) == (native.stdout.splitlines(), "")
    assert native.stdout.count("\n") > 80


def test_services_networks_and_tasks(user: str, place: Path, secret: Path, options: dict[str, object]) -> None:
    del secret
    script = """
import os, resource, socket, sys
def told(routine):
    try:
        return routine() or "done"
    except OSError as error:
        return error.errno
local = socket.socket(socket.AF_UNIX)
print(told(lambda: local.connect("../service")), told(lambda: local.connect("service")))
print(told(lambda: socket.socket(socket.AF_UNIX).connect("\\0picobox-nobody")))
print(told(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) and 0), told(lambda: socket.socket() and 0))
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
    print(told(lambda: socket.socket(socket.AF_UNIX, kind) and 0), told(lambda: socket.socketpair(type=kind) and 0))
print(told(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0)) and 0))
print(told(lambda: os.sched_setscheduler(os.getppid(), os.SCHED_OTHER, os.sched_param(0))))
print(told(lambda: os.setpriority(os.PRIO_USER, 0, 5)), told(lambda: os.kill(os.getppid(), 0)))
print(told(lambda: os.setpriority(os.PRIO_PROCESS, 0, 1)))
"""
    with socket.socket(socket.AF_UNIX) as outside, socket.socket(socket.AF_UNIX) as inside:
        for listener, path in ((outside, place / "service"), (inside, place / "work" / "service")):
            listener.bind(str(path))
            path.chmod(0o777)
            listener.listen()
        policy = policy_of((place, READ), (place / "work", WRITE), network=NONE)
        done = run(policy, user, ("/usr/bin/python3", "-c", script), place / "work", **options)
    assert (done.stdout.split(), done.stderr) == (
        ["13", "done", "111", "13", "13", *["13"] * 4, "1", "1", "1", "1", "done"],
        "",
    )


def test_what_owners_may_change_by_a_descriptor_for_reading(user: str, place: Path) -> None:
    """Flags, attributes, versions, seals, encryption, subvolumes of btrfs: refused before the file system is asked."""
    script = """
import fcntl
def told(request):
    try:
        fcntl.ioctl(open("old"), request, bytes(1024))
    except OSError as error:
        return error.errno
print(*map(told, (0x40086602, 0x401C5820, 0x40087602, 0x40086604, 0x40806685, 0x800C6613, 0x5000940E, 0x50009401)))
print(told(0x40049409) not in (None, 1), told(0x80086601) != 1)
"""
    (place / "old").touch()
    done = run(policy_of((place, READ)), user, ("/usr/bin/python3", "-c", script), place, **OPTIONS)
    assert (done.stdout.split(), done.stderr) == ([*["1"] * 8, "True", "True"], "")


def test_a_network_that_is_given(user: str, place: Path) -> None:
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    done = run(policy_of((place, READ), network=HOST), user, ("/usr/bin/python3", "-c", script), place, **OPTIONS)
    assert (done.returncode, done.stderr) == (0, "")


def test_temporary_files_and_layers(user: str, place: Path) -> None:
    (place / "cache").mkdir()
    script = 'echo text > "$TMPDIR/new" && cat "$TMPDIR/new"; touch cache/new; ls /tmp; echo "$TMPDIR"'
    done = shell(policy_of((place, READ), (place / "cache", LAYER)), user, script, place, **OPTIONS)
    text, directory = done.stdout.split()
    assert text == "text"
    assert not Path(directory).exists()
    assert done.stderr.count("Permission denied") == 2


def test_it_is_said_once(user: str, place: Path) -> None:
    done = shell(policy_of((place, READ)), user, "true", place, walls="no-namespaces")
    assert done.stderr.count("no namespaces here") == 1


def test_programs_run(user: str, place: Path) -> None:
    script = """
    git init -q . && echo a > a && git add a && git -c user.name=a -c user.email=a commit -qm a
    git log --oneline | wc -l; make --version | head -1
    """
    done = shell(policy_of((place, WRITE)), user, script, place, **OPTIONS)
    assert done.stdout.split()[:3] == ["1", "GNU", "Make"]


def test_ways_through_processes(user: str, place: Path, secret: Path, options: dict[str, object]) -> None:
    """Links in /proc lead a guest to what is its own, not the supervisor through its own links, or into others."""
    policy = policy_of((place, READ), (place / "work", WRITE), (secret.parent, HIDE))
    script = """
    echo text > new; exec 3< new; stat -c %s -L /proc/self/fd/3; stat -c %n /proc/self/cwd/new
    stat -L -c %s /dev/stdin < new
    ln -s /proc/self/fd/3 way; stat -L way; chmod 600 way; stat -L /proc/$PPID/cwd; readlink /proc/self/cwd; sleep 5 &
    stat -L -c %n /proc/$!/cwd/new; kill $!
    """
    done = shell(policy, user, script, place / "work", **options)
    assert done.stdout.splitlines() == [
        "5",
        "/proc/self/cwd/new",
        "5",
        str(place / "work"),
        *done.stdout.splitlines()[-1:],
    ]
    assert done.stdout.endswith("/cwd/new\n")
    assert "cannot statx 'way'" in done.stderr
    assert "chmod: cannot" in done.stderr
    assert "cannot statx '/proc/" in done.stderr
    assert "/cwd': Permission denied" in done.stderr
