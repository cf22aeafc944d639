"""Images whose call sites tests look at, and what runs moved instructions beside the original ones."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from build import compile_source

from picobox.platform.site_finder import plan_of
from picobox.platform.site_image import Image
from picobox.platform.sites import Plan, code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.platform.sites import Moved, Site

HERE = Path(__file__).parent
BIAS = 1 << 32
"""Where images lie when their instructions are run: their addresses are so much higher than they were linked to."""
_RUN = Struct("<4Q4I40s64s16Q16Q8Q")
# Bits of registers in the kernel's order of gregset_t that hold addresses of moved code: r11 and rcx.
_FREE = 1 << 3 | 1 << 14


class Looked(NamedTuple):
    """An image and its plan."""

    path: Path
    data: bytes
    image: Image
    plan: Plan


@functools.cache
def look(path: Path) -> Looked:
    """Find the sites of an image. A file that is missing fails the test."""
    data = path.read_bytes()
    return Looked(path, data, Image(data), plan_of(data))


def images() -> dict[str, Path]:
    """The images of this system that hold sites, by short names."""
    if shutil.which("apt-get"):
        return {
            "glibc": Path("/lib/x86_64-linux-gnu/libc.so.6"),
            "ld.so": Path("/lib64/ld-linux-x86-64.so.2"),
            "musl": Path("/usr/lib/x86_64-linux-musl/libc.so"),
            "busybox": Path("/bin/busybox"),
        }
    return {"musl": Path("/lib/ld-musl-x86_64.so.1")}


@functools.cache
def call_sites() -> Looked:
    """The program of sites of every kind."""
    return look(compile_source(HERE / "call_sites.c"))


class Listing(NamedTuple):
    """What another disassembler says: where instructions are, which are system calls, and what branches lead to."""

    addresses: set[int]
    calls: set[int]
    targets: set[int]


@functools.cache
def listing(path: Path) -> Listing:
    """What objdump says of an image."""
    command = ["objdump", "-d", "--no-show-raw-insn", "-w", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    addresses, calls, targets = set(), set(), set()
    for address, name, target in re.findall(
        r"^ +([0-9a-f]+):\t(?:[a-z0-9]+ )*?([a-z0-9]+)(?: +([0-9a-f]+) <)?", text, re.MULTILINE
    ):
        addresses.add(int(address, 16))
        if name == "syscall":
            calls.add(int(address, 16))
        if target and (name[0] == "j" or name in ("call", "xbegin") or name.startswith("loop")):
            targets.add(int(target, 16))
    return Listing(addresses, calls, targets)


def run_moved(looked: Looked, sites: Iterable[Site], rounds: int) -> tuple[bool, list[str]]:
    """Run all that sites move, in so many states each: whether it does the same, and what the program says."""
    first = min(region.address for region in looked.image.loaded) & ~4095
    end = max(each.address + each.size for each in looked.image.segments)
    # Variables without bytes in the file lie behind.
    size = (end - first + (1 << 20)) & ~4095
    done = subprocess.run(
        [compile_source(HERE / "moved_code.c"), str(rounds), hex(first + BIAS), hex(size)],
        input=b"".join(run for site in sites for run in _runs(site)),
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert done.stderr == b""
    return done.returncode == 0, done.stdout.decode().splitlines()


def _runs(site: Site) -> Iterator[bytes]:
    before = site.bytes_before
    behind = site.address + 2
    halves = (
        (site.start, site.address, site.original[:before], site.before),
        (behind, site.return_address, site.original[before + 2 :], site.after),
    )
    for start, end, original, moved in halves:
        if original:
            yield _run(site, start, end, original, moved)


def _run(site: Site, start: int, end: int, original: bytes, moved: Moved) -> bytes:
    code = code_of(moved, BIAS)
    return _RUN.pack(
        site.address,
        start + BIAS,
        end + BIAS,
        _FREE if moved.literals else 0,
        len(original),
        len(code),
        len(moved.steps),
        len(moved.literals),
        original,
        code,
        *_filled([at for at, _ in moved.steps], 16),
        *_filled([to + BIAS for _, to in moved.steps], 16),
        *_filled([to + BIAS for _, to in moved.literals], 8),
    )


def _filled(numbers: list[int], size: int) -> list[int]:
    return numbers + [0] * (size - len(numbers))
