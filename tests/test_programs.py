"""Runs every C and C++ program of `tests/programs` natively and on each platform, and wants the same answer."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from build import PROGRAMS, CompileError, compile_program, program_names, ruled_programs, source_of

REPOSITORY = Path(__file__).parent.parent
SKIPS = Path(__file__).parent / "reference_skips.toml"
# Seconds. Each program has a watchdog of its own at 20 s; these also cover the start of the supervisor.
TIMEOUTS = {"native": 30, "trace": 60, "reference": 100}
# H8 is generated from the table and H11 kills the supervisor: both have test files of their own.
HAZARDS = ("h1", "h2", "h3", "h4", "h5", "h6", "h7", "h9", "h10", "h12")
# With two stops of Python for each of their calls they take a quarter of a minute and more.
LONG_ON_REFERENCE = frozenset(
    (
        "g1_instants",
        "g1_signals",
        "g2_moved",
        "g2_threads",
        "g3_waits",
        "g9_own_gs",
        "g8_advice",
        "h19_trace_ends",
        "h2_exit_group",
        "h2_fork_tree",
        "h2_killed_children",
        "h2_threads",
        "h3_exec_threads",
        "h4_unbegun",
    )
)
# On the trace platform they take a second and more: its modes beside the usual one follow in the full tier.
LONG = frozenset(
    (
        "g2_threads",
        "g3_waits",
        "g9_own_gs",
        "h10_shared_table",
        "h19_trace_running",
        "h2_exit_group",
        "h2_fork_tree",
        "h2_killed_children",
        "h2_threads",
        "h3_exec_fork",
        "h3_exec_state",
        "h3_exec_threads",
        "h4_longjmp",
        "h4_restart_syscall",
        "h4_stop_continue",
        "h4_unbegun",
        "h6_wait_thread",
        "h6_zombies",
        "h7_interrupted",
    )
)
# Issue 2, step f: the reference platform may leave out a tenth of the programs.
MOST_SKIPS = 0.1


class Result(NamedTuple):
    """What a user sees of one run; `status` is negative after a signal, None after the timeout."""

    status: int | None
    stdout: str
    stderr: str


def run(command: list[str], timeout: float) -> Result:
    """Run `command` in an empty directory of its own, with no input, and kill its whole session when time is up."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LC_ALL": "C"}
    with (
        tempfile.TemporaryDirectory(prefix="programs-", ignore_cleanup_errors=True) as directory,
        subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            encoding="utf-8",
            errors="backslashreplace",
        ) as process,
    ):
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            return Result(None, stdout, stderr)
        return Result(process.returncode, stdout, stderr)


@functools.cache
def native_result(name: str) -> Result:
    """Run a program without picobox, once for each test process."""
    return run([str(executable(name))], TIMEOUTS["native"])


@functools.cache
def executable(name: str) -> Path:
    """Compile a program, or fail the test with the compiler's own text."""
    try:
        return compile_program(name)
    except CompileError as error:
        pytest.fail(str(error), pytrace=False)


def expected_result(name: str) -> Result:
    """Say what a run under picobox must give: the native result, except where a divergence is declared.

    `NAME.expected` is the standard output of a program whose answers differ by design (an `int 0x80` is answered
    ENOSYS, a 32-bit ELF file is refused, ptrace and seccomp belong to the supervisor). Status and standard error
    are native's also there.
    """
    native = native_result(name)
    declared = PROGRAMS / f"{name}.expected"
    return native._replace(stdout=declared.read_text()) if declared.exists() else native


def reference_skips() -> dict[str, str]:
    """Read the closed list of programs that the reference platform cannot run: program to reason."""
    return {entry["program"]: entry["reason"] for entry in tomllib.loads(SKIPS.read_text()).get("skip", [])}


@pytest.mark.parametrize("name", program_names())
def test_native(name: str) -> None:
    result = native_result(name)
    assert result.status == 0, result
    assert result.stderr == ""
    assert result.stdout != ""


def picobox(platform: str, name: str, *options: str) -> Result:
    """Run a program under picobox."""
    command = [sys.executable, "-m", "picobox", "-q", "--platform", platform, *options, "--", str(executable(name))]
    return run(command, TIMEOUTS[platform])


def on_each_platform() -> list[object]:
    """Every program on each platform, those that take longest there in the full tier alone."""
    return [
        pytest.param(
            platform, name, marks=pytest.mark.full if platform == "reference" and name in LONG_ON_REFERENCE else ()
        )
        for platform in ("trace", "reference")
        for name in program_names()
    ]


@pytest.mark.parametrize(("platform", "name"), on_each_platform())
def test_platform(platform: str, name: str) -> None:
    reason = reference_skips().get(name) if platform == "reference" else None
    result = picobox(platform, name)
    if reason is None:
        assert result == expected_result(name)
    elif result == expected_result(name):
        pytest.fail(f"{name} passes on the reference platform: remove it from the list {SKIPS.name}", pytrace=False)
    else:
        pytest.xfail(reason)


