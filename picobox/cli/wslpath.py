"""The verb wslpath: translates a path between Windows and Linux, by the drives that are mounted or named."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ntshim.fs.drvfs import DrvFs
from ntshim.lx.errors import LxError
from ntshim.lx.wslpath import drive_mounts, to_linux, to_windows
from picobox.cli.options import Option, Usage
from picobox.errors import PicoboxError
from picobox.platform import lx_files

if TYPE_CHECKING:
    from types import SimpleNamespace

_DESCRIPTION = """Translate a path between Windows and Linux, as WSL's own wslpath does: by the drives that /proc shows
mounted, as under --profile wsl1, and by those that --drive names."""

_EXAMPLES = """examples:
  picobox wslpath --drive C=/mnt/c 'C:\\Users\\me'      /mnt/c/Users/me
  picobox wslpath --drive C=/mnt/c -w /mnt/c/Users     C:\\Users
  picobox wslpath --drive C=/mnt/c -m /mnt/c/Users     C:/Users

exit status: 0; 1 if the path cannot be translated; 125 picobox itself"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("wslpath", _DESCRIPTION, _EXAMPLES)
    options = usage.read(_options(), arguments)
    if options.u + options.w + options.m > 1:
        usage.error("choose one of -u, -w and -m")
    try:
        print(_translated(options))
    except LxError as error:
        sys.stderr.write(f"wslpath: {options.path}: {os.strerror(error.errno)}\n")
        return 1
    return 0


def _options() -> tuple[Option, ...]:
    return (
        Option("-a", action="store_true", help="make it absolute"),
        Option("-u", action="store_true", help="from Windows to Linux, as without an option"),
        Option("-w", action="store_true", help="from Linux to Windows"),
        Option("-m", action="store_true", help="from Linux to Windows, with / instead of \\"),
        Option(
            "--drive", metavar="LETTER=DIR", action="append", default=[], help="that drive is at the absolute path DIR"
        ),
        Option("path", metavar="PATH", help="the path"),
    )


def _translated(options: SimpleNamespace) -> str:
    drives = drive_mounts(os.fsdecode(lx_files.text_of(b"/proc/self/mountinfo")))
    for given in options.drive:
        letter, equals, directory = given.partition("=")
        if not equals or not (letter.isascii() and letter.isalpha() and len(letter) == 1) or directory[:1] != "/":
            raise PicoboxError(f"--drive {given}: write it as LETTER=DIR with an absolute DIR, such as C=/mnt/c")
        drives[letter.upper()] = directory
    here = lx_files.working_directory()
    if not options.w and not options.m:
        return to_linux(options.path, drives, absolute=options.a, working_directory=here)
    name = os.environ.get("WSL_DISTRO_NAME", "")
    found = to_windows(
        options.path, drives, DrvFs(), absolute=options.a, working_directory=here, real=lx_files.real, root_name=name
    )
    return found.replace("\\", "/") if options.m else found
