"""The verb doctor: what it finds here, and what it would say on machines that forbid something."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import picobox as package
from picobox.cli import checks
from picobox.cli.checks import FAILED, GOOD, LIMITED, UNKNOWN, Check, can_run
from picobox.confine import cgroups

from .command import COMMAND, picobox, without_core
from .terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXPECTED = {
    "kernel", "architecture", "Python", "cffi", "C core", "distribution", "ptrace", "Yama", "seccomp", "memfd sealing",
    "notify channel", "gate", "kcmp", "user namespace", "mount namespace", "pid namespace", "net namespace", "Landlock",
    "walls", "container", "capabilities", "outer confinement", "cgroup", "cgroup limits", "python-ptrace",
}  # fmt: skip


def test_json_has_every_check() -> None:
    done = picobox("doctor", "--json")
    report = json.loads(done.stdout)
    found = {check["name"]: check for check in report["checks"]}
    assert (done.returncode, done.stderr) == (0, b"")
    assert report["schema"] == "picobox.doctor/1"
    assert report["can_run"] is True
    assert set(found) == EXPECTED
    assert {check["state"] for check in report["checks"]} <= {GOOD, LIMITED, FAILED, UNKNOWN}
    assert "ran as a pico process" in found["ptrace"]["found"]
    assert found["Python"]["found"].endswith(sys.executable)


def test_what_is_not_good_says_what_follows_and_how_to_change_it() -> None:
    for check in json.loads(picobox("doctor", "--json").stdout)["checks"]:
        if check["state"] in {LIMITED, FAILED}:
            assert check["follows"], check
            assert check["remedy"], check


def test_plain_when_piped() -> None:
    text = picobox("doctor").stdout.decode()
    assert text.startswith("check ")
    assert text.endswith("picobox can run programs here.\n")
    assert "\x1b" not in text
    assert len(text.splitlines()) == len(EXPECTED) + 2


@pytest.mark.parametrize(("options", "colored"), [([], True), (["--color", "never"], False)])
def test_drawn_on_a_terminal(options: list[str], *, colored: bool) -> None:
    text = on_terminal("doctor", *options)
    assert "\u2500" in text or "\u2501" in text
    assert "picobox can run programs here." in text
    assert ("\x1b[32m" in text) == colored


def test_inside_a_picobox() -> None:
    done = picobox("--", *COMMAND, "doctor", "--json")
    report = json.loads(done.stdout)
    (ptrace,) = [check for check in report["checks"] if check["name"] == "ptrace"]
    assert done.returncode == 1
    assert report["can_run"] is False
    assert ptrace["state"] == FAILED
    assert "there is a picobox around this one" in ptrace["found"]
    assert "leave the picobox" in ptrace["remedy"]
    assert picobox("--", *COMMAND, "doctor").stdout.decode().splitlines()[-1].startswith("picobox cannot run")


def ask(question: Callable[[], Iterator[Check]]) -> Check:
    (check,) = question()
    return check


@pytest.mark.parametrize(
    ("scope", "capabilities", "state", "remedy"),
    [
        (None, "0", GOOD, ""),
        ("0", "0", GOOD, ""),
        ("1", "0", GOOD, ""),
        ("2", "80000", LIMITED, "sysctl"),
        ("2", "0", FAILED, "sudo sysctl kernel.yama.ptrace_scope=1"),
        ("3", "80000", FAILED, "boot"),
    ],
)
def test_yama(monkeypatch: pytest.MonkeyPatch, scope: str | None, capabilities: str, state: str, remedy: str) -> None:
    files = {"/proc/sys/kernel/yama/ptrace_scope": scope, "/proc/self/status": f"CapEff:\t{capabilities}"}
    monkeypatch.setattr(checks, "_read", files.get)
    check = ask(checks._yama)
    assert check.state == state
    assert remedy in check.remedy
    assert can_run([check]) == (state != FAILED)


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ("errno user_notif trap trace log allow", GOOD),
        ("errno user_notif trace allow", LIMITED),
        ("errno user_notif trap allow", FAILED),
        (None, UNKNOWN),
    ],
)
def test_seccomp(monkeypatch: pytest.MonkeyPatch, actions: str | None, state: str) -> None:
    monkeypatch.setattr(checks, "_read", {"/proc/sys/kernel/seccomp/actions_avail": actions}.get)
    assert ask(checks._seccomp).state == state


@pytest.mark.parametrize(
    ("error", "files", "remedy"),
    [
        (errno.EPERM, {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"},
         "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
        (errno.EPERM, {"/proc/sys/kernel/unprivileged_userns_clone": "0"},
         "sudo sysctl kernel.unprivileged_userns_clone=1"),
        (errno.EPERM, {"/proc/sys/kernel/unprivileged_userns_clone": "1"}, "container"),
        (errno.EPERM, {"/proc/self/status": "CapEff:\t0000000000000000\n"}, "CAP_SETFCAP"),
        (errno.ENOSPC, {}, "user.max_user_namespaces"),
    ],
)  # fmt: skip
def test_namespace_remedies(monkeypatch: pytest.MonkeyPatch, error: int, files: dict[str, str], remedy: str) -> None:
    monkeypatch.setattr(checks, "_read", {"/proc/self/status": "CapEff:\tffffffffffffffff\n", **files}.get)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    use_core(monkeypatch, pb_try_unshare=lambda _first, then: -error if then else 0)
    found = {check.name: check for check in checks._namespaces()}
    assert found["user namespace"].state == GOOD
    assert found["mount namespace"].state == LIMITED
    assert remedy in found["mount namespace"].remedy
    assert can_run(list(found.values()))


def use_core(monkeypatch: pytest.MonkeyPatch, **functions: Callable[..., int]) -> None:
    """Put other answers into the place of the C core's."""
    module: Any = SimpleNamespace(lib=SimpleNamespace(**functions))
    monkeypatch.setitem(sys.modules, "picobox._native._core", module)


