"""A package of a musl system: busybox unpacks it as its own root, and its script runs in a chroot, as with apk."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build import FLAGS
from confine.guests import USERS

from session.test_running import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from session.test_running import Home

_LOADER = Path("/lib/ld-musl-x86_64.so.1")
_APPLETS = ("tar", "chroot", "chown", "chmod", "stat", "addgroup", "adduser", "rm", "test", "mv")
# Says who runs it and who it has become; it needs musl's loader.
_SOURCE = """
#include <stdio.h>
#include <unistd.h>
int main(void) { return printf("%d %d\\n", getuid(), geteuid()) < 0; }
"""
_AFTER = """#!/bin/sh
set -e
grep -q '^score:' /etc/group || echo 'score:x:200:' >>/etc/group
chown root:score /var/games/scores
chmod 2664 /var/games/scores
echo "$PWD $0 $*" >/var/log/installed
"""


def _package(directory: Path) -> bytes:
    """A tar.gz as apk's are: what describes it and its scripts first, then its files."""
    program = directory / "greeting"
    made = ["musl-gcc", *FLAGS, "-x", "c", "-o", str(program), "-"]
    subprocess.run(made, input=_SOURCE, text=True, check=True)
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:

        def add(name: str, mode: int, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: object) -> None:
            member = tarfile.TarInfo(name)
            member.mode, member.type, member.size = mode, kind, len(content)
            for field, value in fields.items():
                setattr(member, field, value)
            tar.addfile(member, io.BytesIO(content))

        add(".PKGINFO", 0o644, b"pkgname = greeting\npkgver = 1.0-r0\n")
        add(".post-install", 0o755, _AFTER.encode())
        add("usr/bin", 0o755, kind=tarfile.DIRTYPE)
        add("usr/bin/greeting", 0o4755, program.read_bytes(), uid=77, gid=0)
        add("usr/bin/hello", 0o777, kind=tarfile.SYMTYPE, linkname="greeting")
        add("usr/bin/again", 0o755, kind=tarfile.LNKTYPE, linkname="usr/bin/greeting")
        add("var/games", 0o1777, kind=tarfile.DIRTYPE, gid=5)
        add("var/games/scores", 0o644, b"0\n")
        add("var/log", 0o755, kind=tarfile.DIRTYPE)
        add("lib/greeting/null", 0o666, kind=tarfile.CHRTYPE, devmajor=1, devminor=3)
        add("lib/greeting/disk", 0o660, kind=tarfile.BLKTYPE, devmajor=8, devminor=1, gid=6)
        add("lib/greeting/pipe", 0o620, kind=tarfile.FIFOTYPE, uid=77)
    return output.getvalue()


@pytest.fixture(params=USERS)
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """A musl system in which busybox is the one program."""
    assert _LOADER.exists(), "install Debian's musl-tools"
    with tempfile.TemporaryDirectory(prefix="picobox-musl-") as name:
        directory = Path(name)

        def added(tree: Path) -> None:
            (tree / "lib").mkdir()
            shutil.copy(_LOADER, tree / "lib" / _LOADER.name)
            for applet in _APPLETS:
                (tree / "bin" / applet).symlink_to("busybox")
            (tree / "etc/group").write_text("root:x:0:\n")
            (tree / "package.apk").write_bytes(_package(directory))

        with home_of(directory, request.param, added) as made:
            yield made


def test_a_package_is_installed(home: Home) -> None:
    unpacks = "tar -xzf /package.apk -C / && mkdir -p /lib/apk/exec && mv /.post-install /lib/apk/exec/greeting"
    assert home.runs(unpacks.replace("mkdir", "busybox mkdir")) == ""
    assert home.runs("chroot / /lib/apk/exec/greeting 1.0-r0") == ""
    assert home.runs("cat /var/log/installed") == "/ /lib/apk/exec/greeting 1.0-r0\n"
    named = "cd /; stat -c '%n %F %a %u %g %t %T' usr/bin/greeting var/games var/games/scores lib/greeting/*"
    assert home.runs(named).splitlines() == [
        "usr/bin/greeting regular file 4755 77 0 0 0",
        "var/games directory 1777 0 5 0 0",
        "var/games/scores regular file 2664 0 200 0 0",
        "lib/greeting/disk block special file 660 0 6 8 1",
        "lib/greeting/null character special file 666 0 0 1 3",
        "lib/greeting/pipe fifo 620 77 0 0 0",
    ]
    # Who runs it is nobody's concern but the set-user-ID bit's; the names of one file are one.
    uid = home.runs("id -u", "-u", "guest").strip()
    for name in ("greeting", "hello", "again"):
        assert home.runs(f"/usr/bin/{name}", "-u", "guest") == f"{uid} 77\n"
        assert home.runs(f"/usr/bin/{name}") == "0 77\n"
    assert home.runs("echo 9 >/var/games/scores", "-u", "other", status=1).endswith("Permission denied\n")
    # There is no other root than the instance's.
    assert "not permitted" in home.runs("chroot /var /bin/sh", status=1)
    assert "not permitted" in home.runs("chroot / /bin/sh", "-u", "other", status=1)
