"""picobox.Popen is subprocess.Popen: streams, signals, ends; and nothing of the supervisor's reaches the program."""

from __future__ import annotations

import ast
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from alive import marked

import picobox

from .marks import gone, marker

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 60


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs write to the working directory."""
    monkeypatch.chdir(tmp_path)


def test_a_dialogue() -> None:
    with picobox.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert isinstance(process, subprocess.Popen)
        for line in ("one\n", "two\n"):
            process.stdin.write(line)
            process.stdin.flush()
            assert process.stdout.readline() == line
        assert process.poll() is None
        assert process.returncode is None
        process.stdin.close()
        assert process.wait(TIMEOUT) == 0
    assert process.returncode == 0
    assert process.args == ["cat"]


def test_big_output_and_input_at_once_block_nobody() -> None:
    data = os.urandom(1 << 20) * 20
    with picobox.Popen(
        ["sh", "-c", "tee /dev/stderr"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        out, err = process.communicate(data, timeout=TIMEOUT)
    assert out == data
    assert err == data


def test_output_ends_when_the_program_closes_it_though_it_runs_on() -> None:
    """The supervisor holds none of the program's pipes."""
    script = "import os, time; os.write(1, b'x'); os.close(1); os.close(0); os.write(2, b'y'); time.sleep(60)"
    with picobox.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == b"x"
        assert process.stderr.read(1) == b"y"
        with pytest.raises(BrokenPipeError):
            process.stdin.write(b"z")
        assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGWINCH, signal.SIGHUP])
