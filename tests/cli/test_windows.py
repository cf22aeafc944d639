"""Profiles windows10 and windows11 as real programs meet them: Python, git and node, whose runtimes differ."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from .command import picobox

if TYPE_CHECKING:
    from pathlib import Path

# Python takes seconds to start on the reference platform.
PLATFORMS = ("trace", pytest.param("reference", marks=pytest.mark.full))


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def under(profile: str, *words: str, options: tuple[str, ...] = (), platform: str = "trace") -> list[str]:
    """Run a command that must end well; gives the lines that it prints."""
    done = picobox("-q", "--platform", platform, "--profile", profile, *options, "--", *words)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout.decode().splitlines()


PYTHON_SCRIPT = """
import errno, os, sys
def attempt(flags, path):
    try:
        os.close(os.open(path, flags))
        print(path, "opened")
    except OSError as error:
        print(path, type(error).__name__, errno.errorcode[error.errno])
held = os.open("file", os.O_CREAT | os.O_RDWR)
attempt(os.O_RDONLY, "file")
attempt(os.O_RDWR, "File. ")
attempt(os.O_CREAT | os.O_RDWR, "a?b")
attempt(os.O_RDONLY, ".")
os.close(os.open("fixed", os.O_CREAT, 0o444))
attempt(os.O_WRONLY, "fixed")
print(sorted(os.listdir(".")))
"""


@pytest.mark.parametrize(
    ("profile", "platform"),
    [
        ("windows10", "trace"),
        ("windows11", "trace"),
        ("windows11", "reference"),
        pytest.param("windows10", "reference", marks=pytest.mark.full),
    ],
)
def test_python(profile: str, platform: str) -> None:
    assert under(profile, "python3", "-c", PYTHON_SCRIPT, platform=platform) == [
        "file opened",
        "File.  opened",
        "a?b OSError EINVAL",
        ". opened",
        "fixed PermissionError EACCES",
        "['file', 'fixed']",
    ]


@pytest.mark.parametrize(
    ("setting", "read", "write"),
    [
        ("RW", "opened", "opened"),
        ("R", "opened", "PermissionError EACCES"),
        ("D", "PermissionError EACCES", "PermissionError EACCES"),
        ("0", "PermissionError EACCES", "PermissionError EACCES"),
        ("python3=R", "opened", "PermissionError EACCES"),
        ("perl=R", "opened", "opened"),
    ],
)
def test_share(setting: str, read: str, write: str) -> None:
    script = PYTHON_SCRIPT.replace(
        'held = os.open("file", os.O_CREAT | os.O_RDWR)', "held = os.open('file', os.O_CREAT)"
    )
    found = under("windows11", "python3", "-c", script, options=("--share", setting))
    assert found[:2] == [f"file {read}", f"File.  {write}"]


NODE_SCRIPT = """
const fs = require("fs");
function attempt(path, flags) {
    try { fs.closeSync(fs.openSync(path, flags)); console.log(path, "opened"); }
    catch (error) { console.log(path, error.code); }
}
attempt("file", "w");
const held = fs.openSync("file", "r");
attempt("FILE", "r+");
attempt(".", "r");
attempt("a*b", "w");
fs.chmodSync("file", 0o444);
attempt("file", "r+");
attempt("d".repeat(250), "w");
fs.closeSync(held);
fs.unlinkSync("file");
console.log(fs.existsSync("file"));
"""


def test_node() -> None:
    assert under("windows11", "node", "-e", NODE_SCRIPT) == [
        "file opened",
        "FILE opened",
        ". opened",
        "a*b ENOENT",
        "file EPERM",
        f"{'d' * 250} opened",
        "false",
    ]


def test_deleting_what_is_read_only(tmp_path: Path) -> None:
    """CPython does not take the attribute away first, as node and git do."""
    script = "import os; os.close(os.open('file', os.O_CREAT, 0o444)); os.unlink('file')"
    done = picobox("-q", "--profile", "windows11", "--", "python3", "-c", script)
    assert done.returncode == 1
    assert b"PermissionError: [Errno 13]" in done.stderr
    assert (tmp_path / "file").exists()


def test_node_that_does_not_share_says_busy() -> None:
    found = under("windows11", "node", "-e", NODE_SCRIPT, options=("--share", "node=0"))
    assert found[:2] == ["file opened", "FILE EBUSY"]


DELETING = """
import os, shutil, tempfile
with tempfile.TemporaryDirectory(dir=".") as directory:
    os.makedirs(directory + "/a/b")
    open(directory + "/a/b/file", "w").close()
os.makedirs("tree/below")
with open("tree/below/held", "w"):
    try:
        shutil.rmtree("tree")
    except PermissionError as error:
        print(error)