def test_whose_sites_nobody_knows_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a run before has left no plan, sites change while the program waits and writes."""
    expected = expected_result("g3_waits")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert picobox("trace", "g3_waits") == expected


def in_another_mode() -> list[object]:
    """Every program, in the fast tier those that do not take long."""
    return [pytest.param(name, marks=pytest.mark.full if name in LONG else ()) for name in program_names()]


@pytest.mark.parametrize("name", in_another_mode())
@pytest.mark.parametrize("platform", ["trace"])
def test_without_the_notify_channel(platform: str, name: str) -> None:
    assert picobox(platform, name, "--no-fast") == expected_result(name)


def gated_programs(left_out: frozenset[str] = frozenset()) -> list[object]:
    """Every program, in the fast tier those that are about the gate, without some."""
    return [
        pytest.param(name, marks=() if name.startswith("g") and name not in left_out else pytest.mark.full)
        for name in program_names()
    ]


@pytest.mark.parametrize("name", gated_programs(LONG))
@pytest.mark.parametrize("platform", ["trace"])
def test_without_the_gate(platform: str, name: str) -> None:
    assert picobox(platform, name, "--no-gate") == expected_result(name)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", [[], ["--no-gate"], ["--no-fast"], ["--gate", "1"]], ids=" ".join)
def test_signals_without_end(how: list[str]) -> None:
    """Issue 7: 100,000 signals at random instants lose nothing, and double nothing."""
    signals = 100_000
    command = [sys.executable, "-m", "picobox", "-q", *how, "--", str(executable("g1_instants")), str(signals)]
    done = run(command, 800)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.count(str(signals // 2)) == 2


def test_a_kernel_without_the_channel_gets_stops() -> None:
    """An old kernel's number is all that such a kernel says of itself (uname, setarch)."""
    name = "g7_memory"
    old = ["setarch", "--uname-2.6", sys.executable, "-m", "picobox"]
    assert run([*old, "-q", "--", str(executable(name))], TIMEOUTS["trace"]) == expected_result(name)
    said = run([*old, "doctor", "--json"], TIMEOUTS["trace"])
    states = {check["name"]: check["state"] for check in json.loads(said.stdout)["checks"]}
    assert states["notify channel"] == states["gate"] == "limited"


@pytest.mark.parametrize("name", gated_programs())
@pytest.mark.parametrize("platform", ["trace"])
def test_with_the_gate(platform: str, name: str) -> None:
    """Every site enters it at once that can."""
    assert picobox(platform, name, "--gate", "1") == expected_result(name)


@pytest.mark.parametrize("name", gated_programs(LONG))
@pytest.mark.parametrize("platform", ["trace"])
def test_with_registers_kept_in_the_gate(platform: str, name: str) -> None:
    """Every site enters it by the code that sites share."""
    assert picobox(platform, name, "--gate", "1", "--enter-gate") == expected_result(name)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("patience", ["1", "64"])
@pytest.mark.parametrize("name", [name for name in program_names() if name.startswith("g")])
def test_with_the_gate_again_and_again(name: str, patience: str) -> None:
    for _ in range(100):
        assert picobox("trace", name, "--gate", patience, "--profile", "nt") == expected_result(name)


@pytest.mark.full
@pytest.mark.parametrize("name", program_names())
@pytest.mark.parametrize("profile", ["linux", "nt"])
def test_recorded_in_the_gate(tmp_path: Path, profile: str, name: str) -> None:
    """Every site jumps at once, and its calls are recorded by the program itself: it does not notice."""
    words = [
        "trace",
        "-o",
        str(tmp_path / "trace"),
        "-q",
        "--gate",
        "1",
        "--profile",
        profile,
        "--",
        str(executable(name)),
    ]
    result = run([sys.executable, "-m", "picobox", *words], TIMEOUTS["trace"])
    assert result == expected_result(name)
    assert "+++ " in (tmp_path / "trace").read_text().splitlines()[-1]


@pytest.mark.parametrize("name", in_another_mode())
@pytest.mark.parametrize("platform", ["trace"])
def test_under_nt(platform: str, name: str) -> None:
    """No program names anything in two spellings: the rules of names must not show."""
    assert picobox(platform, name, "--profile", "nt") == expected_result(name)


@pytest.mark.parametrize(("name", "rules"), ruled_programs())
@pytest.mark.parametrize("platform", ["trace", "reference"])
def test_rules_of_a_profile(platform: str, name: str, rules: str) -> None:
    """The program checks itself what the rules make of its calls."""
    result = picobox(platform, name, "--profile", *rules.split())
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout != ""


@pytest.mark.parametrize("name", sorted({name for name, _ in ruled_programs()}))
def test_rules_of_a_profile_show(name: str) -> None:
    """Without them the program fails."""
    assert native_result(name).status != 0


def test_every_hazard_has_a_program() -> None:
    covered = {name.split("_")[0] for name in program_names()}
    assert set(HAZARDS) <= covered


def test_declared_divergences_belong_to_programs() -> None:
    declared = {path.stem for path in PROGRAMS.glob("*.expected")}
    assert declared <= set(program_names())


def test_reference_skips_are_few_and_explained() -> None:
    skips = reference_skips()
    assert set(skips) <= set(program_names())
    assert all(reason.strip() for reason in skips.values())
    # What the platform lacks counts once, however many programs show it.
    assert len(set(skips.values())) <= MOST_SKIPS * len(program_names()) / 3


def test_program_opens_with_its_purpose() -> None:
    names = [*program_names(), *(name for name, _ in ruled_programs())]
    silent = [name for name in names if not source_of(name).read_text().startswith("/* ")]
    assert silent == []


def test_failing_compile_reports_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.c").write_text("int main(void) { return undeclared_name; }\n")
    monkeypatch.setattr("build.PROGRAMS", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(CompileError, match="undeclared_name"):
        compile_program("broken")
    assert not list((tmp_path / "cache").rglob("broken*"))


def test_run_kills_a_program_that_hangs() -> None:
    assert run(["sleep", "1000"], timeout=0.2).status is None
