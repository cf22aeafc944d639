"""What `picobox trace` writes of real programs: where, in which form, and that no call is lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from .command import environment, finish, picobox, read_line, start

if TYPE_CHECKING:
    from pathlib import Path

# strace -f -ttt -T: a pid, a time, then a call, a signal or an end.
PREFIX = r"(?P<tid>\d+) +(?P<time>\d{10}\.\d{6}) "
CALL = re.compile(PREFIX + r"(?P<name>\w+)\((?P<args>.*)\) += (?P<result>\?|0x[0-9a-f]+|-?\d+)(?P<rest>.*)$")
TAIL = re.compile(r"( E[A-Z0-9]+ \([^)]+\)| ERESTART\w* \([^)]+\))?( <\d+\.\d{6}>)?$")
SIGNAL = re.compile(PREFIX + r"--- (?P<name>SIG\w+) \{si_signo=SIG\w+, si_code=\w+(, \w+=[^,]+)*\} ---$")
END = re.compile(
    PREFIX + r"\+\+\+ (exited with \d+|killed by SIG\w+( \(core dumped\))?|superseded by execve in pid \d+) \+\+\+$"
)
NT_LINE = re.compile(
    r"    (?P<equivalent>~?)(?P<service>Nt\w+)(?P<name> \\.+)? -> (\?|(?P<status>STATUS_\w+) \(0x[0-9a-f]{8}\))$"
)


def trace_lines(tmp_path: Path, *words: str | Path) -> list[str]:
    """The lines of a trace to a file."""
    done = picobox("trace", "-o", tmp_path / "trace", *words)
    assert b"picobox" not in done.stderr
    return (tmp_path / "trace").read_text(encoding="ascii").splitlines()


def trace_events(tmp_path: Path, *words: str | bytes | Path) -> list[dict[str, Any]]:
    """The objects of a trace as JSON Lines."""
    picobox("trace", "--format", "jsonl", "-o", tmp_path / "trace", *words)
    return [json.loads(line) for line in (tmp_path / "trace").read_text(encoding="ascii").splitlines()]


def calls_of(lines: list[str]) -> list[re.Match[str]]:
    return [found for found in map(CALL.match, lines) if found]


def test_every_line_has_straces_form(tmp_path: Path) -> None:
    script = "/bin/true & wait; kill -USR1 $$; cat /no/such/file 2>/dev/null; kill -9 $$"
    lines = trace_lines(tmp_path, "--", "sh", "-c", f"trap : USR1; {script}")
    seen = set()
    for line in lines:
        kinds = (CALL, SIGNAL, END, NT_LINE)
        found = next(((kind, match) for kind in kinds if (match := kind.match(line))), None)
        assert found is not None, line
        seen.add(found[0])
        if found[0] is CALL:
            assert TAIL.match(found[1]["rest"]), line
    assert seen == {CALL, SIGNAL, END, NT_LINE}
    assert lines[-1].endswith("+++ killed by SIGKILL +++")


def test_the_result_stands_in_straces_column(tmp_path: Path) -> None:
    lines = trace_lines(tmp_path, "-e", "close", "--", "true")
    assert {line.index(" = ") for line in lines if " close(" in line} == {39}


def test_standard_error_has_straces_prefix() -> None:
    done = picobox("trace", "-e", "exit_group", "--", "true")
    line = re.compile(r"\[pid +\d+\] \d{10}\.\d{6} exit_group\(0\) += \?$")
    assert line.match(done.stderr.decode().splitlines()[0])


def strace(tmp_path: Path, *command: str) -> list[str]:
    """What strace writes of a program, without the execve that starts it."""
    assert shutil.which("strace"), "strace is not installed: install the package strace"
    output = tmp_path / "strace"
    subprocess.run(
        ["strace", "-f", "-ttt", "-T", "-o", output, *command], env=environment(), capture_output=True, check=False
    )
    return output.read_text().splitlines()[1:]


def comparable(line: str) -> str | None:
    """A line without what differs from run to run and what only strace looks into: structures behind pointers."""
    found = CALL.match(line)
    if found is None:
        return re.sub(r"^\d+ +[\d.]+ ", "", line)
    arguments = re.sub(r"\{.*\}|0x[0-9a-f]{6,}|(?<=\()NULL(?=[,)])", "PTR", found["args"])
    arguments = re.sub(r"\b0x[0-9a-f]+\b", lambda number: str(int(number[0], 16)), arguments)
    result = re.sub(r"0x[0-9a-f]+|^\d{3,}$", "N", found["result"])
    if found["name"] == "getrandom":
        arguments = re.sub(r'^".*?", ', "RANDOM, ", arguments)
    return f"{found['name']}({arguments}) = {result}{re.sub(r' <.*>', '', found['rest'])}"


def test_calls_are_those_that_strace_sees(tmp_path: Path) -> None:
    """A dynamic program's whole life, call by call, arguments and results included."""
    command = ("/bin/cat", "/etc/hostname", "/no/such/file")
    theirs = [comparable(line) for line in strace(tmp_path, *command)]
    ours = [comparable(line) for line in trace_lines(tmp_path, "--", *command) if not NT_LINE.match(line)]
    assert len(ours) > 20
    assert ours == theirs


