"""apt-get and dpkg in an ordinary user's instance: a package comes from a repository of files, and goes again."""

from __future__ import annotations

import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confine.guests import NOBODY, USERS

from session.debian_tree import is_possible, make_index, make_package, write_debian
from session.test_running import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTROL = """Package: greeting
Version: 1.0
Architecture: all
Maintainer: Somebody <somebody@example.org>
Description: says hello
"""
_AFTER = """#!/bin/sh
set -e
chown games:games /usr/share/greeting/score
chmod 2664 /usr/share/greeting/score
id -u >/var/lib/greeting
"""
_FILES = {
    "usr/bin/greeting": ("#!/bin/sh\necho hello\n", 0o755),
    "usr/share/greeting/score": ("0\n", 0o644),
    "usr/share/greeting/helper": ("text\n", 0o4711),
    "usr/share/greeting/secret": ("text\n", 0o400),
    "etc/greeting": ("hello\n", 0o644),
}
# apt-get: it asks nothing, and dpkg's lines of progress are for terminals.
_APT = "DEBIAN_FRONTEND=noninteractive apt-get -q"


@pytest.fixture
def debian() -> Iterator[Home]:
    """A Debian of who has no rights."""
    assert is_possible(), (
        "this machine is no Debian: there is nothing to make one of, so leave this file out (.ci/run does)"
    )
    with tempfile.TemporaryDirectory(prefix="picobox-debian-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        package = make_package(directory, _CONTROL, {"postinst": _AFTER, "conffiles": "/etc/greeting\n"}, _FILES)
        index = make_index(directory, package)
        write_debian(directory / "debian.tar", (package, index), "deb [trusted=yes] file:/repository ./\n")
        data = directory / "data"
        data.mkdir()
        user = USERS[-1]
        if user == "nobody":
            os.chown(data, NOBODY, -1)
        home = Home(data, user)
        home.does("import", "debian", "-", directory / "debian.tar")
        try:
            yield home
        finally:
            home.does("terminate", "debian")


def test_apt_get_installs_from_a_repository_of_files(debian: Home) -> None:
    debian.runs(f"{_APT} update")
    # What is fetched is fetched by a user of its own, to which root gives the directory (apt.conf(5), APT::Sandbox).
    assert debian.runs("stat -c '%U %a' /var/lib/apt/lists/partial") == "_apt 700\n"
    told = debian.runs(f"{_APT} install -y greeting")
    assert "Setting up greeting (1.0) ..." in told
    assert "dpkg: error" not in told
    assert debian.runs("greeting; cat /var/lib/greeting; dpkg -V greeting") == "hello\n0\n"
    assert debian.runs("cd /usr/share/greeting; stat -c '%n %U %G %a' *").splitlines() == [
        "helper root root 4711", "score games games 2664", "secret root root 400",
    ]  # fmt: skip
    assert debian.runs("dpkg-query -W -f '${db:Status-Abbrev}' greeting") == "ii "
    debian.runs(f"{_APT} check")
    # To the machine all of it is an ordinary user's, and none of it more than that.
    found = os.stat(debian.directory / "picobox/instances/debian/rootfs/usr/share/greeting/helper")
    assert (found.st_uid, found.st_mode & 0o7777) == (debian.directory.stat().st_uid, 0o700)
    debian.runs(f"{_APT} purge -y greeting")
    assert debian.runs("ls /usr/share/greeting /etc/greeting; true").count("No such file") == 2
    assert "not installed" in debian.runs("dpkg -s greeting", status=1)


def test_dpkg_refuses_who_is_not_root(debian: Home) -> None:
    refused = debian.does("run", "-u", "games", "--exec", "--", "dpkg", "-i", "/repository/package.deb", status=2)
    assert "superuser privilege" in refused
    debian.runs("chmod -x /usr/bin/dpkg-deb; dpkg -i /repository/package.deb", status=2)
    debian.runs("chmod +x /usr/bin/dpkg-deb; dpkg -i /repository/package.deb")
    packed = debian.directory / "all.tar"
    debian.does("export", "debian", packed)
    with tarfile.open(packed) as tar:
        score = next(member for member in tar if member.name.endswith("usr/share/greeting/score"))
    assert (score.uid, score.gid, score.mode) == (5, 60, 0o2664)
