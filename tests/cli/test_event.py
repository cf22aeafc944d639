"""How events are made and written, without running a program: a recorder that is told of calls by the test."""

from __future__ import annotations

import json
import struct
from errno import EBADF, EFAULT, ENOENT, ENOSYS
from types import SimpleNamespace
from typing import Any

import pytest

from picobox.abi.table import BY_NAME, ROWS
from picobox.errors import Errno
from picobox.platform.base import STOP_DEAD, STOP_EXEC, STOP_SIGNAL, STOP_SYSCALL, STOP_SYSCALL_EXIT, Stop
from picobox.task import VirtualTid
from picobox.trace.event import Event, errno_of_result, is_restart
from picobox.trace.jsonl import JsonRenderer, as_object, json_value
from picobox.trace.recorder import OUTPUTS, Recorder
from picobox.trace.siginfo import siginfo_fields
from picobox.trace.text import TextRenderer

from .schema import SCHEMA, faults

TID, VTID = 4000, 7


class Memory:
    """A guest's memory with strings at a few addresses."""

    def __init__(self, contents: dict[int, bytes]) -> None:
        self.contents = contents

    def read(self, address: int, size: int) -> bytes:
        for start, data in self.contents.items():
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise Errno(EFAULT)

    def read_string(self, address: int, limit: int) -> bytes:
        data = self.contents.get(address)
        if data is None:
            raise Errno(EFAULT)
        return data.split(b"\0")[0][:limit]


def thread_with(vtid: VirtualTid) -> Any:
    """What the recorder asks of an NT thread."""
    return SimpleNamespace(context=SimpleNamespace(vtid=vtid))


class Guest:
    """Tells a recorder of one task's calls as the supervisor does."""

    def __init__(self, form: str = "text", *, to_file: bool = True, everything: bool = True) -> None:
        self.text = ""
        self.memory = Memory({0x1000: b"/etc/\xff\0", 0x2000: b"caf\xc3\xa9\0"})
        self.events: list[Event] = []
        renderer = TextRenderer(to_file=to_file) if form == "text" else JsonRenderer()
        self.recorder = Recorder(renderer, self.write, lambda row: everything or row is not None, "trace")
        self.thread = thread_with(VirtualTid(VTID))
        self.recorder.executed(self.stop(STOP_EXEC, other=TID), self.thread)
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def stop(self, kind: int, **values: int) -> Stop:
        stop = Stop(kind, TID)
        for name, value in values.items():
            setattr(stop, name, value)
        return stop

    def enter(self, name: str | int, *arguments: int, performed: bool = False) -> Any:
        row = BY_NAME[name] if isinstance(name, str) else None
        stop = self.stop(STOP_SYSCALL, nr=row.nr if row is not None else int(name))
        stop.args = (*arguments, *(0,) * (6 - len(arguments)))
        call: Any = SimpleNamespace(
            row=row, stop=stop, memory=self.memory, task=self.thread.context, performed=performed, on_exec=None,
            refused=None, object_name=None, platform=SimpleNamespace(memory=lambda _tid: self.memory),
        )  # fmt: skip
        self.recorder.entered(call)
        return call

    def leave(self, call: Any, result: int | None) -> None:
        self.recorder.left(call, self.stop(STOP_SYSCALL_EXIT), result)

    def make(self, name: str | int, *arguments: int, result: int | None, performed: bool = False) -> str:
        """The lines of one call; the first one without its prefix and its column."""
        self.leave(self.enter(name, *arguments, performed=performed), result)
        line, _, following = self.text.partition("\n")
        tid, _time, *words = line.split()
        assert tid == str(VTID)
        return f"{' '.join(words)}\n{following}"


def test_a_call_and_its_counterpart() -> None:
    text = Guest().make("close", 3, result=0, performed=True)
    call, service = text.splitlines()
    assert call.startswith("close(3) = 0 <0.0")
    assert service == "    NtClose -> STATUS_SUCCESS (0x00000000)"


def test_a_failure() -> None:
    call, service = Guest().make("close", 3, result=-EBADF).splitlines()
    assert call.startswith("close(3) = -1 EBADF (Bad file descriptor) <")
    assert service == "    ~NtClose -> STATUS_INVALID_HANDLE (0xc0000008)"


def test_a_call_without_an_end() -> None:
    assert Guest().make("close", 3, result=None) == "close(3) = ?\n    ~NtClose -> ?\n"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (-512, "? ERESTARTSYS (To be restarted if SA_RESTART is set)"),
        (-513, "? ERESTARTNOINTR (To be restarted)"),
        (-514, "? ERESTARTNOHAND (To be restarted if no handler)"),
        (-516, "? ERESTART_RESTARTBLOCK (Interrupted by signal)"),
    ],
)
def test_a_call_that_starts_anew(result: int, text: str) -> None:
    call, service = Guest().make("read", 0, 0x2000, 4, result=result).splitlines()
    assert call.startswith(f"read(0, 0x2000, 4) = {text} <")
    assert service == "    ~NtReadFile -> ?"
    assert is_restart(result)
    assert errno_of_result(result) == 0