def test_performed_and_equivalent_services(tmp_path: Path) -> None:
    lines = trace_lines(tmp_path, "-e", "close,openat,exit_group", "--", "cat", "/no/such/file")
    after = {}
    for line, following in pairwise(lines):
        found = CALL.match(line)
        if found:
            after[found["name"], found["result"].startswith("-")] = following
    assert after["close", False] == "    NtClose -> STATUS_SUCCESS (0x00000000)"
    opened = r"    NtCreateFile \\Device\\HarddiskVolume\d+\\\S+ -> STATUS_SUCCESS \(0x00000000\)"
    assert re.fullmatch(opened, after["openat", False])
    assert after["openat", True] == "    ~NtCreateFile -> STATUS_OBJECT_NAME_NOT_FOUND (0xc0000034)"
    assert after["exit_group", False] == "    NtTerminateProcess -> ?"


def test_a_failed_close_that_ran_in_nt(tmp_path: Path) -> None:
    (event,) = [
        event
        for event in trace_events(
            tmp_path, "-e", "close", "--", "python3", "-Ic", "import os\ntry: os.close(77)\nexcept OSError: pass"
        )
        if event["kind"] == "call" and event["args"][0]["value"] == 77
    ]
    assert event["errno"] == "EBADF"
    assert event["nt"]["service"] == "NtClose"
    assert event["nt"]["status"] == {"value": 0xC0000008, "name": "STATUS_INVALID_HANDLE"}


def test_what_the_provider_serves_has_no_service(tmp_path: Path) -> None:
    lines = trace_lines(tmp_path, "-e", "rt_sigprocmask", "--", "sh", "-c", "/bin/true; /bin/true")
    assert calls_of(lines)
    assert not any(map(NT_LINE.match, lines))


def test_a_call_in_which_a_thread_dies_is_not_lost(tmp_path: Path) -> None:
    lines = trace_lines(
        tmp_path, "-e", "pause", "--", "perl", "-e", "alarm 1; $SIG{ALRM}='DEFAULT'; require POSIX; POSIX::pause()"
    )
    (call,) = calls_of(lines)
    assert call["result"] == "?"
    assert lines[-1].endswith("+++ killed by SIGALRM +++")


def test_a_call_that_a_kill_ends_has_no_result_and_no_duration(tmp_path: Path) -> None:
    script = "import os, threading; threading.Timer(0.3, os.kill, (os.getpid(), 9)).start(); os.read(os.pipe()[0], 1)"
    lines = trace_lines(tmp_path, "-e", "read", "--", sys.executable, "-Ic", script)
    unfinished = [call for call in calls_of(lines) if call["result"] == "?"]
    assert len(unfinished) == 1
    assert unfinished[0]["rest"] == ""
    assert sum("killed by SIGKILL" in line for line in lines) == 2


def test_restarted_calls_say_so(tmp_path: Path) -> None:
    # The handler of C writes the byte that the restarted read then finds.
    script = """import os, signal
r, w = os.pipe()
os.set_blocking(w, False)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.set_wakeup_fd(w)
signal.setitimer(signal.ITIMER_REAL, 0.2)
os.read(r, 1)"""
    lines = trace_lines(tmp_path, "-e", "read", "--", sys.executable, "-Ic", script)
    results = [call["result"] + re.sub(" <.*", "", call["rest"]) for call in calls_of(lines)]
    assert "? ERESTARTSYS (To be restarted if SA_RESTART is set)" in results
    assert any("--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL" in line for line in lines)


