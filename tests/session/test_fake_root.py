"""Programs of an instance are who its files say they are, whoever runs it: ids, owners, modes, devices, rights."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build import FLAGS
from confine.guests import USERS

from picobox.errors import Errno
from picobox.session.fakeroot import calls
from picobox.session.fakeroot.mounts import Kind, Mounts
from picobox.session.fakeroot.nodes import Node, World
from picobox.session.metadata import Metadata
from session.test_running import Home, home_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCES = [Path(__file__).with_name(name) for name in ("root_rights.c", "root_sockets.c")]
_APPLETS = (
    "chmod", "chown", "head", "mkdir", "mknod", "ln", "od", "rm", "stat", "tar", "touch", "tee", "mv", "setpriv", "su",
    "umask", "cut",
)  # fmt: skip
_PASSWD = "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\nother:x:1001:1001::/:/bin/sh\n"
_GROUP = "root:x:0:\nuser:x:1000:\nwheel:x:10:root,user\nstaff:x:50:user\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that tries all that root may do; it needs no library."""
    made = tmp_path_factory.mktemp("program") / "root_rights"
    subprocess.run(["gcc", *FLAGS, "-static", "-o", made, *_SOURCES], check=True)
    return made


@pytest.fixture(scope="module", params=USERS)
def home(request: pytest.FixtureRequest, program: Path) -> Iterator[Home]:
    """One instance for all, since they keep to directories of their own."""

    def added(tree: Path) -> None:
        for name in _APPLETS:
            (tree / "bin" / name).symlink_to("busybox")
        shutil.copy(program, tree / "bin/root_rights")
        (tree / "etc/group").write_text(_GROUP)
        (tree / "home/user").mkdir(parents=True)

    with (
        tempfile.TemporaryDirectory(prefix="picobox-fakeroot-") as directory,
        home_of(Path(directory), request.param, added) as made,
    ):
        made.runs("cat >/etc/passwd <<E\n" + _PASSWD + "E\nchown user:user /home/user")
        yield made


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has root's rights natively")
def test_the_kernel_says_the_same(program: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = subprocess.run([program], cwd=tmp_path, env={"NATIVELY": "1"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "all is well\n")


def test_what_root_may_and_others_may_not(home: Home) -> None:
    """Ids, owners, modes, links, devices, attributes, capabilities, rights: a hundred calls at both sides."""
    assert home.runs("mkdir /rights; cd /rights; root_rights") == "all is well\n"


def test_who_a_program_is(home: Home) -> None:
    line = "id -u; id -g; id -G; env | grep USER; pwd; root_rights ids"
    assert home.runs(line).split() == ["0", "0", "0", "10", "USER=root", "/root", *"00000"]
    told = home.runs(line, "-u", "user").split()
    assert told == ["1000", "1000", "1000", "10", "50", "USER=user", "/home/user", "1000", "1000", "1000", "1000", "0"]
    assert home.does("run", "-u", "other", "--exec", "--", "root_rights", "ids") == "1001 1001 1001 1001 0"
    assert home.runs("echo text >/etc/passwd", "-u", "user", status=1).endswith("Permission denied\n")


def test_set_id_programs(home: Home) -> None:
    home.runs("mkdir /set; cd /set; cat /bin/root_rights >own; chmod 755 own")
    assert home.runs("/set/own ids", "-u", "user") == "1000 1000 1000 1000 0"
    home.runs("chown other /set/own; chmod 4755 /set/own")
    assert home.runs("/set/own ids", "-u", "user") == "1000 1001 1000 1001 1"
    assert home.runs("/set/own ids") == "0 1001 0 1001 1"
    # A file that changes hands loses the bit.
    home.runs("chown root /set/own")
    assert home.runs("/set/own ids", "-u", "user") == "1000 1000 1000 1000 0"
    home.runs("chmod 4750 /set/own")
    assert "Permission denied" in home.runs("/set/own ids", "-u", "user", status=126)


def test_proc_tells_the_same(home: Home) -> None:
    assert home.runs("grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status", "-u", "user").splitlines() == [
        "Uid:\t1000\t1000\t1000\t1000", "Gid:\t1000\t1000\t1000\t1000", "Groups:\t10 50 1000 ",
        "CapEff:\t0000000000000000",
    ]  # fmt: skip
    assert "CapEff:\t000001ffffffffff" in home.runs("cat /proc/self/status")
    home.runs("mkfifo -m 666 /hold")
    home.runs("cat /hold >/dev/null 2>&1 & echo $! >/home/user/pid", "-u", "user")
    pid = home.runs("cat /home/user/pid").strip()
    assert home.runs(f"stat -c '%u %g' /proc/{pid} /proc/{pid}/stat /proc/self") == "1000 1000\n1000 1000\n0 0\n"
    assert home.runs(f"grep ^Uid /proc/{pid}/status") == "Uid:\t1000\t1000\t1000\t1000\n"
    assert [line.split()[1] for line in home.runs("ps").splitlines() if "cat /hold" in line] == ["user"]
    assert "not permitted" in home.runs(f"kill {pid}", "-u", "other", status=1)
    assert home.runs(f"kill {pid}", "-u", "user") == ""
    assert home.runs("ls -a /dev/shm").split() == [".", ".."]


def test_devices(home: Home) -> None:
    home.runs("mkdir /nodes; cd /nodes; mknod zero c 1 5; mknod null c 1 3; mknod -m 600 disk b 8 1; mknod odd c 77 3")
    assert home.runs("cd /nodes; stat -c '%n %F %t %T' disk zero").splitlines() == [
        "disk block special file 8 1", "zero character special file 1 5",
    ]  # fmt: skip
    assert (
        home.runs("head -c 3 /nodes/zero | od -An -c; echo text >/nodes/null; cat /nodes/null").split() == ["\\0"] * 3
    )
    assert "No such device" in home.runs("cat /nodes/disk", status=1)
    assert "No such device" in home.runs("cat /nodes/odd", status=1)
    assert "Permission denied" in home.runs("cat /nodes/disk", "-u", "user", status=1)
    found = os.stat(home.rootfs / "nodes/zero")
    assert stat.S_ISREG(found.st_mode)
    assert found.st_size == 0


def test_what_is_unpacked_is_whose_it_was(home: Home, tmp_path: Path) -> None:
    """As apk does it: root unpacks an archive with owners, set-id bits, links and devices, and all is as it says."""
    archive = home.rootfs / "package.tar.gz"
    with tarfile.open(tmp_path / "package.tar.gz", "w:gz") as tar:
        for name, kind, mode, owner, device in (
            ("pkg", tarfile.DIRTYPE, 0o2755, (0, 50), (0, 0)),
            ("pkg/su", tarfile.REGTYPE, 0o4711, (0, 0), (0, 0)),
            ("pkg/secret", tarfile.REGTYPE, 0o000, (1000, 50), (0, 0)),
            ("pkg/tty", tarfile.CHRTYPE, 0o620, (0, 5), (5, 0)),
            ("pkg/loop", tarfile.BLKTYPE, 0o660, (0, 6), (7, 0)),
            ("pkg/fifo", tarfile.FIFOTYPE, 0o640, (1000, 1000), (0, 0)),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode, (member.uid, member.gid) = kind, mode, owner
            member.devmajor, member.devminor = device
            tar.addfile(member)
        link = tarfile.TarInfo("pkg/link")
        link.type, link.linkname = tarfile.SYMTYPE, "su"
        tar.addfile(link)
    archive.write_bytes((tmp_path / "package.tar.gz").read_bytes())
    home.runs("mkdir /unpacked; cd /unpacked; tar xzf /package.tar.gz")
    assert home.runs("cd /unpacked; stat -c '%n %a %u %g %t %T' pkg pkg/*").splitlines() == [
        "pkg 2755 0 50 0 0", "pkg/fifo 640 1000 1000 0 0", "pkg/link 777 0 50 0 0", "pkg/loop 660 0 6 7 0",
        "pkg/secret 0 1000 50 0 0", "pkg/su 4711 0 0 0 0", "pkg/tty 620 0 5 5 0",
    ]  # fmt: skip
    # And so it is packed again, inside and by export.
    home.runs("cd /unpacked; tar cf /packed.tar pkg")
    exported = home.directory / "all.tar"
    home.does("export", "box", exported)
    for packed, prefix in ((home.rootfs / "packed.tar", ""), (exported, "unpacked/")):
        with tarfile.open(packed) as tar:
            members = {member.name.removeprefix("./"): member for member in tar}
        loop, su, secret = (members[f"{prefix}pkg/{each}"] for each in ("loop", "su", "secret"))
        assert (loop.type, loop.devmajor, loop.devminor, loop.gid) == (tarfile.BLKTYPE, 7, 0, 6)
        assert su.mode == 0o4711
        assert (secret.mode, secret.uid, secret.gid) == (0, 1000, 50)


def test_what_is_not_the_instances_stays_whose_it_is(home: Home) -> None:
    """Files of a drive, and what a client brings: nobody gives them away, and nothing is kept of them."""
    outside = home.directory / "outside"
    outside.write_text("text\n")
    os.chown(outside, home.directory.stat().st_uid, -1)
    with outside.open() as given:
        line = "stat -Lc '%u' /proc/self/fd/0; chown 5 /proc/self/fd/0; chmod 4711 /proc/self/fd/9; mknod /proc/x c 1 3"
        with home.start("run", "--", line, stdin=given, stderr=subprocess.STDOUT) as process:
            told, _ = process.communicate(timeout=60)
    assert told.splitlines()[0] == "0"
    assert told.count("not permitted") + told.count("No such file") == 3
    assert os.listxattr(outside) == []
    # A link in the instance means what it means there, whoever looks it up.
    home.runs(f"ln -s {outside} /way; chown 5 /way", status=1)
    assert outside.stat().st_uid == home.directory.stat().st_uid


def test_what_is_mounted_below_a_drive_is_the_hosts(tmp_path: Path) -> None:
    """A drive comes with what the host has mounted there, which may be of a type that instances have themselves."""
    drive = tmp_path / "drive"
    for name in ("tmpfs", "proc"):
        (drive / name).mkdir(parents=True)
    beside = tmp_path / "drive-not"
    beside.mkdir()
    line = 'set -e; mount -t tmpfs t "$0/tmpfs"; mount --rbind /proc "$0/proc"; mount -t tmpfs t "$0-not"; echo; read x'
    private = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", line, str(drive)]
    with subprocess.Popen(private, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        mounts = Mounts(process.pid, [os.fsencode(drive)])

        def kind_of(path: Path) -> Kind:
            fd = os.open(f"/proc/{process.pid}/root{path}", os.O_PATH)
            try:
                return mounts.kind_of(fd, calls.mount_of(fd))
            finally:
                os.close(fd)

        assert [kind_of(drive / name) for name in ("tmpfs", "proc")] == [Kind.HOST, Kind.HOST]
        assert kind_of(beside) is Kind.STORE
        process.stdin.close()


def test_what_cannot_be_kept_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    path = tmp_path / "file"
    path.touch()
    path.chmod(0o644)
    mounts = Mounts(os.getpid(), [])
    monkeypatch.setattr(mounts, "kind_of", lambda *_: Kind.STORE)
    monkeypatch.setattr(os, "setxattr", full)
    node = Node(World(mounts, -1, (0, 0)), os.open(path, os.O_PATH))
    with pytest.raises(Errno) as refused:
        node.keep(Metadata(0, 0, stat.S_IFREG | 0o755))
    node.close()
    assert refused.value.errno == errno.ENOSPC
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_is_kept_is_nobodys_to_write(home: Home) -> None:
    home.runs("mkdir /kept; cd /kept; cat /bin/root_rights >own; chown user own; chmod 755 own")
    path = home.rootfs / "kept/own"
    assert os.getxattr(path, "user.picobox.lx").startswith(b"uid=1000 gid=0")
    assert "picobox" not in home.runs("root_rights list /kept/own", "-u", "user")
    assert home.runs("root_rights forge /kept/own", "-u", "user") == "1"
    assert os.getxattr(path, "user.picobox.lx").startswith(b"uid=1000 gid=0")
