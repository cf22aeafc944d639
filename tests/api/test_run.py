"""picobox.run is subprocess.run under a supervisor: the same results and errors, and those that were asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import picobox

from .limits import LIMITS

TIMEOUT = 60


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs write to the working directory."""
    monkeypatch.chdir(tmp_path)


SAME: list[tuple[Any, dict[str, Any]]] = [
    (["echo", "a", "b"], {"capture_output": True}),
    (["echo", "a", "b"], {"capture_output": True, "text": True}),
    (["cat"], {"input": b"in\xff", "capture_output": True}),
    (["cat"], {"input": "in é", "stdout": subprocess.PIPE, "encoding": "utf-8"}),
    ("echo $0 $HOME; exit 3", {"shell": True, "stdout": subprocess.PIPE, "env": {"HOME": "/x", "PATH": "/bin"}}),
    (["sh", "-c", "echo out; echo err >&2"], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}),
    (["sh", "-c", "kill -9 $$"], {}),
    (["sh", "-c", "kill -TERM $$"], {}),
    (["pwd"], {"cwd": "/usr", "capture_output": True}),
    (["sh", "-c", "umask"], {"umask": 0o27, "capture_output": True}),
    (["sh", "-c", "ls -l /proc/self/fd | wc -l"], {"capture_output": True}),
    (["cat"], {"stdin": subprocess.DEVNULL, "capture_output": True}),
    ([b"printf", b"\xfe"], {"capture_output": True}),
    (["shown", "-c", "echo $0"], {"executable": "sh", "capture_output": True}),
    (["shown", "-c", "echo $0"], {"executable": Path("/bin/sh"), "capture_output": True}),
    ("echo $0 ${BASH_VERSION:+yes}", {"shell": True, "executable": b"/bin/bash", "capture_output": True}),
    (["true"], {"executable": None, "pass_fds": (1, 2)}),
    ([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGIO))"], {"capture_output": True}),
]


@pytest.mark.parametrize(("args", "options"), SAME)
def test_it_does_what_subprocess_does(args: Any, options: dict[str, Any]) -> None:
    ours = picobox.run(args, timeout=TIMEOUT, **options)
    theirs = subprocess.run(args, timeout=TIMEOUT, check=False, **options)
    assert (ours.args, ours.returncode, ours.stdout, ours.stderr) == (
        theirs.args, theirs.returncode, theirs.stdout, theirs.stderr,
    )  # fmt: skip
    assert isinstance(ours, subprocess.CompletedProcess)


BAD: list[tuple[Any, dict[str, Any]]] = [
    (["no-such-program"], {}),
    (["/etc/passwd"], {}),
    (["./no-such-program"], {}),
    (["true"], {"executable": "no-such-program"}),
    (["true"], {"executable": "a\0b"}),
    (["true"], {"pass_fds": [1000]}),
    (["true"], {"cwd": "/no/such/directory"}),
    (["true", "a\0b"], {}),
    (["cat"], {"input": b"", "stdin": subprocess.PIPE}),
    (["cat"], {"capture_output": True, "stdout": subprocess.PIPE}),
    (["false"], {"check": True}),
    (["sleep", "60"], {"timeout": 0.5}),
]


@pytest.mark.parametrize(("args", "options"), BAD)
def test_it_fails_as_subprocess_does(args: Any, options: dict[str, Any]) -> None:
    with pytest.raises((OSError, ValueError, subprocess.SubprocessError)) as theirs:
        subprocess.run(args, **options)  # noqa: PLW1510
    with pytest.raises(type(theirs.value)) as ours:
        picobox.run(args, **options)
    assert type(ours.value) is type(theirs.value)
    if isinstance(theirs.value, OSError):
        assert isinstance(ours.value, OSError)
        assert (ours.value.errno, ours.value.filename) == (theirs.value.errno, theirs.value.filename)
    if isinstance(theirs.value, subprocess.CalledProcessError):
        assert isinstance(ours.value, subprocess.CalledProcessError)
        assert (ours.value.returncode, ours.value.cmd) == (theirs.value.returncode, theirs.value.cmd)


def test_a_timeout_keeps_what_was_written_and_ends_everything(tmp_path: Path) -> None:
    for timeout in LIMITS:
        begun = time.monotonic()
        line = f"echo said; (sleep {timeout + 3}; touch late) & sleep 60"
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            picobox.run(line, shell=True, capture_output=True, timeout=timeout)
        if caught.value.output:
            break
    assert caught.value.output == b"said\n"
    assert time.monotonic() - begun < timeout + 18
    time.sleep(max(0.0, timeout + 5 - (time.monotonic() - begun)))  # for what must not happen
    assert not (tmp_path / "late").exists()


