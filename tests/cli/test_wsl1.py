"""Profile wsl1 as a guest sees it: the tree with its drives, the kernel's name, owners and modes on drives."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from .command import COMMAND, REPOSITORY, Words, picobox

LX = "user.picobox.lx"
IDS = f"uid={os.geteuid()},gid={os.getegid()}"


def wsl(directory: Path, script: str, *options: Words) -> list[str]:
    """The lines that a shell script prints whose working directory is C:."""
    done = picobox("--profile", "wsl1", "-w", directory, *options, "--", "sh", "-c", f"umask 022; {script}")
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


@pytest.fixture(params=["trace", "reference"])
def platform(request: pytest.FixtureRequest) -> tuple[str, str]:
    return ("--platform", request.param)


def test_the_working_directory_is_on_the_drive(tmp_path: Path, platform: tuple[str, str]) -> None:
    (tmp_path / "sub").mkdir()
    lines = wsl(tmp_path, "pwd; cd sub; /bin/pwd; readlink /proc/self/cwd; cd ../..; ls -d c; /bin/pwd", *platform)
    assert lines == ["/mnt/c", "/mnt/c/sub", "/mnt/c/sub", "c", "/mnt"]


def test_a_directory_below_a_drive(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "other").mkdir()
    options = ("--drive", f"C={tmp_path}", "--drive", f"e={tmp_path / 'other'}")
    assert wsl(tmp_path / "sub", "pwd", *options) == ["/mnt/c/sub"]
    assert wsl(tmp_path / "other", "pwd", *options) == ["/mnt/e"]
    assert wsl(Path("/"), "pwd", *options) == ["/"]


def test_descriptors_and_links_lead_to_the_drive(tmp_path: Path, platform: tuple[str, str]) -> None:
    script = "exec 3>new; readlink /proc/self/fd/3; realpath new; ln -s /mnt/c/new link; readlink -f link; cat link"
    assert wsl(tmp_path, script, *platform) == ["/mnt/c/new"] * 3


def test_the_kernel_calls_itself_wsl1(tmp_path: Path, platform: tuple[str, str]) -> None:
    lines = wsl(tmp_path, "uname -r; uname -v; cat /proc/sys/kernel/osrelease /proc/version", *platform)
    release, version, also_release, text = lines
    assert release == also_release == "4.4.0-19041-Microsoft"
    assert text.startswith(f"Linux version {release} (Microsoft@Microsoft.com)")
    assert text.endswith(version)


@pytest.mark.parametrize("table", ["/proc/mounts", "/proc/self/mounts", "/proc/$$/mounts"])
def test_mount_table(tmp_path: Path, table: str) -> None:
    lines = wsl(tmp_path, f"cat {table}", "--drive", f"D={tmp_path},metadata,umask=22,case=dir,ro")
    assert "rootfs / wslfs rw,noatime 0 0" in lines
    assert f"C: /mnt/c drvfs rw,noatime,{IDS},case=off 0 0" in lines
    assert f"D: /mnt/d drvfs ro,noatime,{IDS},umask=22,metadata,case=dir 0 0" in lines
    assert not [line for line in lines if line.split()[1] in ("/mnt", "/proc/version")]


def test_mountinfo(tmp_path: Path, platform: tuple[str, str]) -> None:
    lines = [line.split() for line in wsl(tmp_path, "cat /proc/self/mountinfo", *platform)]
    drive = next(line for line in lines if line[4] == "/mnt/c")
    assert drive[3:] == ["/", "/mnt/c", "rw,noatime", "-", "drvfs", "C:\\134", f"rw,{IDS},case=off"]
    root = next(line for line in lines if line[4] == "/")
    assert root[5:] == ["rw,noatime", "-", "wslfs", "rootfs", "rw,noatime"]


def test_file_systems(tmp_path: Path, platform: tuple[str, str]) -> None:
    assert wsl(tmp_path, "stat -f -c %T / /mnt/c /proc", *platform) == ["wslfs", "wslfs", "proc"]


def test_the_root_counts_case_and_a_drive_does_not(tmp_path: Path, platform: tuple[str, str]) -> None:
    (tmp_path / "File").write_text("text\n")
    script = f"cat fILE; ls /ETC {str(tmp_path).upper()} 2>/dev/null; cat {tmp_path}/FILE 2>/dev/null; echo $?"
    assert wsl(tmp_path, script, "--case", "dir", *platform) == ["text", "1"]


@pytest.mark.parametrize(("case", "flagged"), [("off", "0"), ("dir", "1"), ("force", "1")])
def test_new_directories_have_the_flag_as_the_mode_says(tmp_path: Path, case: str, flagged: str) -> None:
    script = "import os; os.mkdir('d'); print(os.getxattr('d', 'system.wsl_case_sensitive').decode())"
    done = picobox("--profile", "wsl1", "-w", tmp_path, "--case", case, "--", "python3", "-c", script)
    assert done.stdout.decode().split() == [flagged]


def test_mode_off_obeys_the_flag(tmp_path: Path) -> None:
    script = (
        "import os; os.mkdir('d'); os.setxattr('d', 'system.wsl_case_sensitive', b'1'); open('d/a', 'x');"
        "open('d/A', 'x'); os.mkdir('e'); open('e/a', 'x'); print(sorted(os.listdir('d')), os.path.exists('e/A'))"
    )
    done = picobox("--profile", "wsl1", "-w", tmp_path, "--", "python3", "-c", script)
    assert done.stdout.decode() == "['A', 'a'] True\n"


def test_modes_without_metadata(tmp_path: Path, platform: tuple[str, str]) -> None:
    (tmp_path / "plain").touch(0o640)
    (tmp_path / "program").touch(0o750)
    (tmp_path / "dir").mkdir(0o700)
    (tmp_path / "readonly").touch()
    (tmp_path / "readonly").chmod(0o444)
    (tmp_path / "link").symlink_to("plain")
    script = "stat -c '%a %u %g' plain program dir readonly link"
    options = ("--drive", f"C={tmp_path},uid=7,gid=8", *platform)
    assert wsl(tmp_path, script, *options) == [f"{mode} 7 8" for mode in ("666", "777", "777", "444", "777")]


def test_masks_take_bits_from_computed_modes(tmp_path: Path) -> None:
    (tmp_path / "program").touch(0o755)
    (tmp_path / "dir").mkdir()
    options = ("--drive", f"C={tmp_path},umask=022,dmask=7,fmask=111")
    assert wsl(tmp_path, "stat -c %a program dir; python3 -c 'import os; print(oct(os.fstat(3).st_mode))' 3<program",
               *options) == ["644", "750", "0o100644"]  # fmt: skip


def test_chmod_without_metadata_knows_read_only_alone(tmp_path: Path, platform: tuple[str, str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o644)
    (tmp_path / "dir").mkdir(0o755)
    script = "for m in 755 400 444 200 600; do chmod $m file; stat -c %a file; done; chmod 0 dir; stat -c %a dir"
    assert wsl(tmp_path, script, *platform) == ["666", "444", "444", "666", "666", "777"]
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "dir").stat().st_mode) == 0o755


def test_without_metadata_nothing_has_an_owner_or_a_type(tmp_path: Path, platform: tuple[str, str]) -> None:
    script = "touch f; chown 5:6 f && stat -c '%u %g' f; mkfifo p 2>&1 | grep -o 'Operation not permitted'; ls"
    assert wsl(tmp_path, script, *platform) == [f"{os.geteuid()} {os.getegid()}", "Operation not permitted", "f"]
    assert os.listxattr(tmp_path / "f") == []


def test_metadata_is_kept_with_the_file(tmp_path: Path, platform: tuple[str, str]) -> None:
    options = ("--drive", f"C={tmp_path},metadata,umask=077", *platform)
    script = "touch f; chmod 640 f; mkdir d; chmod 2711 d; mkfifo p; mkdir d/e; stat -c '%a %F' f d d/e p"
    expected = ["640 regular empty file", "2711 directory", "2755 directory", "644 fifo"]
    assert wsl(tmp_path, script, *options) == expected
    assert wsl(tmp_path, "stat -c '%a %F' f d d/e p", *options) == expected
    # What says nothing itself is computed, and the mask counts.
    (tmp_path / "other").touch()
    assert wsl(tmp_path, "stat -c %a other", *options) == ["600"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_chown_with_metadata(tmp_path: Path, platform: tuple[str, str]) -> None:
    options = ("--drive", f"C={tmp_path},metadata", *platform)
    script = "touch f; chmod 6755 f; chown 1000 f; chgrp 1001 f; stat -c '%a %u %g' f"
    assert wsl(tmp_path, script, *options) == ["755 1000 1001"]
    assert (tmp_path / "f").stat().st_uid == 0
    assert wsl(tmp_path, "stat -c '%a %u' f", "--drive", f"C={tmp_path}") == ["777 0"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b"uid=5 gid=6 mode=100600", "600 5 6"),
        (b"uid=4294967295 gid=6 mode=100600", "600 1 6"),
        (b"uid=5 gid=6 mode=40700", "666 5 6"),
        (b"uid=5 mode=100600", "600 5 2"),
        (b"gid=x mode=1006000 uid=9", "666 9 2"),
        (b"mode=100999", "666 1 2"),
        (b"\0\xff", "666 1 2"),
        (b"", "666 1 2"),
    ],
)
def test_each_stored_field_counts_by_itself(tmp_path: Path, stored: bytes, shown: str) -> None:
    (tmp_path / "file").touch(0o644)
    os.setxattr(tmp_path / "file", LX, stored)
    assert wsl(tmp_path, "stat -c '%a %u %g' file", "--drive", f"C={tmp_path},metadata,uid=1,gid=2") == [shown]


def test_a_drive_that_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    script = "touch /mnt/d/new 2>&1 | grep -o 'Read-only file system'; touch new; ls /mnt/d"
    assert wsl(tmp_path, script, "--drive", f"D={tmp_path},ro") == ["Read-only file system", "file", "new"]


def test_what_the_host_has_in_mnt_is_still_there(tmp_path: Path) -> None:
    assert set(os.listdir("/mnt")) <= set(wsl(tmp_path, "ls -a /mnt"))


def test_the_host_sees_nothing_of_the_mounts(tmp_path: Path) -> None:
    before = Path("/proc/self/mounts").read_text(), Path("/proc/version").read_text()
    wsl(tmp_path, "true")
    assert (Path("/proc/self/mounts").read_text(), Path("/proc/version").read_text()) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--drive", "C=/,color"], "color is no option of a drive"),
        (["--drive", "C=/,uid=-1"], "uid=-1 is out of range"),
        (["--drive", "C=/,uid=4294967295"], "out of range"),
        (["--drive", "C=/,umask=1777"], "umask=1777 is out of range"),
        (["--drive", "C=/,fmask=8"], "out of range"),
        (["--drive", "C=/,gid=\u0661"], "out of range"),
        (["--drive", "C=/,case=on"], "case=on is no option"),
        (["--drive", "C=/,"], "nothing is no option"),
        (["--drive", "C=/no/such,ro"], "No such file"),
    ],
)
def test_bad_options_of_a_drive(words: list[str], said: str) -> None:
    done = picobox("--profile", "wsl1", *words, "--", "true")
    assert done.returncode == 125
    assert said in done.stderr.decode()


@pytest.mark.parametrize("given", [{}, {"PWD": "/elsewhere"}])
def test_the_environment_is_the_callers(tmp_path: Path, given: dict[str, str]) -> None:
    """PWD alone changes with the place, and only where there is one."""
    inherited = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [*COMMAND, "-q", "--unconfined", "--profile", "wsl1", "-w", tmp_path, "--", "/usr/bin/env"],
        env={**inherited, **given},
        capture_output=True,
        check=True,
        timeout=60,
    )
    names = [line.partition("=")[0] for line in done.stdout.decode().splitlines()]
    assert sorted(names) == sorted([*inherited, "PICOBOX", *given])
    assert given == {} or "PWD=/mnt/c" in done.stdout.decode().splitlines()
