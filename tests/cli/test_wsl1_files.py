"""Files of drives under profile wsl1: what is READONLY, whose a new file is, what is hidden, what an owner may."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .command import picobox
from .test_wsl1 import LX, wsl

if TYPE_CHECKING:
    import subprocess

NOBODY = 65534
AS_NOBODY = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who it is")


@pytest.fixture(params=["trace", "reference"])
def platform(request: pytest.FixtureRequest) -> tuple[str, str]:
    return ("--platform", request.param)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory in which everybody may make files."""
    directory = tmp_path / "drive"
    directory.mkdir()
    directory.chmod(0o777)
    return directory


def python(directory: Path, script: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """A Python script of a guest, its working directory being C: with metadata."""
    drive = ("--drive", f"C={directory},metadata")
    return picobox("--profile", "wsl1", "-w", directory, *drive, *options, "--", sys.executable, "-c", script)


ASK = """
import ctypes, errno, os
def ask(*words):
    try:
        return words[0](*words[1:])
    except OSError as error:
        return errno.errorcode[error.errno]
os.mkdir('d')
open('f', 'x').close()
os.symlink('f', 'l')
os.setxattr('f', 'user.mine', b'1')
fd = os.open('f', os.O_RDONLY)
names = ['f', 'd', 'l', fd]
"""


def test_where_the_host_keeps_modes_is_hidden(tmp_path: Path, platform: tuple[str, str]) -> None:
    script = f"""{ASK}
print(*(os.listxattr(name) for name in names))
for routine in (os.getxattr, os.removexattr):
    print(*(ask(routine, name, {LX!r}) for name in [*names, 'none']))
print(*(ask(os.setxattr, name, {LX!r}, b'uid=7') for name in [*names, 'none']))
"""
    done = python(tmp_path, script, *platform)
    assert done.stdout.decode().splitlines() == [
        "['user.mine'] ['system.wsl_case_sensitive'] ['user.mine'] ['user.mine']",
        "ENODATA ENODATA ENODATA ENODATA ENOENT",
        "ENODATA ENODATA ENODATA ENODATA ENOENT",
        "EPERM EPERM EPERM EPERM ENOENT",
    ]
    assert sorted(os.listxattr(tmp_path / "f")) == ["user.mine", LX]
    assert b"uid=7" not in os.getxattr(tmp_path / "f", LX)


def test_a_buffer_needs_no_room_for_what_is_hidden(tmp_path: Path, platform: tuple[str, str]) -> None:
    script = f"""{ASK}
library = ctypes.CDLL(None, use_errno=True)
def listed(name, size):
    buffer = ctypes.create_string_buffer(b'?' * 99)
    result = library.listxattr(name, buffer, size)
    return (result, buffer.raw[:result]) if result >= 0 else errno.errorcode[ctypes.get_errno()]
print(*(listed(b'f', size) for size in (9, 10, 99)), library.listxattr(b'f', None, 0))
print(*(listed(b'd', size)[0] for size in (25, 26, 99)), library.listxattr(b'd', None, 0))
"""
    done = python(tmp_path, script, *platform)
    whole = r"(10, b'user.mine\x00')"
    assert done.stdout.decode().splitlines() == [f"ERANGE {whole} {whole} 10", "E 26 26 26"]


def test_nobody_writes_to_what_is_read_only(tmp_path: Path, platform: tuple[str, str]) -> None:
    script = f"""{ASK}
os.chmod('f', 0o444)
for flags in (os.O_WRONLY, os.O_RDWR | os.O_APPEND, os.O_TRUNC, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_NOFOLLOW):
    print(ask(os.open, 'f', flags), end=' ')
print(ask(os.truncate, 'f', 0), ask(os.open, 'l', os.O_WRONLY), ask(os.open, f'/proc/self/fd/{{fd}}', os.O_WRONLY))
print(ask(os.open, 'f', os.O_WRONLY | os.O_CREAT | os.O_EXCL), ask(os.open, 'f', os.O_RDONLY | os.O_DIRECTORY))
print(*(isinstance(ask(os.open, 'f', flags), int) for flags in (os.O_RDONLY, os.O_PATH | os.O_WRONLY)))
new = os.open('new', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
print(os.write(new, b'text'), ask(os.open, 'new', os.O_WRONLY))
os.rename('new', 'f')
os.unlink('f')
print(sorted(os.listdir('.')))
"""
    done = python(tmp_path, script, *platform)
    assert done.stdout.decode().splitlines() == [
        "EACCES EACCES EACCES EACCES EACCES EACCES EACCES EACCES", "EEXIST ENOTDIR", "True True", "4 EACCES",
        "['d', 'l']",
    ]  # fmt: skip


@pytest.mark.parametrize("link", ["/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"])
def test_a_descriptor_s_link_is_the_guest_s(tmp_path: Path, platform: tuple[str, str], link: str) -> None:
    script = f"""{ASK}
link = f'{link}{{fd}}'
os.chmod(link, 0o751)
print(*(oct(os.stat(name).st_mode) for name in ('f', link)))
"""
    assert python(tmp_path, script, *platform).stdout == b"0o100751 0o100751\n"
    assert os.getxattr(tmp_path / "f", LX).endswith(b"mode=100751")


def test_a_new_file_has_the_group_that_its_set_group_id_directory_shows(
    tmp_path: Path, platform: tuple[str, str]
) -> None:
    group = os.getegid() + 7 if os.geteuid() == 0 else os.getegid()
    script = f"mkdir d; chgrp {group} d; chmod 2775 d; mkdir d/e; touch d/f; mkdir d/e/g; stat -c '%a %g' d/e d/f d/e/g"
    lines = wsl(tmp_path, script, "--drive", f"C={tmp_path},metadata,gid=3", *platform)
    assert lines == [f"2755 {group}", f"644 {group}", f"2755 {group}"]


@only_root
@pytest.mark.parametrize("change", ["echo >>f", "truncate -s 0 f", ": >f"])
def test_who_is_not_root_takes_privileges_away_by_writing(shared: Path, platform: tuple[str, str], change: str) -> None:
    options = ("--drive", f"C={shared},metadata", *platform)
    script = f"echo x >f; chmod 6777 f; stat -c %a f; {AS_NOBODY} sh -c '{change}'; stat -c %a f"
    assert wsl(shared, script, *options) == ["6777", "777"]


@only_root
def test_an_owner_that_is_shown_may_no_more_than_before(shared: Path, platform: tuple[str, str]) -> None:
    """Metadata only say what is shown: the host's security decides (facts/wsl1.md section 4.7)."""
    options = ("--drive", f"C={shared},metadata", *platform)
    script = (
        f"echo text >f; chmod 600 f; chown {NOBODY}:{NOBODY} f; stat -c '%a %u %g' f;"
        f"{AS_NOBODY} sh -c 'cat f; chmod 666 f; chgrp {NOBODY} f && echo kept' 2>&1 | sed 's/.*: //'; stat -c %a f"
    )
    shown = f"600 {NOBODY} {NOBODY}"
    assert wsl(shared, script, *options) == [shown, "Permission denied", "Operation not permitted", "kept", "600"]
    assert (shared / "f").stat().st_uid == 0


@pytest.mark.parametrize("path", ["wslpath", "/bin/wslpath", pytest.param("/usr/bin/wslpath", marks=pytest.mark.full)])
def test_wslpath_is_a_program(tmp_path: Path, platform: tuple[str, str], path: str) -> None:
    (tmp_path / "a b").touch()
    script = f"{path} -w '/mnt/c/a b'; {path} 'C:\\x'; {path} 'Q:\\' 2>&1; echo $?"
    expected = ["C:\\a b", "/mnt/c/x", "wslpath: Q:\\: Invalid argument", "1"]
    assert wsl(tmp_path, script, *platform) == expected


def test_wslpath_is_found_by_who_starts_programs(tmp_path: Path) -> None:
    done = picobox("--profile", "wsl1", "-w", tmp_path, "--", "wslpath", "-m", "/mnt/c/x")
    assert (done.returncode, done.stdout) == (0, b"C:/x\n")


def test_the_host_has_no_wslpath_of_ours(tmp_path: Path) -> None:
    there = [Path(name).exists() for name in ("/bin/wslpath", "/usr/bin/wslpath", "/mnt/.wslpath")]
    wsl(tmp_path, "wslpath -w /mnt/c")
    assert there == [Path(name).exists() for name in ("/bin/wslpath", "/usr/bin/wslpath", "/mnt/.wslpath")]


# An ordinary user may not mount anyway.
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-sys_admin", "--") if os.geteuid() == 0 else ()


def test_who_may_not_mount_gets_a_user_namespace(tmp_path: Path, platform: tuple[str, str]) -> None:
    """Ids stay what they were, tables of mounts can be read, and an ordinary user's supervisor has no rights left."""
    script = (
        "readlink /proc/self/ns/user; cat /proc/self/uid_map; id -u; grep -c drvfs /proc/mounts;"
        "chmod 640 f; stat -c %a f; grep CapEff /proc/$PPID/status"
    )
    (tmp_path / "f").touch()
    options = ("--profile", "wsl1", "-w", tmp_path, "--drive", f"C={tmp_path},metadata", *platform)
    done = picobox(*options, "--", "sh", "-c", script, prefix=WITHOUT_RIGHTS)
    lines = done.stdout.decode().splitlines()
    assert lines[0] != os.readlink("/proc/self/ns/user")
    user = str(os.geteuid())
    assert [line.split() for line in lines[1:5]] == [[user, user, "1"], [user], ["1"], ["640"]]
    assert (int(lines[5].split()[1], 16) == 0) == (os.geteuid() != 0)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640
