"""What an instance costs, in time until its program says something and in memory, beside gVisor and a machine."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import stat
import subprocess
import tarfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.build import compile_program
from bench.columns import not_installed, picobox_program
from bench.results import BYTES, Cell, Figure
from bench.runner import environment, nothing, progress

if TYPE_CHECKING:
    from collections.abc import Callable

START, MEMORY = "instance-start", "instance-memory"
ROUNDS = 5
TIMEOUT_S = 60.0
_SAID = b"instance-ready"
# What all processes of an instance have in their environment, or a process above them.
_MARK = "PICOBOX_BENCH_INSTANCE"
# Enough for Debian's kernel, and little for a system.
_MACHINE_MEMORY = "128M"
_KERNEL_VARIABLE = "PICOBOX_BENCH_KERNEL"


class Way(NamedTuple):
    """One way to have an instance: its command, or why there is none; what comes once before, and after each."""

    name: str
    command: tuple[str, ...]
    missing: str | None = None
    prepare: Callable[[], None] | None = None
    clean: Callable[[], None] | None = None


def measure(scratch: Path, *, smoke: bool) -> list[Figure]:
    """Figures of start and memory for each way that there is here; the others say what is missing."""
    place = scratch / "instances"
    place.mkdir()
    program = compile_program("ready.c", place / "ready", "-static")
    figures = []
    for way in ways(place, program):
        start, memory = Cell(missing=way.missing), Cell(missing=way.missing)
        if way.missing is None:
            progress(f"instances: {way.name}")
            _take(way, place, 1 if smoke else ROUNDS, start, memory)
        figures.append(Figure(f"{START} {way.name}", "from the command until its program has said a line", start))
        figures.append(Figure(f"{MEMORY} {way.name}", "PSS of all its processes then", memory, BYTES))
    progress("")
    return figures


def _take(way: Way, place: Path, rounds: int, start: Cell, memory: Cell) -> None:
    try:
        if way.prepare is not None:
            way.prepare()
        for _ in range(rounds):
            seconds, weight = once(way, place)
            start.samples.append(seconds)
            memory.samples.append(float(weight))
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        start.failed = memory.failed = str(error)


def once(way: Way, place: Path) -> tuple[float, int]:
    """Seconds until the instance is ready, and its bytes then. RuntimeError if it does not come to that."""
    where = environment(place) | {_MARK: str(place), "XDG_DATA_HOME": str(place / "data")}
    began = time.perf_counter()
    with (place / "stderr").open("wb") as stderr, nothing(place) as stdin:
        process = subprocess.Popen(
            way.command, cwd=place, env=where, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr,
            start_new_session=True,
        )  # fmt: skip
    try:
        _await(process, began, place)
        spent = time.perf_counter() - began
        return spent, weigh(place)
    finally:
        try:
            if way.clean is not None:
                way.clean()
        finally:
            _end(process, place)


def _end(process: subprocess.Popen[bytes], place: Path) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in family(place):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def _await(process: subprocess.Popen[bytes], began: float, place: Path) -> None:
    assert process.stdout is not None
    said = b""
    while _SAID not in said:
        left = began + TIMEOUT_S - time.perf_counter()
        ready, _, _ = select.select([process.stdout], [], [], max(left, 0))
        more = os.read(process.stdout.fileno(), 65536) if ready else b""
        if not more:
            complaint = (place / "stderr").read_text(errors="replace").strip()[-200:]
            raise RuntimeError(f"it did not come to its program: {complaint or said[-200:].decode(errors='replace')}")
        said += more


def family(place: Path) -> set[int]:
    """The processes of an instance: those with the mark, and all below them."""
    parents: dict[int, int] = {}
    found = set()
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            parents[int(name)] = int(Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()[1])
            if f"{_MARK}={place}".encode() in Path(f"/proc/{name}/environ").read_bytes():
                found.add(int(name))
    while True:
        below = {pid for pid, parent in parents.items() if parent in found} - found
        if not below:
            return found
        found |= below


def weigh(place: Path) -> int:
    """The bytes that an instance takes: what its processes share with each other, or with others, by its part (PSS)."""
    total = 0
    for pid in family(place):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def ways(place: Path, program: Path) -> list[Way]:
    """All of them, in the order of the report."""
    return [*_picobox(place, program), _runsc(program), *_machines(place, program)]


def _picobox(place: Path, program: Path) -> list[Way]:
    found, missing = picobox_program(), not_installed()
    if found is None:
        return [Way("picobox", (), missing), Way("picobox-instance", (), missing)]
    words = (str(found), "instance")

    def call(*more: str) -> None:
        where = environment(place) | {"XDG_DATA_HOME": str(place / "data")}
        subprocess.run([*words, *more], env=where, cwd=place, check=True, capture_output=True, timeout=TIMEOUT_S)

    def import_it() -> None:
        archive = place / "root.tar"
        with tarfile.open(archive, "w") as tar:
            for name in ("bin", "etc", "tmp", "dev", "proc", "sys", "root"):
                directory = tarfile.TarInfo(name)
                directory.type, directory.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(directory)
            tar.add(program, "bin/ready")
        call("import", "bench", "-", str(archive))

    def end_it() -> None:
        call("terminate", "bench")

    run = (str(found), "-q", "--policy", "default", "--read", str(program), "--", str(program))
    joined = (*words, "run", "-d", "bench", "--exec", "--", "/bin/ready")
    return [Way("picobox", run), Way("picobox-instance", joined, prepare=import_it, clean=end_it)]


def _runsc(program: Path) -> Way:
    found = shutil.which("runsc")
    if found is None:
        return Way("runsc", (), "runsc is not installed: install the package runsc")
    return Way("runsc", (found, "--network=none", "--platform=ptrace", "do", str(program)))


def _machines(place: Path, program: Path) -> list[Way]:
    """A virtual machine with Debian's kernel, whose init is the program; with KVM, and without."""
    emulator = shutil.which("qemu-system-x86_64")
    kernel = _kernel()
    missing = None
    if emulator is None:
        missing = "qemu-system-x86_64 is not installed: install the package qemu-system-x86"
    elif kernel is None:
        missing = f"no kernel to boot: install a package linux-image-*, or name one in {_KERNEL_VARIABLE}"
    files = place / "initramfs"
    files.write_bytes(initramfs({"init": program.read_bytes()}))
    found = []
    for name, accelerator in (("qemu-kvm", "kvm"), ("qemu-tcg", "tcg")):
        why = missing or (_why_no_kvm() if accelerator == "kvm" else None)
        command = (
            str(emulator), "-accel", accelerator, "-cpu", "max", "-m", _MACHINE_MEMORY, "-nodefaults", "-display",
            "none", "-no-reboot", "-serial", "stdio", "-kernel", str(kernel), "-initrd", str(files),
            "-append", "console=ttyS0 quiet panic=-1",
        )  # fmt: skip
        found.append(Way(name, command, why))
    return found


def _why_no_kvm() -> str | None:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm may not be opened"
    if not {"vmx", "svm"}.intersection(Path("/proc/cpuinfo").read_text(encoding="utf-8").split()):
        return "the processor has no vmx and no svm: this is a virtual machine without nested ones"
    return None


def _kernel() -> Path | None:
    """The kernel that a variable names, else the newest installed one."""
    named = os.environ.get(_KERNEL_VARIABLE)
    if named:
        return Path(named)
    kernels = sorted(Path("/boot").glob("vmlinuz-*"), key=_version)
    return kernels[-1] if kernels and os.access(kernels[-1], os.R_OK) else None


def _version(kernel: Path) -> list[int]:
    """By which 6.10 comes after 6.9."""
    return [int(number) for number in re.findall(r"\d+", kernel.name)]


def initramfs(files: dict[str, bytes]) -> bytes:
    """An archive of programs as the kernel unpacks one (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    packed = b""
    for number, (name, data) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        mode = stat.S_IFREG | 0o755
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        packed += _padded(head) + _padded(data)
    return packed


def _padded(data: bytes) -> bytes:
    return data.ljust(len(data) + 3 & ~3, b"\0")