def test_an_unknown_number_is_an_event() -> None:
    text = Guest().make(0x1FF, 1, 2, 3, result=-ENOSYS)
    assert text.startswith("syscall_0x1ff(0x1, 0x2, 0x3, 0x0, 0x0, 0x0) = -1 ENOSYS (Function not implemented) <")
    guest = Guest("jsonl")
    guest.leave(guest.enter(0x40000001), -ENOSYS)
    event = json.loads(guest.text)
    assert faults(event) == []
    assert (event["call"], event["disposition"], event["nt"]) == ("syscall_0x40000001", "unknown", None)


def test_what_is_not_selected_is_not_recorded() -> None:
    guest = Guest(everything=False)
    guest.leave(guest.enter(0x1FF), -ENOSYS)
    assert guest.text == ""


def test_what_the_kernel_wrote_is_shown_after_success_only() -> None:
    assert Guest().make("read", 0, 0x2000, 5, result=5).startswith(r'read(0, "caf\303\251", 5) = 5')
    assert Guest().make("read", 0, 0x2000, 5, result=-EBADF).startswith("read(0, 0x2000, 5) = -1 EBADF")


def test_what_the_guest_passed_is_read_at_the_entry() -> None:
    guest = Guest()
    call = guest.enter("access", 0x1000, 0)
    guest.memory.contents[0x1000] = b"changed\0"
    guest.leave(call, -ENOENT)
    assert r'access("/etc/\377", F_OK)' in guest.text


def test_a_death_ends_the_call_before_it() -> None:
    guest = Guest()
    guest.enter("pause")
    guest.recorder.died(guest.stop(STOP_DEAD, status=9), guest.thread)
    first, last = guest.text.splitlines()
    assert first.split()[2:] == ["pause()", "=", "?"]
    assert last.endswith(" +++ killed by SIGKILL +++")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "exited with 0"),
        (3 << 8, "exited with 3"),
        (15, "killed by SIGTERM"),
        (0x8B, "killed by SIGSEGV (core dumped)"),
    ],
)
def test_ends(status: int, text: str) -> None:
    guest = Guest()
    guest.recorder.died(guest.stop(STOP_DEAD, status=status), guest.thread)
    assert guest.text.endswith(f" +++ {text} +++\n")


def test_a_death_before_the_program_ran_is_not_told() -> None:
    written: list[str] = []
    recorder = Recorder(TextRenderer(to_file=True), written.append, lambda _row: True, "trace")
    recorder.died(Stop(STOP_DEAD, TID), None)
    assert written == []


def test_an_exec_is_a_line_only_if_another_thread_made_it() -> None:
    guest = Guest()
    guest.recorder.executed(guest.stop(STOP_EXEC, other=VTID), guest.thread)
    assert guest.text == ""
    guest.recorder.executed(guest.stop(STOP_EXEC, other=9), guest.thread)
    assert guest.text.endswith(" +++ superseded by execve in pid 9 +++\n")


def test_prefixes() -> None:
    guest = Guest(to_file=False)
    guest.leave(guest.enter("close", 3), 0)
    assert guest.text.startswith("[pid     7] ")
    guest = Guest()
    guest.leave(guest.enter("close", 3), 0)
    assert guest.text.startswith("7     ")


def words_of(layout: str, *values: int) -> tuple[int, ...]:
    """A siginfo as the platform gives it."""
    return struct.unpack("<6Q", struct.pack(layout, *values).ljust(48, b"\0"))


