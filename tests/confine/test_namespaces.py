"""What guests find behind the walls: their tree, processes, network and rights, and what ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from picobox.confine.policy import HIDE, LAYER, NONE, OWN, READ, WRITE, FileRule, Policy

from .guests import REPOSITORY, command, policy_of, run, shell

LIMITS_OF_INIT = """
import ctypes, errno
call = ctypes.CDLL(None, use_errno=True).syscall
limit = (ctypes.c_uint64 * 2)(0, 0)
for pid in (1, 1 << 32 | 1):
    print(call(302, ctypes.c_ulong(pid), 0, limit, None), errno.errorcode[ctypes.get_errno()])
"""
STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status"


def test_the_working_directory_is_written_and_nothing_else(user: str, place: Path) -> None:
    (place / "home").mkdir()
    (place / "home" / "old").write_text("before")
    work = place / "home" / "work"
    work.mkdir()
    os.chown(work, place.stat().st_uid, -1)
    script = "pwd; echo text > new; cat new; touch ../old; touch /etc/new"
    done = shell(policy_of((place, READ), (work, WRITE)), user, script, work)
    assert done.stdout.splitlines() == [str(work), "text"]
    assert done.stderr.count("Read-only file system" if user == "root" else "cannot touch") == 2
    assert (work / "new").read_text() == "text\n"
    assert (place / "home" / "old").read_text() == "before"


def test_what_is_hidden_is_not_there(user: str, place: Path) -> None:
    (place / "secrets").mkdir()
    (place / "secrets" / "key").write_text("secret")
    (place / "secrets" / "public").mkdir()
    (place / "secrets" / "public" / "text").write_text("told")
    (place / "token").write_text("secret")
    policy = policy_of(
        (place, READ), (place / "secrets", HIDE), (place / "secrets/public", READ), (place / "token", HIDE)
    )
    done = shell(policy, user, "ls secrets; cat secrets/key secrets/public/text; cat token; chmod 600 token", place)
    assert done.stdout == "public\ntold"
    assert "secret" not in done.stdout
    assert "secrets/key: No such file" in done.stderr
    assert "token: Permission denied" in done.stderr
    assert "Read-only file system" in done.stderr


def test_sys_is_hidden_as_anything_else_is(user: str, place: Path) -> None:
    """The root that a rule gives has the host's."""
    policy = policy_of((Path("/sys"), HIDE), (Path("/sys/class"), READ))
    done = shell(policy, user, "ls /sys; ls -d /sys/class/net; ls /sys/kernel", place)
    assert done.stdout.split() == ["class", "/sys/class/net"]
    assert "No such file" in done.stderr


def test_changes_in_a_layer_are_dropped(user: str, place: Path) -> None:
    cache = place / "cache"
    cache.mkdir()
    (cache / "old").write_text("before")
    for path in (cache, cache / "old"):
        os.chown(path, place.stat().st_uid, place.stat().st_gid)
    script = "echo new > cache/new; echo after > cache/old; cat cache/old cache/new; rm cache/old; ls cache"
    done = shell(policy_of((place, READ), (cache, LAYER)), user, script, place)
    assert (done.stdout, done.stderr) == ("after\nnew\nnew\n", "")
    assert (cache / "old").read_text() == "before"
    assert [path.name for path in cache.iterdir()] == ["old"]


def test_only_what_is_named_is_there(user: str, place: Path) -> None:
    system = tuple(FileRule(path, READ, "test") for path in (b"/usr", b"/bin", b"/lib", b"/lib64"))
    policy = Policy("test", (*system, FileRule(os.fsencode(place), READ, "test")))
    done = shell(policy, user, "ls /; ls /etc; ls /home; echo /sys/*; touch new; touch /new", place)
    assert set(done.stdout.split()) >= {"usr", "dev", "proc", "tmp"}
    assert not {"etc", "home", "run", "sys"} & set(done.stdout.split())
    assert done.stdout.split()[-1] == "/sys/*"
    assert done.stderr.count("Read-only file system") == 2


def test_temporary_files_are_private(user: str, place: Path) -> None:
    name = f"{place.name}.new"
    script = f"cd /tmp; echo text > {name} && cat {name}; ls; ls -A /var/tmp; echo x > /dev/shm/{name}; ls /dev/shm"
    done = shell(policy_of((place, READ)), user, script, place)
    # Names of Python's own directories are there, where those lie in /tmp.
    own = {Path(path).parts[2] for path in (sys.prefix, str(REPOSITORY)) if path.startswith("/tmp/")}
    assert [each for each in done.stdout.split() if each not in own] == ["text", place.name, name, name]
    assert not place.with_name(name).exists()
    assert not Path("/dev/shm", name).exists()


