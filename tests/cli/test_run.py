"""What `picobox -- CMD` gives back: the program's output, its exit status, and nothing of ours on standard output."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from picobox import DISTRIBUTION, __version__

from .command import finish, is_alive, picobox, read_line, start, wait_until

# A child that outlives CMD: it marks a file after a moment unless it is killed. CMD tells its pid.
ORPHAN = '(sleep 0.5; touch "$0") >&- 2>&- & echo $!;'


def test_output_and_status_are_the_programs() -> None:
    done = picobox("--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_the_dashes_may_be_left_out() -> None:
    assert picobox("echo", "-v", "--", "-q").stdout == b"-v -- -q\n"


def test_run_is_the_default_verb() -> None:
    assert picobox("run", "--", "echo", "x").stdout == b"x\n"


def test_a_verb_can_be_run_as_a_command() -> None:
    assert "trace: command not found" in picobox("--", "trace").stderr.decode()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGHUP", "SIGRTMIN"])
def test_status_after_a_signal(name: str) -> None:
    number = signal.Signals[name].value
    assert picobox("--", "sh", "-c", f"kill -{number} $$").returncode == 128 + number


@pytest.mark.parametrize("way", ["option", "variable"])
def test_timeout(way: str) -> None:
    option = ["--timeout", "0.3"] if way == "option" else []
    env = {"PICOBOX_TIMEOUT": "0.3"} if way == "variable" else {}
    done = picobox(*option, "--", "sh", "-c", "echo begun; sleep 1000", env=env)
    assert (done.returncode, done.stdout) == (124, b"begun\n")


def test_a_program_in_time_is_not_timed_out() -> None:
    assert picobox("--timeout", "50", "--", "sh", "-c", "exit 5").returncode == 5


def test_workdir(tmp_path: Path) -> None:
    for option in ("-w", "--workdir"):
        assert picobox(option, tmp_path, "--", "/bin/pwd").stdout == os.fsencode(tmp_path) + b"\n"


def test_workdir_counts_for_a_relative_command(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\necho found\n")
    (tmp_path / "script").chmod(0o755)
    assert picobox("-w", tmp_path, "--", "./script").stdout == b"found\n"


def test_environment() -> None:
    done = picobox("-E", "A=1", "--env", "B=x=y", "-E", "A=2", "-E", "C=", "--", "sh", "-c", "echo $A $B ${C-unset}.")
    assert done.stdout == b"2 x=y .\n"


def test_the_search_path_is_the_programs(tmp_path: Path) -> None:
    (tmp_path / "only-here").write_text("#!/bin/sh\necho found\n")
    (tmp_path / "only-here").chmod(0o755)
    assert picobox("-E", f"PATH={tmp_path}:/bin", "--", "only-here").stdout == b"found\n"


def test_the_guest_sees_that_it_is_one() -> None:
    assert picobox("--", "printenv", "PICOBOX").stdout == b"1\n"
    assert picobox("-E", "PICOBOX=0", "--", "printenv", "PICOBOX").stdout == b"1\n"


def test_the_environment_passes_byte_for_byte() -> None:
    done = picobox("-E", b"RAW=\xff\xfe=\xe9", "--", "printenv", "RAW")
    assert done.stdout == b"\xff\xfe=\xe9\n"


def test_standard_input_passes(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"\0\xff\n")
    done = picobox("--", "sh", "-c", 'cat "$0" | cat', tmp_path / "input")
    assert done.stdout == b"\0\xff\n"


def test_descriptors_of_ours_do_not_leak() -> None:
    script = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd')))"
    native = picobox("--", "python3", "-Ic", script)
    # 3 is the directory that the program itself reads.
    assert native.stdout == b"[0, 1, 2, 3]\n"


@pytest.mark.parametrize("options", [["-q"], ["--quiet"], ["-q", "-v"], []])
def test_without_verbose_nothing_is_said(options: list[str]) -> None:
    done = picobox(*options, "--", "true")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_quiet_keeps_errors() -> None:
    assert b"command not found" in picobox("-q", "--", "no-such-command").stderr


@pytest.mark.parametrize("way", ["-v", "--verbose", "variable"])
def test_verbose_ends_with_a_summary(way: str, tmp_path: Path) -> None:
    env = {"PICOBOX_VERBOSE": "1"} if way == "variable" else {}
    script = f": > {tmp_path}/made; exit 4"
    # With the gate it depends on what is kept of earlier runs which calls run an NT service.
    done = picobox(*([] if env else [way]), "--no-gate", "--", "sh", "-c", script, env=env)
    text = done.stderr.decode()
    assert (done.returncode, done.stdout) == (4, b"")
    rows = [line.split() for line in text.splitlines()]
    calls, answered = rows[0][0], [word.strip("(") for word in rows[0][2:6:2]]
    assert rows[0][1] == "calls"
    assert int(calls) == int(answered[0]) + int(answered[1])
    assert ["access", "call", "NtAccessCheck"] in [row[1:] for row in rows]
    assert "NtClose" in [row[1] for row in rows if len(row) == 2]


def test_quiet_variable_silences_verbose() -> None:
    assert picobox("-v", "--", "true", env={"PICOBOX_QUIET": "1"}).stderr == b""


@pytest.mark.parametrize(("choice", "colored"), [("always", True), ("never", False), ("auto", False)])
def test_color_of_the_summary(choice: str, *, colored: bool) -> None:
    assert (b"\x1b[" in picobox("-v", "--color", choice, "--", "true").stderr) == colored
    assert (b"\x1b[" in picobox("-v", "--", "true", env={"PICOBOX_COLOR": choice}).stderr) == colored


def test_profile_linux_is_known() -> None:
    assert picobox("--profile", "linux", "--", "true").returncode == 0
    assert picobox("--", "true", env={"PICOBOX_PROFILE": "linux"}).returncode == 0


@pytest.mark.parametrize("platform", ["trace", "reference"])
def test_platforms(platform: str) -> None:
    assert picobox("--platform", platform, "--", "echo", "x").stdout == b"x\n"
    assert picobox("--", "echo", "x", env={"PICOBOX_PLATFORM": platform}).stdout == b"x\n"


def test_options_outrank_variables() -> None:
    assert picobox("--timeout", "50", "--", "sleep", "0.4", env={"PICOBOX_TIMEOUT": "0.1"}).returncode == 0


def test_version() -> None:
    done = picobox("--version")
    assert (done.returncode, done.stdout) == (0, f"{DISTRIBUTION} {__version__}\n".encode())


@pytest.mark.parametrize("verb", ["", "run", "trace", "syscalls", "doctor"])
def test_help_has_examples(verb: str) -> None:
    done = picobox(*filter(None, [verb]), "--help")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "examples:" in text
    assert all(len(line) <= 120 for line in text.splitlines())
    if verb in {"", "run", "trace"}:
        assert "whatever you can" in text or "not yet confined" in text


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH])
def test_signals_reach_the_program(sent: signal.Signals) -> None:
    name = sent.name.removeprefix("SIG")
    script = f"trap 'echo got; exit 7' {name}; echo ready; while :; do sleep 0.05; done"
    process = start("--", "sh", "-c", script)
    assert read_line(process) == b"ready\n"
    process.send_signal(sent)
    assert finish(process)[:2] == (7, b"got\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_such_a_signal_kills(sent: signal.Signals) -> None:
    script = f"import signal, time; signal.signal({sent}, signal.SIG_DFL); print('ready', flush=True); time.sleep(99)"
    process = start("--", "python3", "-Ic", script)
    assert read_line(process) == b"ready\n"
    process.send_signal(sent)
    assert finish(process) == (128 + sent, b"", b"")


def test_a_forwarded_signal_arrives_once() -> None:
    script = (
        "import signal, time; n = []; signal.signal(2, lambda *a: n.append(1)); print('ready', flush=True); "
        "e = time.time() + 1\nwhile time.time() < e: time.sleep(0.02)\nprint(len(n))"
    )
    process = start("--", "python3", "-Ic", script)
    assert read_line(process) == b"ready\n"
    # To picobox alone. What a terminal sends to a whole group is tested by tests/programs/h5_keys.c.
    process.send_signal(signal.SIGINT)
    assert finish(process)[:2] == (0, b"1\n")


def test_what_is_left_behind_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    done = picobox("--", "sh", "-c", ORPHAN, mark)
    assert done.returncode == 0
    assert not is_alive(int(done.stdout))
    assert not wait_until(mark.exists, 0.8)


def test_wait_all_waits_for_what_is_left_behind(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert picobox("--wait-all", "--", "sh", "-c", ORPHAN + " exit 6", mark).returncode == 6
    assert mark.exists()


def test_timeout_kills_what_is_left_behind() -> None:
    done = picobox("--wait-all", "--timeout", "0.5", "--", "sh", "-c", "sleep 1000 >&- 2>&- & echo $!")
    assert done.returncode == 124
    assert not is_alive(int(done.stdout))


def state(pid: int) -> str:
    """The command and the state letter of a process (proc_pid_stat(5))."""
    return " ".join(Path(f"/proc/{pid}/stat").read_text().split()[1:3])


def test_guests_die_with_picobox() -> None:
    process = start("--", "sh", "-c", "echo $$; exec sleep 1000 >&- 2>&-")
    pid = int(read_line(process))
    # Asleep in a call: one that goes on making calls would end by itself, since nobody answers them.
    assert wait_until(lambda: state(pid) == "(sleep) S")
    process.kill()
    finish(process)
    assert wait_until(lambda: not is_alive(pid), 1)


@pytest.mark.parametrize("words", [["--", "{}/SRC/SCRIPT.SH"], ["-w", "{}/SRC", "--", "./SCRIPT.sh"]])
def test_under_nt_the_command_itself_is_found_by_any_spelling(words: list[str], tmp_path: Path) -> None:
    script = tmp_path / "src" / "script.Sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho it ran\n")
    script.chmod(0o755)
    command = [word.format(tmp_path) for word in words]
    assert picobox("--profile", "nt", *command).stdout == b"it ran\n"
    assert picobox("--profile", "linux", *command).returncode in (125, 127)