shutil.rmtree("tree")
print(os.listdir("."))
"""


@pytest.mark.parametrize("platform", PLATFORMS)
def test_python_deletes_trees(platform: str) -> None:
    assert under("windows11", "python3", "-c", DELETING, platform=platform) == [
        "[Errno 13] Permission denied: 'held'",
        "[]",
    ]


def test_git_and_node_delete_what_is_read_only() -> None:
    """Objects of git are; both take the attribute off first, which a C runtime does not."""
    script = """
    git init -q work && cd work && echo text > file && git add . && git -c user.name=n -c user.email=e commit -qm m
    git gc -q && find .git/objects -name '[0-9a-f][0-9a-f]' && cd ..
    rm -rf work 2>/dev/null || echo rm cannot
    node -e 'require("fs").rmSync("work", {recursive: true})' && ls
    """
    assert under("windows11", "sh", "-c", script) == ["rm cannot"]


def test_git(tmp_path: Path) -> None:
    script = """
    git init -q work && cd work && echo text > file && git add FILE . && git -c user.name=n -c user.email=e commit -qm m
    git checkout -q -b other && git mv file renamed && git -c user.name=n -c user.email=e commit -qm rename
    git checkout -q - && git status --short && cat file
    """
    assert under("windows11", "sh", "-c", script) == ["text"]
    assert (tmp_path / "work" / ".git" / "HEAD").is_file()


def test_git_cannot_make_what_windows_has_no_name_for(tmp_path: Path) -> None:
    make = "git init -q made && cd made && touch a:b aux.c plain && git add ."
    subprocess.run(["sh", "-c", f"{make} && git -c user.name=n -c user.email=e commit -qm m"], check=True)
    done = picobox("-q", "--profile", "windows10", "--", "git", "clone", "-q", "made", "cloned")
    assert done.returncode != 0
    assert b"a:b: Invalid argument" in done.stderr
    assert sorted(path.name for path in (tmp_path / "cloned").iterdir() if path.name != ".git") == ["plain"]
    assert b"aux.c: No such file" in done.stderr


def test_a_script_has_the_runtime_of_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/usr/bin/env node\n" + NODE_SCRIPT)
    script.chmod(0o755)
    assert under("windows11", "./script")[3] == "a*b ENOENT"


def test_paths_off_the_drives_keep_the_rules_of_linux() -> None:
    script = "test -e /usr/bin/env && ! test -e /usr/BIN && ! test -e /usr/bin/env. && cat /proc/self/comm"
    assert under("windows11", "sh", "-c", script) == ["cat"]


def test_the_temporary_directory_is_a_drive(tmp_path: Path) -> None:
    temporary, elsewhere = tmp_path / "temporary", tmp_path / "work"
    temporary.mkdir()
    elsewhere.mkdir()
    script = f"echo x > '{temporary}/a. ' && echo x > 'b. ' && echo x > '{tmp_path}/c.'"
    done = picobox(
        "-q", "--profile", "windows11", "-w", elsewhere, "--", "sh", "-c", script, env={"TMPDIR": str(temporary)}
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found = [sorted(path.name for path in where.iterdir()) for where in (temporary, elsewhere, tmp_path)]
    assert found == [["a"], ["b"], ["c.", "temporary", "work"]]


def test_drives_that_are_named_are_the_only_ones(tmp_path: Path) -> None:
    for name in ("drive", "work", "temporary"):
        (tmp_path / name).mkdir()
    script = "echo x > ../temporary/a. && echo x > b. && echo x > ../drive/c."
    options = ("-w", str(tmp_path / "work"), "--drive", f"E={tmp_path / 'drive'}")
    done = picobox(
        "-q", "--profile", "windows11", *options, "--", "sh", "-c", script, env={"TMPDIR": str(tmp_path / "temporary")}
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found = [sorted(path.name for path in (tmp_path / where).iterdir()) for where in ("temporary", "work", "drive")]
    assert found == [["a."], ["b"], ["c"]]


def test_the_prefix_is_that_of_github_s_runners(tmp_path: Path) -> None:
    r"""It is `D:\a\NAME\NAME`, and a backslash follows."""
    work = tmp_path / "project"
    work.mkdir()
    room = 259 - len("D:\\a\\project\\project\\")
    (work / ("d" * 100)).mkdir()
    for length, status in ((room, 0), (room + 1, 2)):
        command = f"printf x > {'d' * 100}/{'y' * (length - 101)}"
        done = picobox("-q", "--profile", "windows11", "-w", work, "--", "sh", "-c", command)
        assert done.returncode == status, done
    assert len(list((work / ("d" * 100)).iterdir())) == 1


def test_on_the_root_directory_the_system_s_own_are_on_no_drive() -> None:
    options = ("-w", "/")
    script = (
        "! test -e usr/BIN && ! test -e /usr/bin/sh. && test -e /proc/self/status && test -e /usr/bin/sh && echo ok"
    )
    assert under("windows11", "sh", "-c", script, options=options) == ["ok"]


def test_a_trace_tells_the_status_that_refused(tmp_path: Path) -> None:
    """Not the one that the errno would stand for: a sharing violation is shown as EACCES."""
    (tmp_path / "file").write_text("text")
    script = "exec 3<file; rm file; exec 3<&-; chmod 444 file; rm -f file; mkdir aux"
    command = ("trace", "--profile", "windows11", "-e", "unlinkat,mkdir", "--", "sh", "-c", script)
    told = picobox(*command).stderr.decode()
    assert re.findall(r"^    ~?(NtSet\S+|NtCreate\S+) .*-> (\w+)", told, re.MULTILINE) == [
        ("NtSetInformationFile", "STATUS_SHARING_VIOLATION"),
        ("NtSetInformationFile", "STATUS_CANNOT_DELETE"),
        ("NtCreateFile", "STATUS_OBJECT_NAME_INVALID"),
    ]