def test_an_exec_by_another_thread(tmp_path: Path) -> None:
    script = """import os, threading
threading.Thread(target=os.execv, args=('/bin/true', ['true'])).start()
threading.Event().wait()"""
    lines = trace_lines(tmp_path, "-e", "execve,exit_group", "--", sys.executable, "-Ic", script)
    executed = next(call for call in calls_of(lines) if call["name"] == "execve")
    superseded = next(line for line in lines if "superseded" in line)
    assert executed["result"] == "0"
    assert superseded.endswith(f"+++ superseded by execve in pid {executed['tid']} +++")
    assert not superseded.startswith(executed["tid"])
    assert lines[-1].startswith(superseded.split()[0])
    assert lines[-1].endswith("+++ exited with 0 +++")


@pytest.mark.parametrize(
    ("expression", "shown", "hidden"),
    [
        ("openat", {"openat"}, {"close", "mmap"}),
        ("openat,close", {"openat", "close"}, {"mmap"}),
        ("trace=%memory", {"mmap", "munmap"}, {"close", "newfstatat"}),
        ("%file,close", {"openat", "access", "close"}, {"mmap"}),
        ("!%memory", {"openat", "close"}, {"mmap", "mprotect", "brk"}),
        ("!openat,close", {"mmap"}, {"openat", "close"}),
        ("all", {"openat", "close", "mmap", "exit_group"}, set()),
        ("none", set(), {"openat", "close", "mmap", "exit_group"}),
    ],
)
def test_selection(tmp_path: Path, expression: str, shown: set[str], hidden: set[str]) -> None:
    lines = trace_lines(tmp_path, "-e", expression, "--", "true")
    names = {call["name"] for call in calls_of(lines)}
    assert shown <= names
    assert not hidden & names
    assert lines[-1].endswith("+++ exited with 0 +++")


def test_standard_output_is_the_programs(tmp_path: Path) -> None:
    assert picobox("trace", "--", "echo", "x").stdout == b"x\n"
    assert picobox("trace", "-o", tmp_path / "trace", "--", "echo", "x").stdout == b"x\n"
    assert picobox("trace", "--format", "jsonl", "--", "echo", "x").stdout == b"x\n"


def test_status_is_the_programs() -> None:
    assert picobox("trace", "-e", "none", "--", "sh", "-c", "exit 9").returncode == 9
    assert picobox("trace", "-e", "none", "--", "sh", "-c", "kill -9 $$").returncode == 137
    assert picobox("trace", "-e", "none", "--timeout", "0.3", "--", "sleep", "100").returncode == 124


def test_a_program_that_is_not_there_leaves_an_empty_trace(tmp_path: Path) -> None:
    done = picobox("trace", "-o", tmp_path / "trace", "--", "no-such-command")
    assert done.returncode == 127
    assert done.stderr.count(b"\n") == 1
    assert (tmp_path / "trace").read_bytes() == b""


def test_an_old_trace_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("old\n" * 100000)
    assert "old" not in trace_lines(tmp_path, "-e", "none", "--", "true")


def test_output_that_nobody_reads_ends_the_trace_and_not_the_program() -> None:
    process = start("trace", "--", "sh", "-c", "sleep 0.2; for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done; echo done")
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    assert finish(process)[:2] == (0, b"done\n")


def test_a_full_disk_is_told() -> None:
    done = picobox("trace", "-o", "/dev/full", "--", "true")
    assert done.returncode == 125
    assert done.stderr == b"picobox: cannot write the trace to /dev/full: No space left on device\n"


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_killed_trace_is_whole(tmp_path: Path, sent: signal.Signals) -> None:
    script = f"import signal, time; signal.signal({sent}, signal.SIG_DFL); print('ready', flush=True); time.sleep(100)"
    process = start("trace", "-o", tmp_path / "trace", "--", sys.executable, "-Ic", script)
    assert read_line(process) == b"ready\n"
    process.send_signal(sent)
    assert finish(process) == (128 + sent, b"", b"")
    lines = (tmp_path / "trace").read_text().splitlines()
    assert lines[-1].endswith(f"+++ killed by {sent.name} +++")
    assert any('write(1, "ready\\n", 6)' in line for line in lines)