@pytest.mark.parametrize(
    ("answer", "state", "remedy"),
    [(5, GOOD, ""), (-errno.ENOSYS, LIMITED, "CONFIG_SECURITY_LANDLOCK"), (-errno.EOPNOTSUPP, LIMITED, "lsm=")],
)
def test_landlock(monkeypatch: pytest.MonkeyPatch, answer: int, state: str, remedy: str) -> None:
    use_core(monkeypatch, pb_landlock_abi=lambda: answer)
    check = ask(checks._landlock)
    assert check.state == state
    assert remedy in check.remedy


@pytest.mark.parametrize(
    ("error", "version", "state", "text"),
    [
        (0, 7, GOOD, "Landlock version 7"),
        (0, -errno.ENOSYS, GOOD, "no Landlock"),
        (errno.EPERM, 6, LIMITED, "the supervisor"),
        (errno.EPERM, 5, FAILED, "Operation not permitted"),
    ],
)
def test_walls(monkeypatch: pytest.MonkeyPatch, error: int, version: int, state: str, text: str) -> None:
    use_core(monkeypatch, pb_try_unshare=lambda _first, _then: -error, pb_landlock_abi=lambda: version)
    check = ask(checks._walls)
    assert check.state == state
    assert text in check.found
    assert can_run([check])


@pytest.mark.parametrize("dropped", ["-setfcap", "-all"])
def test_tells_of_the_walls_that_a_run_has(dropped: str, tmp_path: Path) -> None:
    if os.geteuid():
        # Who is not root has none of them to drop.
        dropped = "-setfcap"
    less = ["setpriv", f"--inh-caps={dropped}", f"--bounding-set={dropped}"] if not os.geteuid() else []
    told = subprocess.run([*less, *COMMAND, "doctor", "--json"], capture_output=True, check=False, cwd=tmp_path)
    found = {check["name"]: check for check in json.loads(told.stdout)["checks"]}
    run = subprocess.run(
        [*less, *COMMAND, "--policy", "default", "--", "true"], capture_output=True, check=False, cwd=tmp_path
    )
    assert ("no namespaces" in found["walls"]["found"]) == (b"no namespaces" in run.stderr), (found["walls"], run)
    assert ("CAP_SETFCAP" in found["walls"]["remedy"]) == (b"no namespaces" in run.stderr)


