"""wsl.conf: each setting on and off, what has no effect is told, and what makes no sense is nothing (wsl1.md 5.6)."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from confine.guests import USERS

from picobox.session.texts import Tree
from picobox.session.wsl_conf import Settings, generated, read

from .test_running import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .test_running import Home


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with home_of(tmp_path_factory.mktemp("conf"), USERS[0]) as made:
        yield made


def told(home: Home, conf: str, line: str, *options: str) -> str:
    """What a program says in an instance that has started with that wsl.conf, and what is noted before."""
    home.does("terminate", "box")
    (home.rootfs / "etc/wsl.conf").write_text(conf)
    return home.runs(line, *options)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("[automount]\nenabled = false", "mounts_drives", False),
        ("[automount]\nenabled=0", "mounts_drives", False),
        ("[AutoMount]\nEnabled = TRUE", "mounts_drives", True),
        ("[automount]\nroot = /", "root", "/"),
        ("[automount]\nroot = /windows//drives/.", "root", "/windows/drives/"),
        ('[automount]\nroot = "/a b"', "root", "/a b/"),
        ('[automount]\noptions = "uid=5, gid=6"', "drive_gid", 6),
        ("[filesystem]\numask = 077", "umask", 0o77),
        ("[network]\ngenerateHosts = false", "generates_hosts", False),
        ("[network]\ngenerateResolvConf = false", "generates_resolver", False),
        ("[network]\nhostname = a.example", "host_name", "a.example"),
        ("[user]\ndefault = a=b", "user", "a=b"),
        ("[boot]\ncommand = a | b # c", "boot_command", "a | b # c"),
        ("# [user]\n;x\n\n[user]\n  default=x  ", "user", "x"),
        ("[interop]\nenabled = false\n[boot]\nsystemd=false", "warnings", ()),
    ],
)
def test_what_is_honoured(text: str, field: str, value: object) -> None:
    settings = read(text)
    assert getattr(settings, field) == value
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("no section", 1, "neither a section"),
        ("[user\ndefault = a", 2, "no such setting"),
        ("default = a", 1, "no such setting"),
        ("[user]\nnonesuch = a", 2, "no such setting"),
        ("[automount]\nenabled = perhaps", 2, "neither true nor false"),
        ("[automount]\nroot = mnt", 2, "no absolute path"),
        ("[automount]\nroot = /a/../..", 2, "no absolute path"),
        ("[automount]\nroot = /./proc/x", 2, "/proc is the instance's own"),
        ("[automount]\noptions = metadata,uid=1", 2, "metadata: drives are mounted"),
        ("[automount]\nmountFsTab = true", 2, "/etc/fstab is not mounted"),
        ("[filesystem]\numask = 8", 2, "no octal number"),
        ("[network]\nhostname = a b", 2, "no host name"),
        ("[network]\nhostname = " + "a" * 65, 2, "no host name"),
        ("[interop]\nenabled = true", 2, "do not run in an instance"),
        ("[boot]\nsystemd = true", 2, "WSL 2's"),
        ("[time]\nuseWindowsTimezone = true", 2, "time zone"),
        ("[gpu]\nenabled = true", 2, "no GPU"),
        ("[general]\nguiApplications = true", 2, "no display"),
        ("\x1b[31m = red", 1, "\\x1b[31m"),
    ],
)
def test_what_is_told(text: str, line: int, why: str) -> None:
    settings = read("\n" * 3 + text)
    assert any(f"line {line + 3}: " in each and why in each for each in settings.warnings), settings.warnings
    assert settings._replace(warnings=()) == Settings()


def test_files_that_are_generated() -> None:
    resolver = (
        "search a.example b.example\nnameserver ::1\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3"
    )
    files = generated(Settings(), "name.example", resolver)
    hosts, servers = (files[path][1].splitlines() for path in (b"/etc/hosts", b"/etc/resolv.conf"))
    assert "127.0.0.1\tlocalhost" in hosts
    assert "127.0.1.1\tname.example name" in hosts
    assert servers == [
        "nameserver\t10.0.0.1", "nameserver\t10.0.0.2", "nameserver\t10.0.0.3", "search\ta.example b.example",
    ]  # fmt: skip
    assert all("generate" in header for header, _ in files.values())
    assert generated(Settings(generates_hosts=False, generates_resolver=False), "a", resolver) == {}


def test_what_is_written_in_a_tree(tmp_path: Path) -> None:
    """Somebody's own file stays, and links lead to nothing."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "outside").write_text("")
    (tmp_path / "etc/link").symlink_to("../outside")
    (tmp_path / "etc/own").write_text("own\n")
    (tmp_path / "etc/empty").write_text("")
    (tmp_path / "etc/old").write_text("# header\nold and longer than what is new\n")
    os.mkfifo(tmp_path / "etc/pipe")
    (tmp_path / "lib").symlink_to("etc")
    with Tree(str(tmp_path)) as tree:
        for name in ("link", "own", "empty", "old", "new", "pipe"):
            tree.generate(b"/etc/" + name.encode(), "# header\n", "text\n")
        tree.generate(b"/lib/through", "# header\n", "text\n")
        tree.generate(b"/nowhere/file", "# header\n", "text\n")
    assert (tmp_path / "outside").read_text() == ""
    assert (tmp_path / "etc/own").read_text() == "own\n"
    for name in ("empty", "old", "new"):
        assert (tmp_path / "etc" / name).read_text() == "# header\ntext\n"
    assert not (tmp_path / "etc/through").exists()