def test_events_are_what_trace_asks_for() -> None:
    done = picobox.run(["cat", "/etc/hostname"], trace="openat,close", stdout=subprocess.DEVNULL)
    calls = [event for event in done.events if isinstance(event, picobox.CallEvent)]
    assert {event.name for event in calls} == {"openat", "close"}
    opened = next(event for event in calls if event.path == "/etc/hostname")
    assert opened["pathname" if "pathname" in [each.name for each in opened.arguments] else "path"] == "/etc/hostname"
    assert isinstance(opened.result, int)
    assert opened.result > 2
    assert opened.nt is not None
    assert (opened.nt.service, opened.nt.status_name) == ("NtCreateFile", "STATUS_SUCCESS")
    with pytest.raises(KeyError, match="there are"):
        opened["nothing"]


def test_all_events_come_and_in_order() -> None:
    done = picobox.run([sys.executable, "-c", "import os; [os.stat('/usr') for _ in range(20000)]"], trace=True)
    stats = [event for event in done.events if getattr(event, "path", None) == "/usr"]
    assert len(stats) >= 20000
    assert sorted(event.time for event in stats) == [event.time for event in stats]
    assert type(done.events[-1]).__name__ == "ExitEvent"


def test_a_failure_has_its_error_number_in_events() -> None:
    done = picobox.run(["cat", "/no/such"], trace=["%file"], stderr=subprocess.DEVNULL)
    (failed,) = [event for event in done.events if getattr(event, "path", None) == "/no/such"]
    assert isinstance(failed, picobox.CallEvent)
    assert failed.errno == 2


_BREAKS = "import os\nheld = open('held.txt', 'w')\nos.remove('held.txt')\n"


def test_findings_are_what_windows_would_have_refused() -> None:
    done = picobox.run([sys.executable, "-c", _BREAKS], findings=True)
    (finding,) = done.findings
    assert done.returncode == 0
    assert (finding.rule, Path(finding.path).name) == ("PB010", "held.txt")
    assert isinstance(finding, picobox.Finding)


def test_walls_hide_nothing_from_a_check(tmp_path: Path) -> None:
    (tmp_path / "breaks.py").write_text(_BREAKS)
    confined = picobox.run([sys.executable, "breaks.py"], findings=True).findings
    free = picobox.run([sys.executable, "breaks.py"], findings=True, policy="open").findings
    assert [(each.rule, each.path, each.site) for each in confined] == [
        (each.rule, each.path, each.site) for each in free
    ]
    assert confined[0].site is not None


def test_enforce_gives_the_answers_of_windows() -> None:
    done = picobox.run(
        [sys.executable, "-c", _BREAKS], findings=True, enforce=True, profile="windows10", capture_output=True
    )
    assert done.returncode == 1
    assert b"PermissionError" in done.stderr
    assert [finding.rule for finding in done.findings] == ["PB010"]


def test_changes_are_kept_apart_and_told(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "gone.txt").write_text("gone")
    done = picobox.run("echo new > new.txt; echo more >> old.txt; rm gone.txt", shell=True, overlay=True, check=True)
    assert [(change.kind, Path(change.path).name, change.type) for change in done.changes] == [
        ("deleted", "gone.txt", "file"), ("added", "new.txt", "file"), ("changed", "old.txt", "file"),
    ]  # fmt: skip
    assert sorted(os.listdir(tmp_path)) == ["gone.txt", "old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


def test_a_layer_of_its_own_is_gone_with_the_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = tmp_path.parent / f"{tmp_path.name}-state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    done = picobox.run("echo new > new.txt", shell=True, overlay=True)
    (change,) = done.changes
    assert change.kept_as is not None
    assert Path(change.kept_as).read_text() == "new\n"
    del done
    assert os.listdir(state / "picobox" / "layers") == []


@pytest.mark.parametrize("name", ["events", "findings", "changes"])
def test_a_result_that_was_not_asked_for_says_how_to_ask(name: str) -> None:
    done = picobox.run(["true"])
    with pytest.raises(picobox.NotRecordedError, match={"events": "trace", "changes": "overlay"}.get(name, name)):
        getattr(done, name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "windows12"}, "windows11"),
        ({"profile": "nt", "findings": True}, "windows10"),
        ({"enforce": True}, "findings=True"),
        ({"policy": "no-such.toml"}, "no such file"),
        ({"policy": picobox.Policy(limits={"memry": 1})}, "memory"),
        ({"policy": picobox.Policy(read="/etc")}, "list"),
        ({"trace": "opennat"}, "openat"),
        ({"drives": {"D": "/no/such"}}, "directory"),
        ({"drives": ["/"]}, "letter"),
        ({"overlay": "../x"}, "letters"),
        ({"overlay": True, "policy": "open"}, "policy"),
        ({"profile": "wsl1"}, "walls"),
    ],
)
def test_settings_that_cannot_be_say_why(options: dict[str, Any], said: str) -> None:
    with pytest.raises(picobox.PicoboxError, match=said):
        picobox.run(["true"], **options)


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="preexec_fn"):
        picobox.run(["true"], preexec_fn=print)  # type: ignore[call-overload]