@pytest.mark.parametrize(
    ("number", "code", "words", "text"),
    [
        (17, 1, words_of("<iiiiiIiiqq", 17, 0, 1, 0, 55, 1000, 3, 0, 4, 5),
         "si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=55, si_uid=1000, si_status=3, si_utime=4, si_stime=5"),
        (17, 2, words_of("<iiiiiIiiqq", 17, 0, 2, 0, 55, 1000, 9, 0, 0, 0),
         "si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=55, si_uid=1000, si_status=SIGKILL, si_utime=0, si_stime=0"),
        (17, 0, words_of("<iiiiiI", 17, 0, 0, 0, 55, 0), "si_signo=SIGCHLD, si_code=SI_USER, si_pid=55, si_uid=0"),
        (2, 128, words_of("<iii", 2, 0, 128), "si_signo=SIGINT, si_code=SI_KERNEL"),
        (10, -6, words_of("<iiiiiI", 10, 0, -6, 0, 8, 0), "si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=8, si_uid=0"),
        (36, -1, words_of("<iiiiiIQ", 36, 0, -1, 0, 8, 0, 0xBEEF),
         "si_signo=SIGRT_4, si_code=SI_QUEUE, si_pid=8, si_uid=0, si_value={sival_int=48879, sival_ptr=0xbeef}"),
        (14, -2, words_of("<iiiiiiQ", 14, 0, -2, 0, 3, 1, 0),
         "si_signo=SIGALRM, si_code=SI_TIMER, si_timerid=3, si_overrun=1, si_value={sival_int=0, sival_ptr=NULL}"),
        (11, 1, words_of("<iiiiQ", 11, 0, 1, 0, 0), "si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL"),
        (7, 2, words_of("<iiiiQ", 7, 0, 2, 0, 0x1234), "si_signo=SIGBUS, si_code=BUS_ADRERR, si_addr=0x1234"),
        (29, 1, words_of("<iiiiqi", 29, 0, 1, 0, 65, 5), "si_signo=SIGIO, si_code=POLL_IN, si_band=65, si_fd=5"),
        (31, 1, words_of("<iiiiQiI", 31, 38, 1, 0, 0x99, 39, 0xC000003E),
         "si_signo=SIGSYS, si_code=SYS_SECCOMP, si_errno=38, si_call_addr=0x99, si_syscall=39, si_arch=0xc000003e"),
        (5, 99, words_of("<iiii", 5, 0, 99, 0), "si_signo=SIGTRAP, si_code=0x63, si_addr=NULL"),
        (17, 1, (0,) * 6, "si_signo=SIGCHLD, si_code=CLD_EXITED"),
    ],
)  # fmt: skip
def test_siginfo(number: int, code: int, words: tuple[int, ...], text: str) -> None:
    assert ", ".join(f"{field.name}={field.text}" for field in siginfo_fields(number, code, words)) == text


def test_a_signal() -> None:
    guest = Guest("jsonl")
    stop = guest.stop(STOP_SIGNAL, signal=11, code=1)
    stop.args = words_of("<iiiiQ", 11, 0, 1, 0, 0x10)
    guest.recorder.signalled(stop, guest.thread)
    event = json.loads(guest.text)
    assert faults(event) == []
    assert event["signal"] == "SIGSEGV"
    assert event["info"][2] == {"name": "si_addr", "value": 0x10, "text": "0x10"}


@pytest.mark.parametrize(
    ("value", "written"),
    [(-100, -100), (b"plain", "plain"), (b"", ""), ("café".encode(), "café"), (b"/etc/\xff", {"b64": "L2V0Yy//"})],
)
def test_values(value: int | bytes, written: object) -> None:
    assert json_value(value) == written


@pytest.mark.parametrize("result", [0, 5, -EBADF, -512, None])
def test_every_row_gives_an_event_of_the_schema(result: int | None) -> None:
    for row in ROWS:
        guest = Guest("jsonl")
        guest.leave(guest.enter(row.name, 0x1000, 0x2000, 1, 2, 3, 4), result)
        event = json.loads(guest.text)
        assert faults(event) == [], row
        assert event["call"] == row.name
        assert event["result"] == result
        assert (event["nt"] is None) == (row.nt is None)


def test_deaths_and_execs_follow_the_schema() -> None:
    guest = Guest("jsonl")
    guest.recorder.died(guest.stop(STOP_DEAD, status=0x8B), guest.thread)
    guest.recorder.died(guest.stop(STOP_DEAD, status=3 << 8), guest.thread)
    guest.recorder.executed(guest.stop(STOP_EXEC, other=9), guest.thread)
    events = [json.loads(line) for line in guest.text.splitlines()]
    assert [faults(event) for event in events] == [[], [], []]
    assert [event.get("status") for event in events] == [None, 3, None]
    assert events[0]["signal"] == "SIGSEGV"
    assert events[2]["former_tid"] == 9


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("schema", "picobox.event/2"), ("kind", "other"), ("time", "now"), ("tid", 0), ("channel", "elsewhere"),
        ("args", [{"name": "fd"}]), ("errno", 9), ("duration", -1), ("disposition", "maybe"),
        ("nt", {"service": "close", "performed": True, "status": None, "name": None}), ("surplus", 1), ("nr", None),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_is_wrong(member: str, value: object) -> None:
    event = Event("call", 1.0, VirtualTid(VTID), "close", "trace")
    event.disposition = "native"
    good = as_object(event)
    assert faults(good) == []
    assert faults({**good, member: value})
    assert member == "surplus" or faults({name: each for name, each in good.items() if name != member})


def test_the_schema_names_itself() -> None:
    assert SCHEMA["title"] == SCHEMA["$defs"]["schema"]["const"] == "picobox.event/1"


def test_outputs_come_before_what_a_call_may_ignore() -> None:
    """The recorder pairs a row's arguments with their texts by position; only last ones may have no text."""
    for row in ROWS:
        texts = row.render((0,) * 6, Memory({}), None)
        outputs = [index for index, argument in enumerate(row.args) if isinstance(argument, OUTPUTS)]
        assert max(outputs, default=-1) < len(texts)