def test_where_modules_are_found_is_no_other_tmp(user: str, place: Path) -> None:
    words = command(policy_of((place, READ)), user, ("sh", "-c", "echo text > /tmp/new && cat /tmp/new"))
    done = subprocess.run(
        words,
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": "/tmp"},
    )
    assert (done.stdout, done.stderr) == ("text\n", "")


def test_guests_see_their_own_processes(user: str, place: Path) -> None:
    outside = os.getpid()
    script = (
        f"cat /proc/$$/comm; ls -d /proc/{outside} /proc/1/root/etc; kill -0 {outside}; kill -9 1; kill -9 -1; exit 5"
    )
    done = shell(policy_of((place, READ)), user, script, place)
    assert done.stdout == "sh\n"
    assert f"/proc/{outside}'" in done.stderr
    assert "/proc/1/root" in done.stderr
    assert done.returncode == 5


def test_nobody_limits_the_init(user: str, place: Path) -> None:
    done = run(policy_of((place, READ)), user, ("/usr/bin/python3", "-c", LIMITS_OF_INIT), place)
    assert (done.stdout, done.stderr) == ("-1 EPERM\n" * 2, "")


def test_rights_are_given_up(user: str, place: Path) -> None:
    done = shell(policy_of((place, READ)), user, STATUS, place)
    rows = dict(line.split(":\t") for line in done.stdout.splitlines())
    assert rows == {
        **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0" * 16),
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }


@pytest.mark.parametrize("path", ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches"])
def test_the_machine_is_not_changed(user: str, place: Path, path: str) -> None:
    done = shell(policy_of((place, READ)), user, f"test -e {path} || exit 3; (echo h > {path}) 2>&1", place)
    assert done.returncode in (2, 3)
    assert done.returncode == 3 or "Read-only file system" in done.stdout or "Permission denied" in done.stdout


def test_devices(user: str, place: Path) -> None:
    script = "ls /dev; echo > /dev/null; head -c 3 /dev/zero | wc -c; mknod node c 1 3; chmod 600 /dev/null"
    done = shell(policy_of((place, WRITE)), user, script, place)
    names = done.stdout.split()
    assert "3" in names
    assert not [name for name in names if name.startswith(("sd", "vd", "mem", "kmsg", "loop"))]
    assert {"full", "null", "ptmx", "pts", "random", "shm", "stdin", "tty", "urandom", "zero"} <= set(names)
    assert "changing permissions of '/dev/null': Read-only file system" in done.stderr
    assert not (place / "node").exists()


NETWORK = """
import socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(socket.create_connection(listener.getsockname(), 5).getpeername() == listener.getsockname())
print(socket.if_nameindex() == [(1, "lo")])
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
except OSError as error:
    print(error.strerror)
try:
    socket.socket(socket.AF_UNIX).connect("\\0" + sys.argv[2])
except OSError as error:
    print(error.strerror)
"""


def test_the_network_is_its_own(user: str, place: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as ours, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0" + place.name)
        abstract.listen()
        words = ("/usr/bin/python3", "-c", NETWORK, str(ours.getsockname()[1]), place.name)
        done = run(policy_of((place, READ)), user, words, place)
        assert done.stdout.splitlines() == ["True", "True", "Connection refused", "Connection refused"]
        done = run(policy_of((place, READ), network=NONE), user, words, place)
        assert "Network is unreachable" in done.stderr


def test_sockets_of_services_are_out_of_reach(user: str, place: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(place / "service"))
        service.listen()
        (place / "service").chmod(0o777)
        script = "import socket; socket.socket(socket.AF_UNIX).connect('service')"
        done = run(policy_of((place, READ)), user, ("/usr/bin/python3", "-c", script), place)
        assert "Permission denied" in done.stderr or "Connection refused" in done.stderr
        done = run(policy_of((place, WRITE)), user, ("/usr/bin/python3", "-c", script), place)
        assert (done.returncode, done.stderr) == (0, "")


def test_ids_of_shared_memory_are_its_own(user: str, place: Path) -> None:
    created = subprocess.run(("ipcmk", "-M", "4096", "-p", "0666"), check=True, capture_output=True, text=True)
    number = created.stdout.split()[-1]
    try:
        done = shell(policy_of((place, READ)), user, f"ipcs -m -i {number}; ipcmk -Q; ipcs -q", place)
        assert "Message queue id: 0" in done.stdout
        assert "0666" not in done.stdout
    finally:
        subprocess.run(("ipcrm", "-m", number), check=True)


def test_a_session_of_its_own(user: str, place: Path) -> None:
    script = "cut -d' ' -f5,6 /proc/$$/stat; exec < /dev/tty"
    done = shell(policy_of((place, READ), session=OWN), user, script, place)
    assert done.stdout == "2 2\n"
    assert "/dev/tty" in done.stderr


def test_statuses_are_the_programs(user: str, place: Path) -> None:
    policy = policy_of((place, READ))
    assert shell(policy, user, "exit 7", place).returncode == 7
    assert shell(policy, user, "kill -TERM $$", place).returncode == 128 + signal.SIGTERM
    assert "command not found" in run(policy, user, ("./missing",), place).stderr
    assert shell(policy, user, "sleep 60", place, timeout=0.5).returncode == 124


def test_orphans_are_reaped_and_end_with_the_run(user: str, place: Path) -> None:
    script = "(sleep 0.2; echo $(ps -o ppid= -p $(sh -c 'echo $PPID')) > orphan) & (sleep 30 &) ; exec sleep 1"
    done = shell(policy_of((place, WRITE)), user, script, place)
    assert done.returncode == 0
    time.sleep(0.1)
    assert not Path("/proc").joinpath("sleeping").exists()
    listed = subprocess.run(("pgrep", "-f", f"^sleep 30$.*{place.name}"), check=False, capture_output=True, text=True)
    assert listed.stdout == ""


def test_descriptors_do_not_leak(user: str, place: Path) -> None:
    words = command(policy_of((place, READ)), user, ("sh", "-c", "ls /proc/self/fd; ls -l /proc/self/fd/ | tail -n +2"))
    done = subprocess.run(
        ["sh", "-c", 'exec 5< / 6< /etc/passwd; exec "$@"', "sh", *words],
        cwd=place, check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.stdout.split()[:4] == ["0", "1", "2", "3"]
    assert "passwd" not in done.stdout


def test_a_directory_of_the_host_is_no_standard_descriptor(user: str, place: Path) -> None:
    words = command(policy_of((place, READ)), user, ("ls",))
    exchanged = words[-2].replace("import site, sys", "import os, site, sys; os.dup2(os.open('/', os.O_RDONLY), 0)")
    done = subprocess.run(
        [*words[:-2], exchanged, words[-1]], cwd=place, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 125
    assert "leads out of its walls" in done.stderr


def alive(marker: str) -> list[str]:
    listed = subprocess.run(("pgrep", "-f", marker), check=False, capture_output=True, text=True)
    return listed.stdout.split()


def test_guests_die_with_the_supervisor(user: str, place: Path) -> None:
    script = f"while :; do sh -c 'sleep 0.01; : {place.name}guest'; done & while :; do echo >> beat; sleep 0.01; done"
    for number in range(10):
        process = subprocess.Popen(
            command(policy_of((place, WRITE)), user, ("sh", "-c", script)),
            cwd=place, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(0.3 + number * 0.017)
        process.kill()
        process.wait(10)
        end = time.monotonic() + 20
        while alive(f"{place.name}guest") and time.monotonic() < end:
            time.sleep(0.02)
        assert alive(f"{place.name}guest") == []


def test_guests_stop_with_the_supervisor(user: str, place: Path) -> None:
    script = "while :; do echo >> beat; sleep 0.01; done"
    process = subprocess.Popen(
        command(policy_of((place, WRITE)), user, ("sh", "-c", script)), cwd=place, start_new_session=True
    )
    try:
        beat = place / "beat"
        end = time.monotonic() + 20
        while not (beat.exists() and beat.stat().st_size) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        before = beat.stat().st_size
        time.sleep(0.5)
        assert beat.stat().st_size == before
        process.send_signal(signal.SIGCONT)
        end = time.monotonic() + 20
        while beat.stat().st_size == before and time.monotonic() < end:
            time.sleep(0.02)
        assert beat.stat().st_size > before
    finally:
        process.kill()
        process.wait(10)