def test_the_network(home: Home) -> None:
    line = "busybox hostname; cat /proc/sys/kernel/hostname; grep -c 127.0.1.1 /etc/hosts; ls /etc"
    name = socket.gethostname()
    assert told(home, "", line).split()[:3] == [name, name, "1"]
    assert told(home, "[network]\nhostname = other\n", line).split()[:3] == ["other", "other", "1"]
    assert "127.0.1.1\tother\n" in (home.rootfs / "etc/hosts").read_text()
    assert socket.gethostname() == name
    (home.rootfs / "etc/hosts").unlink()
    (home.rootfs / "etc/resolv.conf").unlink()
    off = "[network]\ngenerateHosts = false\ngenerateResolvConf = false\n"
    assert told(home, off, "ls /etc").split() == ["passwd", "wsl.conf"]


def test_drives(home: Home) -> None:
    (home.directory / "below").mkdir()
    home.does("config", "box", "--drive", f"c={home.directory}")
    assert told(home, "", "pwd") == "/mnt/c\n"
    assert told(home, "[automount]\nroot = /w\n", "pwd").split()[0] == "/w/c"
    assert told(home, "[automount]\nroot = /\n", "pwd") == "/c\n"
    assert home.does("--cd", "C:\\below", "pwd", verb="wsl") == "/c/below\n"
    assert told(home, "[automount]\nenabled = false\n", "pwd; busybox ls /c") == "/root\n"
    assert told(home, "[automount]\noptions = uid=77,gid=5\n", "busybox stat -c '%u %g' .") == "77 5\n"


def test_users_and_modes(home: Home) -> None:
    assert told(home, "[user]\ndefault = other\n", "id -u; umask") == "77\n0022\n"
    line = "umask; echo >/tmp/made; busybox stat -c %a /tmp/made"
    assert told(home, "[filesystem]\numask = 027\n", line) == "0027\n640\n"


def test_a_command_at_the_start(home: Home) -> None:
    """It is root's, and keeps the instance as anything that runs does."""
    home.runs("mkfifo /go")
    conf = "[user]\ndefault = other\n[boot]\ncommand = echo `id -u` $0 >/go\n"
    assert told(home, conf, "cat /go") == "0 /bin/sh\n"
    assert told(home, "[boot]\ncommand = exit 3\n", "true") == ""
    home.does("terminate", "box")
    assert "wait status 0x300" in (home.rootfs.parent / "temp/log").read_text()


def test_who_starts_it_is_told_what_has_no_effect(home: Home) -> None:
    said = told(home, "[boot]\nsystemd = true\n[x\n", "echo up")
    assert said.splitlines() == [
        "picobox: note: /etc/wsl.conf, line 2: systemd = true: systemd is WSL 2's.",
        "picobox: note: /etc/wsl.conf, line 3: [x: neither a section nor NAME = VALUE.",
        "up",
    ]
    assert home.runs("echo up") == "up\n"