def test_the_policy_is_kept(tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    line = f"echo x > {outside}/file"
    assert picobox.run(line, shell=True, stderr=subprocess.DEVNULL).returncode != 0
    assert os.listdir(outside) == []
    assert picobox.run(line, shell=True, policy=picobox.Policy(write=[outside])).returncode == 0
    assert os.listdir(outside) == ["file"]


def test_relative_paths_of_a_policy_are_the_callers(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "work").mkdir()
    done = picobox.run("echo x > ../kept/file", shell=True, cwd="work", policy=picobox.Policy(write=["kept"]))
    assert done.returncode == 0
    assert (tmp_path / "kept" / "file").exists()


def test_the_policys_rules_on_variables_hold_for_env() -> None:
    given = {"PATH": os.environ["PATH"], "AWS_SECRET_ACCESS_KEY": "secret", "PLAIN": "1"}
    done = picobox.run(["env"], env=given, capture_output=True, text=True)
    assert "secret" not in done.stdout
    assert "PLAIN=1" in done.stdout
    policy = picobox.Policy(keep_env=["AWS_SECRET_ACCESS_KEY"])
    assert "secret" in picobox.run(["env"], env=given, capture_output=True, text=True, policy=policy).stdout


def test_drives_and_profiles_are_the_runs(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Read.Me").write_text("found")
    done = picobox.run(["cat", "data/READ.me"], capture_output=True)
    assert done.stdout == b"found"
    assert picobox.run(["cat", "data/READ.me"], profile="linux", stderr=subprocess.DEVNULL).returncode == 1
    done = picobox.run(["cat", "data/READ.me"], drives={"C": ".", "D": "data"}, capture_output=True, trace="openat")
    names = [event.nt.object_name for event in done.events if isinstance(event, picobox.CallEvent) and event.nt]
    assert done.stdout == b"found"
    assert any(name is not None and name.startswith("\\??\\D:\\") for name in names)


def test_limits_that_were_met_are_told() -> None:
    done = picobox.run(["sleep", "60"], policy=picobox.Policy(limits={"wall-time": "1s"}))
    assert done.returncode == -signal.SIGKILL
    assert done.limits_met == {"wall-time": 1}


def test_what_the_environment_says_of_the_command_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICOBOX_PROFILE", "linux")
    monkeypatch.setenv("PICOBOX_POLICY", "open")
    monkeypatch.setenv("PICOBOX_TIMEOUT", "0.001")
    Path("Name").touch()
    assert picobox.run(["ls", "NAME"], stdout=subprocess.DEVNULL).returncode == 0


def test_the_programs_directory_says_nothing_of_the_supervisors_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a program may write must never be what its supervisor runs."""
    for name in ("json", "signal", "fcntl", "picobox", "sitecustomize", "socket", "traceback"):
        (tmp_path / f"{name}.py").write_text("import os\nos.close(os.open('evil', os.O_CREAT))\n")
    monkeypatch.setenv("PYTHONPATH", ".")
    assert picobox.run(["true"], trace=True, findings=True).returncode == 0
    assert not (tmp_path / "evil").exists()


def test_inside_a_picobox_it_says_so() -> None:
    """Nobody there may trace; nothing hangs."""
    script = "import picobox\ntry:\n    picobox.run(['true'])\nexcept picobox.PicoboxError as error:\n    print(error)"
    done = picobox.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "there is a picobox around this one" in done.stdout