def test_kcmp(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(checks._kcmp).state == GOOD
    use_core(monkeypatch, pb_same_description=lambda *_: -errno.ENOSYS)
    assert ask(checks._kcmp).state == LIMITED


def test_without_the_c_core() -> None:
    done = without_core("doctor", "--json")
    found = {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert found["C core"] == found["ptrace"] == FAILED
    assert found["Landlock"] == found["kcmp"] == UNKNOWN


@pytest.mark.parametrize(("error", "found"), [(errno.EOPNOTSUPP, "6.6"), (errno.EPERM, "Operation not permitted")])
def test_notify_channel(monkeypatch: pytest.MonkeyPatch, error: int, found: str) -> None:
    use_core(monkeypatch, pb_can_notify=lambda: 0)
    assert [check.state for check in checks._notify()] == [GOOD, GOOD]
    use_core(monkeypatch, pb_can_notify=lambda: -error)
    channel, gate = checks._notify()
    assert (channel.state, gate.state) == (LIMITED, LIMITED)
    assert found in channel.found
    assert channel.remedy
    assert gate.remedy


def test_sealing_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    assert ask(checks._sealing).state == GOOD
    monkeypatch.setattr("fcntl.fcntl", refuse)
    assert ask(checks._sealing).state == FAILED


def test_groups_of_runs_are_made_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Group:
        def __init__(self, *_: object) -> None:
            made.append("looked")

        def make(self) -> None:
            made.append("made")
            if len(made) > 3:
                raise cgroups.NoGroup("cgroup.procs: Device or resource busy")

        def close(self) -> None:
            made.append("closed")

    monkeypatch.setattr(cgroups, "Group", Group)
    monkeypatch.setattr(cgroups, "place_of_run", lambda: cgroups.Place("/cg/run", frozenset(("memory", "pids")), True))
    check = ask(checks._group_limits)
    assert (check.state, made) == (GOOD, ["looked", "made", "closed"])
    assert "/cg/run: memory and pids of all its processes" in check.found
    check = ask(checks._group_limits)
    assert (check.state, check.needed, made[-1]) == (LIMITED, False, "closed")
    assert "cgroup.procs: Device or resource busy" in check.found
    assert "Delegate=yes" in check.remedy


def test_cgroup_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/proc/self/cgroup": "1:name=x:/a\n0::/box",
        "/sys/fs/cgroup/box/pids.max": "20",
        "/sys/fs/cgroup/box/cpu.max": "max 100000",
    }
    monkeypatch.setattr(checks, "_read", files.get)
    check = ask(checks._cgroup)
    assert (check.state, check.found) == (LIMITED, "pids.max 20")
    monkeypatch.setattr(checks, "_read", {"/proc/self/cgroup": "0::/box", "/sys/fs/cgroup/box/pids.max": "max"}.get)
    assert ask(checks._cgroup).state == GOOD
    monkeypatch.setattr(checks, "_read", {}.get)
    assert ask(checks._cgroup).state == UNKNOWN


def test_an_old_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.release", lambda: "4.19.0-27-amd64")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert [check.state for check in checks._kernel()] == [FAILED, FAILED]
    monkeypatch.setattr("platform.release", lambda: "6.1.0-rc1+")
    assert next(iter(checks._kernel())).state == GOOD


def make_distribution(directory: Path, name: str, version: str) -> None:
    metadata = directory / f"{name}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_the_other_project_of_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert ask(checks._distribution).state == GOOD
    make_distribution(tmp_path, "picobox", "9.9")
    monkeypatch.syspath_prepend(str(tmp_path))
    check = ask(checks._distribution)
    assert check.state == FAILED
    assert "picobox 9.9, another project" in check.found
    assert "pip uninstall" in check.remedy


def test_another_package_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(package, "DISTRIBUTION")
    assert ask(checks._distribution).state == FAILED


def test_metadata_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "__version__", "0.0.1")
    assert ask(checks._distribution).state == FAILED


def test_outer_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_read", {"/proc/self/status": "CapEff:\t0\nNoNewPrivs:\t1\nSeccomp:\t2"}.get)
    found = {check.name: check for check in checks._container()}
    assert found["outer confinement"].state == LIMITED
    assert "neither SYS_PTRACE nor SYS_ADMIN" in found["capabilities"].found
