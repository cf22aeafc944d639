"""A run under WSL's rules: what its kernel calls itself, how its drives are mounted, which faults it has back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ntshim.lx.attributes import MountOptions

# facts/wsl1.md section 2.3: the capital M tells WSL1 from its successor.
RELEASE = b"4.4.0-19041-Microsoft"
VERSION = b"#1-Microsoft Fri Dec 06 14:06:00 PST 2019"
_COMPILER = b"(Microsoft@Microsoft.com) (gcc version 5.4.0 (GCC) )"
KERNEL_TEXTS = {
    b"/proc/version": b"Linux version " + RELEASE + b" " + _COMPILER + b" " + VERSION + b"\n",
    b"/proc/sys/kernel/osrelease": RELEASE + b"\n",
    b"/proc/sys/kernel/version": VERSION + b"\n",
}
# What statfs says of VolFs and DrvFs: linux/magic.h has none; coreutils knows it as wslfs.
FILE_SYSTEM_TYPE = 0x53464846
# facts/wsl1.md section 4.8: counts that stand for none.
FILES, FREE_FILES = 999, 1_000_000
# The program wslpath: where it is, and the names under which guests find it unless the host has a file there.
WSLPATH = b"/mnt/.wslpath"
WSLPATH_NAMES = (b"/usr/bin/wslpath", b"/bin/wslpath")


class Wsl(NamedTuple):
    """`options` by the letter of the drive; `faults` are the switches of picobox.faults that are on."""

    options: Mapping[str, MountOptions]
    faults: frozenset[str] = frozenset()

    def program(self, path: bytes) -> bytes | None:
        """Where a program is that guests find under a path at which the host has none; None: nothing of the kind."""
        from picobox.platform import lx_files

        return WSLPATH if path in WSLPATH_NAMES and not lx_files.exists(path) else None


def mount_table(text: bytes, name: bytes, targets: Mapping[bytes, tuple[str, MountOptions]]) -> bytes:
    """A table of mounts (proc(5): mountinfo, mounts) with the drives as WSL has them.

    `targets`: the letter and the options of what is mounted at each place. What only makes the layout is left out.
    """
    hidden = (*KERNEL_TEXTS, b"/mnt")
    place = 4 if name == b"mountinfo" else 1
    lines = []
    for line in text.splitlines():
        fields = line.split(b" ")
        if len(fields) <= place or fields[place] in hidden:
            continue
        drive = targets.get(fields[place])
        full = name == b"mountinfo"
        if drive is not None:
            lines.append(_drive_line(fields, *drive, full=full))
        else:
            lines.append(_root_line(fields, full=full) if fields[place] == b"/" else line)
    return b"".join(line + b"\n" for line in lines)


def _drive_line(fields: list[bytes], letter: str, options: MountOptions, *, full: bool) -> bytes:
    source = letter.encode() + b":"
    access = b"ro" if options.read_only else b"rw"
    text = options.text().encode()
    if not full:
        return b" ".join((source, fields[1], b"drvfs", access + b",noatime," + text, b"0", b"0"))
    head = [*fields[:3], b"/", fields[4], access + b",noatime"]
    return b" ".join((*head, b"-", b"drvfs", source + b"\\134", access + b"," + text))


def _root_line(fields: list[bytes], *, full: bool) -> bytes:
    if not full:
        return b" ".join((b"rootfs", b"/", b"wslfs", b"rw,noatime", b"0", b"0"))
    return b" ".join((*fields[:3], b"/", b"/", b"rw,noatime", b"-", b"wslfs", b"rootfs", b"rw,noatime"))