@pytest.mark.parametrize("by_pid", [False, True])
def test_signals_reach_the_program(number: signal.Signals, by_pid: bool) -> None:
    wanted = f"{{{int(number)}}}"
    script = (
        f"import signal; signal.signal({int(number)}, lambda *_: 0);"
        f"signal.pthread_sigmask(signal.SIG_BLOCK, {wanted});"
        f"print('ready', flush=True); exit(7 if signal.sigwait({wanted}) == {int(number)} else 1)"
    )
    with picobox.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if by_pid:
            os.kill(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(TIMEOUT) == 7


def test_terminate_and_kill() -> None:
    for end, number in ((picobox.Popen.terminate, signal.SIGTERM), (picobox.Popen.kill, signal.SIGKILL)):
        with picobox.Popen(["sleep", "60"]) as process:
            end(process)
            assert process.wait(TIMEOUT) == -number
            end(process)  # nothing is there any more


def test_a_wait_that_takes_too_long() -> None:
    with picobox.Popen(["sleep", "60"]) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.kill()


def test_no_descriptor_of_ours_reaches_the_program(tmp_path: Path) -> None:
    """Also without walls: 0, 1, 2, and the directory that is listed."""
    held = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(held, True)
    script = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd')))"
    for policy in ("default", "open"):
        for trace in (False, True):
            done = picobox.run(
                [sys.executable, "-c", script], policy=policy, trace=trace, capture_output=True, text=True
            )
            assert done.stdout == "[0, 1, 2, 3]\n", (policy, trace)
    os.close(held)


@pytest.mark.parametrize("policy", ["default", "open"])
@pytest.mark.parametrize("trace", [False, True])
def test_descriptors_that_are_passed_and_no_others(policy: str, trace: bool) -> None:
    """Under their numbers; and nobody but the program has them, so that a reader hears when it closes its own."""
    reading, writing = os.pipe()
    script = f"""import os, sys
print(sorted(int(n) for n in os.listdir('/proc/self/fd')), flush=True)
os.write({writing}, b'said'); os.close({writing}); sys.stdin.read()"""
    with picobox.Popen(
        [sys.executable, "-c", script], pass_fds=[writing, 1], policy=policy, trace=trace, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(writing)
        said = [os.read(reading, 16)]
        is_over = select.select([reading], [], [], TIMEOUT / 4)[0]
        assert is_over
        said.append(os.read(reading, 16))
        assert said == [b"said", b""]
        assert process.poll() is None
        output, _ = process.communicate(timeout=TIMEOUT)
    os.close(reading)
    listed = next(fd for fd in range(3, 5) if fd != writing)
    assert output == f"{sorted((0, 1, 2, listed, writing))}\n"
    assert process.returncode == 0


def test_a_directory_is_passed_where_there_are_no_walls(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("there\n")
    held = os.open(tmp_path, os.O_RDONLY)
    words = ["cat", f"/proc/self/fd/{held}/file"]
    try:
        done = picobox.run(words, pass_fds=[held], policy="open", capture_output=True)
        assert done.stdout == b"there\n"
        with pytest.raises(picobox.PicoboxError, match="directory, which leads out"):
            picobox.run(words, pass_fds=[held], capture_output=True)
    finally:
        os.close(held)


def test_garbage_into_every_descriptor_harms_only_its_own_pipes() -> None:
    script = """
import os, sys
for fd in range(0, 4096):
    for junk in (b'{"kind":"ended","status":0}\\n', b'\\0' * 65536):
        try:
            os.set_blocking(fd, False)
            os.write(fd, junk)
        except OSError:
            pass
os._exit(9)
"""
    for policy in ("default", "open"):
        done = picobox.run([sys.executable, "-c", script], policy=policy, trace=True, capture_output=True)
        assert done.returncode == 9
        assert done.events


def test_nothing_is_left_open_in_this_process() -> None:
    def descriptors() -> set[str]:
        gc.collect()
        return set(os.listdir("/proc/self/fd"))

    picobox.run(["true"], trace=True)
    before, threads = descriptors(), threading.active_count()
    for _ in range(3):
        picobox.run(["true"], trace=True, capture_output=True)
        with contextlib.suppress(OSError):
            picobox.run(["no-such-program"])
        with contextlib.suppress(picobox.PicoboxError):
            picobox.run(["true"], policy="no-such.toml")
    assert descriptors() == before
    assert threading.active_count() == threads


def test_fifty_at_once() -> None:
    def one(number: int) -> tuple[int, str, int]:
        done = picobox.run(
            ["sh", "-c", f"echo {number}; exit {number}"], capture_output=True, text=True, trace="%process"
        )
        return done.returncode, done.stdout, len(done.events)

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(one, range(50)))
    assert [(status, text) for status, text, _ in results] == [(number, f"{number}\n") for number in range(50)]
    assert all(count for _, _, count in results)


def test_a_supervisor_that_is_killed_takes_all_with_it_and_is_told() -> None:
    setting, environment = marker()
    with picobox.Popen(
        "sleep 61 & sleep 62", shell=True, env=environment, trace=True, findings=True, stdout=subprocess.PIPE
    ) as process:
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(TIMEOUT) == -signal.SIGKILL
    assert gone(setting)
    for name in ("events", "findings", "limits_met"):
        with pytest.raises(picobox.SupervisorError, match="killed"):
            getattr(process, name)


def test_run_tells_that_the_supervisor_was_killed() -> None:
    script = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
    with pytest.raises(picobox.SupervisorError):
        picobox.run([sys.executable, "-c", script], policy="open")


def test_a_client_that_is_killed_takes_its_program_along(tmp_path: Path) -> None:
    setting, _ = marker()
    name, _, value = setting.partition("=")
    client = f"""
import os, picobox, time
picobox.Popen("sleep 61 & sleep 62", shell=True, env={{**os.environ, {name!r}: {value!r}}})
print('begun', flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", client], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        assert marked(setting)
        process.kill()
    assert gone(setting)


def test_an_interrupt_while_it_starts_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from picobox.api.supervision import Supervision

    setting, environment = marker()
    begin = Supervision.begin

    def interrupted(self: Supervision) -> None:
        begin(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Supervision, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        picobox.Popen(["sleep", "60"], env=environment)
    assert gone(setting)


def test_results_that_are_not_there_yet_say_so() -> None:
    with picobox.Popen(["cat"], stdin=subprocess.PIPE, findings=True, trace=True) as process:
        with pytest.raises(picobox.PicoboxError, match="wait"):
            _ = process.findings
        assert isinstance(process.events, tuple)  # those that were written by now
    assert process.findings == ()
    assert type(process.events[-1]).__name__ == "ExitEvent"


def test_popen_needs_a_program() -> None:
    with pytest.raises(ValueError, match="program"):
        picobox.Popen([])


def test_importing_the_package_loads_nothing_more() -> None:
    listing = "import sys; before = set(sys.modules); import picobox; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stdout))
    assert {name for name in loaded if name.startswith(("picobox", "ntshim"))} == {"picobox"}
    assert loaded & {"asyncio", "dataclasses", "json", "subprocess", "threading", "typing"} == set()


def test_every_name_that_the_package_offers_is_there() -> None:
    for name in dir(picobox):
        assert getattr(picobox, name) is not None or name.startswith("__")
    with pytest.raises(AttributeError, match="nonsense"):
        picobox.nonsense  # noqa: B018


def test_a_supervisor_loads_what_a_command_loads_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start is paid for at every run."""
    from picobox.api.supervision import Supervision

    command = Supervision.command
    monkeypatch.setattr(Supervision, "command", lambda self: [command(self)[0], "-X", "importtime", *command(self)[1:]])
    done = picobox.run(["true"], stderr=subprocess.PIPE, text=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "picobox.api.serving" in loaded
    assert loaded & {"argparse", "asyncio", "dataclasses", "picobox.names", "socket", "subprocess", "typing"} == set()


def test_a_supervisor_of_another_installation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("picobox.api.supervision._PLACE", "/another/place")
    with pytest.raises(picobox.PicoboxError, match=r"/another/place.*remove one"):
        picobox.run(["true"])


def test_a_fork_of_the_client_keeps_no_program_alive() -> None:
    """The client is killed while its child lives on, which has none of the sockets."""
    setting, _ = marker()
    name, _, value = setting.partition("=")
    client = f"""
import os, picobox, time
picobox.Popen(["sleep", "61"], env={{**os.environ, {name!r}: {value!r}}})
child = os.fork()
if child == 0:
    print(os.getpid(), flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", client], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            assert marked(setting)
            process.kill()
            process.wait(TIMEOUT)
            os.kill(child, 0)
            assert gone(setting)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_fork_before_the_program_begins_has_no_end_of_the_supervisors() -> None:
    """Else the client would wait for ever for a supervisor that was killed."""
    from picobox.api.settings import Settings
    from picobox.api.supervision import Supervision

    supervision = Supervision(["true"], None, Settings())
    before = {os.readlink(f"/proc/self/fd/{fd}") for fd in supervision.fds[:1]}
    child = os.fork()
    if child == 0:
        held = set()
        for fd in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                held.add(os.readlink(f"/proc/self/fd/{fd}"))
        os._exit(len(before & held))
    _, status = os.waitpid(child, 0)
    supervision.give_up()
    assert status == 0


def test_what_a_failed_supervisor_said_is_told(tmp_path: Path) -> None:
    script = f"""
import os, sys
from picobox.api import serving
def run(self):
    sys.stderr.write("the reason")
    raise RuntimeError("a fault")
serving.Run.run = run
serving.serve(int(sys.argv[1]), os.open({str(tmp_path / "record")!r}, os.O_CREAT | os.O_RDWR))
"""
    from picobox.api import supervision

    mine, others = socket.socketpair()
    with mine, others:
        mine.sendall(json.dumps({"place": supervision._PLACE}).encode() + b"\n")
        command = [sys.executable, "-c", script, str(others.fileno())]
        assert subprocess.run(command, pass_fds=[others.fileno()], timeout=TIMEOUT, check=False).returncode == 0
        told = json.loads(mine.recv(1 << 16))
    assert told["kind"] == "failed"
    assert "RuntimeError: a fault" in told["text"]
    assert told["text"].endswith("the reason")
