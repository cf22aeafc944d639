"""Hooks: which calls they are asked about, how their answers count, and that no answer is no call."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import picobox

from .marks import gone, marker

TIMEOUT = 60


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs write to the working directory."""
    monkeypatch.chdir(tmp_path)


def python(script: str) -> list[str]:
    return [sys.executable, "-S", "-c", script]


def test_a_hook_sees_a_call_before_it_is_made(tmp_path: Path) -> None:
    box = picobox.Sandbox()
    seen: list[picobox.HookedCall] = []

    @box.on("mkdir")
    def made(call: picobox.HookedCall) -> None:
        seen.append(call)
        assert not (tmp_path / "new").exists()

    assert box.run(["mkdir", "-m", "700", "new"]).returncode == 0
    (call,) = seen
    assert (tmp_path / "new").is_dir()
    assert (call.name, call.nr, call.path, call["mode"]) == ("mkdir", 83, "new", 0o700)
    with pytest.raises(KeyError):
        call["nothing"]


@pytest.mark.parametrize("profile", ["nt", "linux", "windows11"])
def test_a_call_fails_as_the_hook_says(profile: Any) -> None:
    box = picobox.Sandbox(profile=profile, trace="openat")

    @box.on("openat")
    def decide(call: picobox.HookedCall) -> picobox.Verdict | None:
        return call.fail(errno.EXDEV) if call.path == "secret" else None

    Path("secret").write_text("hidden")
    Path("plain").write_text("shown")
    done = box.run(["cat", "plain", "secret"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "shown")
    assert os.strerror(errno.EXDEV) in done.stderr
    (failed,) = [event for event in done.events if getattr(event, "path", None) == "secret"]
    assert isinstance(failed, picobox.CallEvent)
    assert failed.errno == errno.EXDEV


@pytest.mark.parametrize("value", [0, 1, 4242, (1 << 63) - 1, -(1 << 63), -4096])
def test_a_call_returns_what_the_hook_says(value: int) -> None:
    box = picobox.Sandbox()
    box.on("getppid")(lambda call: call.answer(value))
    script = "import ctypes; f = ctypes.CDLL(None).syscall; f.restype = ctypes.c_long; print(f(110))"
    assert int(box.run(python(script), capture_output=True).stdout) == value


COUNTED = "read write close openat getpid getppid newfstatat fstat mmap brk futex dup getuid lseek fcntl clone3 wait4"


def test_hooks_miss_nothing_that_a_trace_shows() -> None:
    """Also what is answered in C, or made in programs, where nobody asks."""
    script = """
import os
for number in range(300):
    fd = os.open('/etc/hostname', os.O_RDONLY)
    os.read(fd, 10); os.lseek(fd, 0, 0); os.close(os.dup(fd)); os.close(fd)
    os.getppid(); os.getuid(); os.stat('/usr'); os.getpid()
    if not number % 50:
        os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)
"""
    names = COUNTED.split()
    box = picobox.Sandbox(trace=names)
    asked: Counter[str] = Counter()

    @box.on(*names)
    def count(call: picobox.HookedCall) -> None:
        asked[call.name] += 1

    done = box.run(python(script), check=True)
    shown = Counter(event.name for event in done.events if isinstance(event, picobox.CallEvent))
    assert set(asked) >= {"read", "close", "openat", "getppid", "getuid", "newfstatat"}
    assert min(shown["close"], shown["read"], shown["getppid"]) >= 300
    # A call that a signal interrupts, SIGCHLD here, is asked about again.
    assert {name: asked[name] for name in names if name != "wait4"} == {
        name: shown[name] for name in names if name != "wait4"
    }


def test_the_same_call_again_is_asked_about_again() -> None:
    box = picobox.Sandbox()
    answers = iter([None, errno.EACCES, None, errno.EACCES])

    @box.on("access")
    def decide(call: picobox.HookedCall) -> picobox.Verdict | None:
        number = next(answers) if call.path == "/usr" else None
        return None if number is None else call.fail(number)

    done = box.run(python("import os; print([os.access('/usr', 0) for _ in range(4)])"), capture_output=True)
    assert done.stdout == b"[True, False, True, False]\n"


def test_a_name_in_another_case_is_asked_about_once() -> None:
    """The call has to come again with another name, and the answer holds for it."""
    Path("Name.txt").write_text("x")
    box = picobox.Sandbox()
    asked = []
    box.on("openat")(lambda call: asked.append(call.path))
    assert box.run(["cat", "NAME.TXT"], capture_output=True).stdout == b"x"
    assert asked.count("NAME.TXT") == 1


def test_a_program_can_be_kept_from_running_another() -> None:
    box = picobox.Sandbox()

    @box.on("execve")
    def refuse(call: picobox.HookedCall) -> picobox.Verdict | None:
        return call.fail(errno.EPERM) if str(call.path).endswith("/false") else None

    done = box.run("true && echo ran; /bin/false; echo $?", shell=True, capture_output=True)
    assert done.stdout.split() == [b"ran", b"126"]


def test_classes_of_calls() -> None:
    box = picobox.Sandbox()
    box.on("%network")(lambda call: call.fail(errno.ENETDOWN))
    done = box.run(python("import socket; socket.socket()"), stderr=subprocess.PIPE, text=True)
    assert "Network is down" in done.stderr


def test_walls_still_hold_behind_a_hook() -> None:
    box = picobox.Sandbox()
    box.on("openat")(lambda call: call.go_on())
    assert box.run("echo > /usr/not-yours", shell=True, stderr=subprocess.DEVNULL).returncode != 0


@pytest.mark.parametrize("wrong", [True, "no", 0, object()])
def test_what_is_no_answer_is_no_call(wrong: Any) -> None:
    box = picobox.Sandbox()
    box.on("mkdir")(lambda _call: wrong)
    with pytest.raises(picobox.HookError, match="no answer"):
        box.run(["mkdir", "new"])
    assert not Path("new").exists()


@pytest.mark.parametrize("error", [KeyError("x"), OSError(errno.EACCES, "no"), StopIteration(), SystemExit(3)])
def test_a_hook_that_raises_ends_the_program_before_the_call(error: BaseException) -> None:
    box = picobox.Sandbox()
    setting, environment = marker()

    @box.on("mkdir")
    def fail(call: picobox.HookedCall) -> None:
        raise error

    with pytest.raises(picobox.HookError, match="mkdir") as caught:
        box.run("sleep 61 & mkdir new; touch after", shell=True, env=environment)
    assert caught.value.__cause__ is error
    assert not Path("new").exists()
    assert not Path("after").exists()
    assert gone(setting)


def test_wait_and_communicate_tell_of_a_hook_that_raised() -> None:
    box = picobox.Sandbox()

    @box.on("mkdir")
    def fail(call: picobox.HookedCall) -> None:
        raise ValueError

    process = box.Popen(["mkdir", "new"])
    with pytest.raises(picobox.HookError):
        process.wait(TIMEOUT)
    assert process.returncode == -signal.SIGKILL
    process = box.Popen(["mkdir", "new"], stdout=subprocess.PIPE)
    with pytest.raises(picobox.HookError):
        process.communicate(timeout=TIMEOUT)
    with pytest.raises(picobox.HookError), box.Popen(["mkdir", "new"]):
        pass


def test_a_slow_hook_holds_up_its_caller_alone() -> None:
    box = picobox.Sandbox()
    may_go_on = threading.Event()

    @box.on("mkdir")
    def wait(call: picobox.HookedCall) -> None:
        assert may_go_on.wait(TIMEOUT)

    with box.Popen(
        "mkdir new & for i in 1 2 3; do ls / > /dev/null; echo $i; done; wait", shell=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]
        assert not Path("new").exists()
        may_go_on.set()
        assert process.wait(TIMEOUT) == 0
    assert Path("new").is_dir()


def test_a_timeout_ends_a_program_whose_hook_takes_too_long() -> None:
    box = picobox.Sandbox()
    may_go_on = threading.Event()

    @box.on("mkdir")
    def wait(call: picobox.HookedCall) -> None:
        may_go_on.wait(TIMEOUT)

    begun = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        box.run(["mkdir", "new"], timeout=1)
    assert time.monotonic() - begun < 30
    may_go_on.set()
    assert not Path("new").exists()


def test_a_caller_that_is_killed_while_it_waits_is_gone() -> None:
    box = picobox.Sandbox()
    asked, may_go_on = threading.Event(), threading.Event()

    @box.on("mkdir")
    def wait(call: picobox.HookedCall) -> None:
        asked.set()
        assert may_go_on.wait(TIMEOUT)

    with box.Popen("mkdir new & read line; kill -9 $!; wait $!; echo $?", shell=True, stdin=-1, stdout=-1) as process:
        assert asked.wait(TIMEOUT)
        out, _ = process.communicate(b"now\n", timeout=TIMEOUT)
        may_go_on.set()
    assert out == b"137\n"
    assert not Path("new").exists()


def test_a_client_that_dies_in_a_hook_takes_the_call_along(tmp_path: Path) -> None:
    setting, _ = marker()
    name, _, value = setting.partition("=")
    client = f"""
import os, picobox, signal
box = picobox.Sandbox()
box.on("mkdir")(lambda call: os.kill(os.getpid(), signal.SIGKILL))
box.run("sleep 61 & mkdir new; touch after", shell=True, env={{**os.environ, {name!r}: {value!r}}})
"""
    done = subprocess.run([sys.executable, "-c", client], timeout=TIMEOUT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert gone(setting)
    assert os.listdir(tmp_path) == []


def test_many_threads_are_all_asked_about() -> None:
    script = """
import os, threading
def work(number):
    for turn in range(20):
        os.mkdir(f'{number}-{turn}')
threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    box = picobox.Sandbox()
    asked: list[Any] = []
    box.on("mkdir")(lambda call: asked.append(call.path))
    assert box.run(python(script), timeout=TIMEOUT).returncode == 0
    assert sorted(asked) == sorted(f"{number}-{turn}" for number in range(20) for turn in range(20))
    assert len(os.listdir()) == 400


def test_a_hook_works_beside_a_check() -> None:
    box = picobox.Sandbox(findings=True)
    asked = []
    box.on("unlink", "unlinkat")(lambda call: asked.append(call.path))
    script = "import os; held = open('held.txt', 'w'); os.remove('held.txt')"
    assert box.run(python(script)).returncode == 0
    assert asked == ["held.txt"]
    assert [finding.rule for finding in box.findings] == ["PB010"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "name the calls"),
        (("opennat",), "openat"),
        (("%fil",), "%file"),
        (("exit_group",), "does not return"),
        (("clock_gettime",), "without a call"),
        (("mkdir",), "another hook"),
    ],
)
def test_a_hook_that_cannot_be_says_why(names: tuple[str, ...], said: str) -> None:
    box = picobox.Sandbox()
    box.on("mkdir")(lambda _call: None)
    with pytest.raises(picobox.PicoboxError, match=said):
        box.on(*names)(lambda _call: None)


@pytest.mark.parametrize("number", [0, -1, 4096])
def test_no_error_numbers(number: int) -> None:
    call = picobox.HookedCall("mkdir", 83, 1, ())
    with pytest.raises(ValueError, match="error number"):
        call.fail(number)


@pytest.mark.parametrize("value", [-1, -4095, 1 << 63])
def test_no_values(value: int) -> None:
    call = picobox.HookedCall("mkdir", 83, 1, ())
    with pytest.raises(ValueError, match="no value"):
        call.answer(value)


def test_a_sandbox_keeps_no_descriptor_for_a_program_that_is_over() -> None:
    with picobox.Sandbox(trace=True, findings=True) as box:
        box.run(["true"])
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            box.run(["true"])
        assert len(os.listdir("/proc/self/fd")) <= before
        assert len([event for event in box.events if type(event).__name__ == "ExitEvent"]) == 6
