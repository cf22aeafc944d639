"""Owns the questions that doctor asks this machine: for each a state, what follows, and how to change it."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import picobox
from picobox.cli.launch import Launch
from picobox.cli.options import CASE_MODES
from picobox.errors import PicoboxError
from picobox.platform import host
from picobox.profile import LINUX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOOD = "ok"
LIMITED = "limited"
FAILED = "failed"
UNKNOWN = "unknown"

# linux/sched.h
_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
# The namespaces of a run: mount, cgroup, uts, ipc, pid, net.
_CLONES_OF_WALLS = _CLONE_NEWNS | 0x2000000 | 0x4000000 | 0x8000000 | _CLONE_NEWPID | _CLONE_NEWNET
_LANDLOCK_WITH_SCOPES = 6
_SECCOMP_ACTIONS = ("errno", "trace")
_OPTIONAL_ACTIONS = ("trap",)
_F_SEAL_FUTURE_WRITE = 0x10
_CAP_SYS_PTRACE, _CAP_SYS_ADMIN, _CAP_SETFCAP = 19, 21, 31  # linux/capability.h
_PTRACE_REMEDY = "container: --cap-add SYS_PTRACE, or a seccomp profile that allows ptrace; Yama: see its line"


class Check(NamedTuple):
    """One answer. `needed`: picobox cannot run unless its state is GOOD or LIMITED."""

    name: str
    state: str
    found: str
    follows: str = ""
    remedy: str = ""
    needed: bool = False


def all_checks() -> list[Check]:
    """Every question, asked now."""
    return [check for question in QUESTIONS for check in question()]


def can_run(checks: list[Check]) -> bool:
    """Whether nothing that picobox needs has failed."""
    return not any(check.needed and check.state == FAILED for check in checks)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _kernel() -> Iterator[Check]:
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    # The core reads calls by PTRACE_GET_SYSCALL_INFO (man 2 ptrace).
    if version >= (5, 3):
        yield Check("kernel", GOOD, f"Linux {release}", needed=True)
    else:
        follows = "the core cannot read system calls"
        yield Check("kernel", FAILED, f"Linux {release}", follows, "use Linux 5.3 or newer", needed=True)
    machine = platform.machine()
    state = GOOD if machine == "x86_64" else FAILED
    follows = "" if state == GOOD else "the table knows x86-64 only"
    yield Check("architecture", state, machine, follows, "" if state == GOOD else "use an x86-64 machine", needed=True)


def _python() -> Iterator[Check]:
    yield Check("Python", GOOD, f"{platform.python_version()}, {sys.executable}", needed=True)
    try:
        import _cffi_backend
    except ImportError as error:
        yield Check("cffi", FAILED, str(error), "the C core cannot be loaded", "pip install cffi", needed=True)
    else:
        yield Check("cffi", GOOD, str(_cffi_backend.__version__), needed=True)
    try:
        from picobox._native import _core
    except ImportError as error:
        remedy = "install picobox-nt with pip on this machine (gcc and python3-dev are needed)"
        yield Check("C core", FAILED, str(error), "no program can be run", remedy, needed=True)
    else:
        yield Check("C core", GOOD, str(_core.__file__), needed=True)


def _distribution() -> Iterator[Check]:
    sentinel = getattr(picobox, "DISTRIBUTION", None)
    place = Path(picobox.__file__).parent
    remedy = "pip uninstall picobox picobox-nt; pip install picobox-nt (pipx or uv keep projects apart)"
    try:
        version = metadata.version("picobox-nt")
    except metadata.PackageNotFoundError:
        found = f"no metadata of picobox-nt beside {place}"
        yield Check("distribution", LIMITED, found, "its version is not known", remedy)
        return
    others = [each.version for each in metadata.distributions(name="picobox")]
    if sentinel != "picobox-nt" or version != picobox.__version__ or others:
        found = f"{place} is {sentinel or 'another project'}, metadata says picobox-nt {version}"
        found += f", and picobox {others[0]}, another project, is installed" if others else ""
        yield Check("distribution", FAILED, found, "two projects write into one package directory", remedy, needed=True)
    else:
        yield Check("distribution", GOOD, f"picobox-nt {version} in {place}", needed=True)


def _reference() -> Iterator[Check]:
    try:
        yield Check("python-ptrace", GOOD, metadata.version("python-ptrace"))
    except metadata.PackageNotFoundError:
        remedy = "pip install 'picobox-nt[reference]'"
        yield Check("python-ptrace", LIMITED, "not installed", "no --platform reference", remedy)


def _ptrace() -> Iterator[Check]:
    """Really runs a program, as every run does: fork, seize, filter, exec."""
    options = SimpleNamespace(
        platform="trace",
        profile=LINUX.name,
        drive=[],
        case=CASE_MODES[0],
        share=[],
        windows_prefix=None,
        faithful=[],
        no_gate=True,
        no_fast=False,
        gate=0,
        enter_gate=False,
        env=[],
        workdir=None,
        timeout=10.0,
        wait_all=False,
    )
    program = next((path for path in ("/bin/true", "/usr/bin/true") if os.access(path, os.X_OK)), "/bin/true")
    try:
        with Launch(options, [os.fsencode(program)]) as launch:
            status = launch.run()
    except PicoboxError as error:
        remedy = "leave the picobox around this one" if host.is_inside() else _PTRACE_REMEDY
        yield Check("ptrace", FAILED, str(error), "no program can be run", remedy, needed=True)
        return
    if status:
        follows = "a program that does nothing did not succeed"
        yield Check("ptrace", FAILED, f"{program} ended with status {status}", follows, "report it", needed=True)
    else:
        yield Check("ptrace", GOOD, f"{program} ran as a pico process", needed=True)


def _yama() -> Iterator[Check]:
    scope = _read("/proc/sys/kernel/yama/ptrace_scope")
    if scope is None:
        yield Check("Yama", GOOD, "not active")
    elif scope in ("0", "1"):
        yield Check("Yama", GOOD, f"kernel.yama.ptrace_scope = {scope}: one's own children may be traced")
    else:
        follows = "ptrace needs CAP_SYS_PTRACE" if scope == "2" else "nobody may ptrace until the next boot"
        remedy = "sudo sysctl kernel.yama.ptrace_scope=1" if scope == "2" else "boot with kernel.yama.ptrace_scope=1"
        state = LIMITED if scope == "2" and _capability(_CAP_SYS_PTRACE) else FAILED
        yield Check("Yama", state, f"kernel.yama.ptrace_scope = {scope}", follows, remedy, needed=True)


def _seccomp() -> Iterator[Check]:
    known = (_read("/proc/sys/kernel/seccomp/actions_avail") or "").split()
    found = " ".join(known) or "no list of actions"
    missing = [action for action in _SECCOMP_ACTIONS if action not in known]
    if not known:
        yield Check("seccomp", UNKNOWN, found, "the run above tells whether filters work")
    elif missing:
        follows = "calls cannot be intercepted"
        yield Check("seccomp", FAILED, found, follows, "a kernel with CONFIG_SECCOMP_FILTER", needed=True)
    elif any(action not in known for action in _OPTIONAL_ACTIONS):
        yield Check("seccomp", LIMITED, found, "no gate for fast answers", "Linux 3.5 or newer", needed=True)
    else:
        yield Check("seccomp", GOOD, found, needed=True)


def _namespaces() -> Iterator[Check]:
    from picobox._native._core import lib

    kinds = (("user", 0), ("mount", _CLONE_NEWNS), ("pid", _CLONE_NEWPID), ("net", _CLONE_NEWNET))
    for name, flag in kinds:
        error = -lib.pb_try_unshare(_CLONE_NEWUSER, flag)
        if not error:
            yield Check(f"{name} namespace", GOOD, "a child made one in a user namespace")
            continue
        follows = "walls have to do without namespaces" if flag else "no namespace without root"
        yield Check(f"{name} namespace", LIMITED, os.strerror(error), follows, _namespace_remedy(error))


def _namespace_remedy(error: int) -> str:
    for name in ("kernel.apparmor_restrict_unprivileged_userns", "kernel.unprivileged_userns_clone"):
        value = _read("/proc/sys/" + name.replace(".", "/"))
        wanted = "0" if "restrict" in name else "1"
        if value is not None and value != wanted:
            return f"sudo sysctl {name}={wanted}"
    if error == errno.ENOSPC:
        return "raise user.max_user_namespaces (sysctl)"
    if os.geteuid() == 0 and not _capability(_CAP_SETFCAP):
        return "keep CAP_SETFCAP, without which root is nobody in a namespace of users, or run as an ordinary user"
    return "container: allow unshare in its seccomp profile, or --security-opt seccomp=unconfined"


def _landlock() -> Iterator[Check]:
    from picobox._native._core import lib

    abi = lib.pb_landlock_abi()
    if abi > 0:
        yield Check("Landlock", GOOD, f"ABI {abi}")
        return
    modules = _read("/sys/kernel/security/lsm")
    found = f"{os.strerror(-abi)}; active: {modules}" if modules else os.strerror(-abi)
    off = abi == -errno.EOPNOTSUPP
    remedy = "add landlock to lsm= at boot" if off else "a kernel with CONFIG_SECURITY_LANDLOCK"
    yield Check("Landlock", LIMITED, found, "no second wall behind the mounts", remedy)


def _walls() -> Iterator[Check]:
    """Which walls a policy gets here; see picobox.confine.walls."""
    from picobox._native._core import lib
    from picobox.confine.own_proc import why_refused

    error = -lib.pb_try_unshare(_CLONES_OF_WALLS, 0) and -lib.pb_try_unshare(_CLONE_NEWUSER | _CLONES_OF_WALLS, 0)
    version = lib.pb_landlock_abi()
    second = f"Landlock version {version}" if version > 0 else "no Landlock"
    filtered = "a filter, no capabilities, limits of each process"
    why = os.strerror(error) if error else why_refused()
    if not why:
        yield Check("walls", GOOD, f"namespaces and a tree of the policy's; {second}; {filtered}")
    elif version >= _LANDLOCK_WITH_SCOPES:
        found = f"no namespaces ({why}); {second}; {filtered}; the supervisor"
        follows = "other processes can be seen, loopback and layers are not there, calls on files are slower"
        yield Check("walls", LIMITED, found, follows, _namespace_remedy(error))
    else:
        found = f"no namespaces ({why}), and {second}"
        yield Check("walls", FAILED, found, "no policy can be kept: a run needs --unconfined", _namespace_remedy(error))


def _process_status() -> dict[str, str]:
    lines = (_read("/proc/self/status") or "").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _capability(bit: int) -> bool:
    return bool(int(_process_status().get("CapEff", "0"), 16) >> bit & 1)


def _container() -> Iterator[Check]:
    status = _process_status()
    marks = [path for path in ("/.dockerenv", "/run/.containerenv") if Path(path).exists()]
    inside = marks[0] if marks else os.environ.get("container", "")  # noqa: SIM112 - systemd and podman spell it so
    yield Check("container", GOOD, f"inside one ({inside})" if inside else "no sign of one")
    names = {_CAP_SYS_PTRACE: "SYS_PTRACE", _CAP_SYS_ADMIN: "SYS_ADMIN"}
    held = [name for bit, name in names.items() if _capability(bit)]
    found = f"CapEff {status.get('CapEff', '?')} ({', '.join(held) or 'neither SYS_PTRACE nor SYS_ADMIN'})"
    yield Check("capabilities", GOOD, found, "none is needed for a program of one's own")
    found = f"NoNewPrivs {status.get('NoNewPrivs', '?')}, Seccomp {status.get('Seccomp', '?')}"
    if status.get("Seccomp") == "2":
        follows = "an outer filter binds every program; what it refuses stays refused"
        yield Check("outer confinement", LIMITED, found, follows, "container: --security-opt seccomp=unconfined")
    else:
        yield Check("outer confinement", GOOD, found, "set-user-ID programs gain no rights under picobox in any case")


def _cgroup() -> Iterator[Check]:
    place = next((line[3:] for line in (_read("/proc/self/cgroup") or "").splitlines() if line.startswith("0::")), None)
    if place is None:
        yield Check("cgroup", UNKNOWN, "no unified hierarchy (cgroup 2)")
        return
    limits = {name: _read(f"/sys/fs/cgroup{place}/{name}") for name in ("pids.max", "memory.max", "cpu.max")}
    tight = {name: value for name, value in limits.items() if value and not value.startswith("max")}
    if tight:
        found = ", ".join(f"{name} {value}" for name, value in tight.items())
        yield Check("cgroup", LIMITED, found, "they count supervisor and programs together", "raise them outside")
    else:
        yield Check("cgroup", GOOD, f"no limit seen at {place}")


def _group_limits() -> Iterator[Check]:
    """Really makes the group that a run with limits gets, and takes it away."""
    from picobox.confine.cgroups import Group, NoGroup, place_of_run
    from picobox.confine.policy import Limits

    name = "cgroup limits"
    try:
        place = place_of_run()
        group = Group(place, Limits(memory=1 << 30, processes=1 << 10))
        try:
            group.make()
        finally:
            group.close()
    except (NoGroup, OSError) as error:
        follows = "memory is limited for each process by itself; the supervisor counts processes"
        yield Check(
            name, LIMITED, f"not used: {error}", follows, "systemd-run --user --scope -p Delegate=yes picobox ..."
        )
        return
    kept = " and ".join(sorted(place.controllers))
    found = f"each run with limits gets a group below {place.directory}: {kept} of all its processes"
    yield Check(name, GOOD if len(place.controllers) == 2 else LIMITED, found)


def _kcmp() -> Iterator[Check]:
    from picobox._native._core import lib

    pid, answer = os.getpid(), 0
    read_end, write_end = os.pipe()
    try:
        answer = lib.pb_same_description(pid, read_end, pid, read_end)
    finally:
        os.close(read_end)
        os.close(write_end)
    if answer == 1:
        yield Check("kcmp", GOOD, "the kernel tells which descriptors are one open file")
    else:
        found = os.strerror(-answer) if answer < 0 else "it told one description from itself"
        follows = "descriptors of one open file look like several NT objects"
        yield Check("kcmp", LIMITED, found, follows, "a kernel with CONFIG_KCMP; container: allow kcmp")


def _notify() -> Iterator[Check]:
    from picobox._native._core import lib

    error = -lib.pb_can_notify()
    if not error:
        yield Check("notify channel", GOOD, "calls that need no decision are answered without a stop")
        yield Check("gate", GOOD, "harmless calls that come often are made inside programs")
        return
    found = "older than Linux 6.6" if error == errno.EOPNOTSUPP else os.strerror(error)
    remedy = "Linux 6.6 or newer; container: a seccomp profile that allows pidfd_getfd"
    yield Check("notify channel", LIMITED, found, "every call is a stop: twice as slow, one CPU for all", remedy)
    yield Check(
        "gate", LIMITED, "not used: no notify channel", "no call is made inside programs, which is slower", remedy
    )


def _sealing() -> Iterator[Check]:
    try:
        fd = os.memfd_create("picobox-doctor", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        yield Check("memfd sealing", FAILED, str(error.strerror), "no argument page", "Linux 5.1 or newer", needed=True)
        return
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _F_SEAL_FUTURE_WRITE)
    except OSError as error:
        found = f"F_SEAL_FUTURE_WRITE: {error.strerror}"
        yield Check("memfd sealing", FAILED, found, "no argument page", "Linux 5.1 or newer", needed=True)
    else:
        yield Check("memfd sealing", GOOD, "F_SEAL_FUTURE_WRITE: a guest cannot write its argument page", needed=True)
    finally:
        os.close(fd)


def _with_core(question: Callable[[], Iterator[Check]], name: str) -> Callable[[], Iterator[Check]]:
    """A question that the C core asks; without it there is no answer."""

    def asked() -> Iterator[Check]:
        try:
            yield from question()
        except ImportError:
            yield Check(name, UNKNOWN, "the C core is not built")

    return asked


QUESTIONS: tuple[Callable[[], Iterator[Check]], ...] = (
    _kernel,
    _python,
    _distribution,
    _ptrace,
    _yama,
    _seccomp,
    _sealing,
    _with_core(_notify, "notify channel"),
    _with_core(_kcmp, "kcmp"),
    _with_core(_namespaces, "namespaces"),
    _with_core(_landlock, "Landlock"),
    _with_core(_walls, "walls"),
    _container,
    _cgroup,
    _group_limits,
    _reference,
)