def test_verbose_summarises_after_the_trace(tmp_path: Path) -> None:
    done = picobox("trace", "-v", "-o", tmp_path / "trace", "--", "true")
    assert b"calls (" in done.stderr.splitlines()[0]
    assert b"NtClose" in done.stderr


def test_many_processes_lose_no_call(tmp_path: Path) -> None:
    lines = trace_lines(
        tmp_path, "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (/bin/true & /bin/true; wait) & done; wait"
    )
    calls = calls_of(lines)
    ends = [line for line in lines if "+++ exited with 0 +++" in line]
    # The program, eight subshells, and two children each.
    assert len({call["tid"] for call in calls}) == len(ends) == 1 + 8 + 16
    assert sum(call["name"] == "exit_group" for call in calls) == len(ends)
    assert sum(call["name"] == "execve" for call in calls) == 16
    assert sum(call["name"] in {"clone", "fork", "vfork"} for call in calls) == len(ends) - 1


@pytest.mark.parametrize("platform", ["trace", "reference"])
def test_the_channel_is_the_platform(tmp_path: Path, platform: str) -> None:
    events = trace_events(tmp_path, "--platform", platform, "--no-gate", "--", "true")
    assert {event["channel"] for event in events} == {platform}
    assert [event["call"] for event in events if event["kind"] == "call"][-1] == "exit_group"


@pytest.mark.parametrize("platform", ["trace", "reference"])
def test_who_sent_a_signal(tmp_path: Path, platform: str) -> None:
    script = "trap : USR1; kill -USR1 $$; /bin/true & wait"
    events = trace_events(tmp_path, "--platform", platform, "-e", "none", "--", "sh", "-c", script)
    signals = {
        event["signal"]: {field["name"]: field["text"] for field in event["info"]}
        for event in events
        if event["kind"] == "signal"
    }
    leader, child = (next(event["tid"] for event in events if event["kind"] == kind) for kind in ("signal", "exit"))
    assert signals["SIGUSR1"] == {
        "si_signo": "SIGUSR1", "si_code": "SI_USER", "si_pid": str(leader), "si_uid": str(os.geteuid())
    }  # fmt: skip
    assert signals["SIGCHLD"]["si_code"] == "CLD_EXITED"
    assert signals["SIGCHLD"]["si_pid"] == str(child)
    assert signals["SIGCHLD"]["si_status"] == "0"


def test_unknown_numbers_are_events(tmp_path: Path) -> None:
    (tmp_path / "unknown.c").write_text(
        "#include <unistd.h>\nint main(void) { syscall(0x1ff); syscall(0x40000027); syscall(9999); return 0; }\n"
    )
    subprocess.run(["gcc", "-o", tmp_path / "unknown", tmp_path / "unknown.c"], check=True)
    lines = trace_lines(tmp_path, "--", tmp_path / "unknown")
    unknown = [call["name"] + call["rest"].split(" <")[0] for call in calls_of(lines) if "syscall_" in call["name"]]
    refusal = " ENOSYS (Function not implemented)"
    assert unknown == [f"syscall_{nr}{refusal}" for nr in ("0x1ff", "0x40000027", "0x270f")]


def test_strings_keep_every_byte(tmp_path: Path) -> None:
    long = "x" * 200
    events = trace_events(tmp_path, "-e", "openat", "--", "cat", b"/no-\xff", f"/{long}", "/caf\u00e9")
    values = [event["args"][1]["value"] for event in events if event["kind"] == "call"]
    assert {"b64": "L25vLf8="} in values
    assert f"/{long}" in values
    assert "/caf\u00e9" in values


def test_written_strings_are_values_too(tmp_path: Path) -> None:
    events = trace_events(tmp_path, "-e", "getcwd", "-w", tmp_path, "--", "/bin/pwd", "-P")
    assert [event["args"][0]["value"] for event in events if event["kind"] == "call"] == [str(tmp_path)]
