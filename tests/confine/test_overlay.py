"""picobox --overlay and the verbs about layers, as a user meets them: shown, taken over, dropped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import site
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .guests import AS_NOBODY, NOBODY, REPOSITORY, USERS, interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 60


class Project:
    """A directory of a user who works in it with layers."""

    def __init__(self, home: Path, user: str) -> None:
        self.home = home
        self.directory = home / "project"
        self.user = user
        self.state = str(home / ".local" / "state")

    def command(self, *words: str) -> list[str]:
        """The command line of picobox for this user."""
        prefix = AS_NOBODY if self.user == "nobody" else ()
        return [*prefix, interpreter(self.user), "-m", "picobox", *words]

    def environment(self) -> dict[str, str]:
        """What the user's programs start with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "XDG"))}
        path = ":".join([str(REPOSITORY), *site.getsitepackages()])
        return {
            **kept,
            "HOME": str(self.home),
            "XDG_STATE_HOME": self.state,
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C",
        }

    def picobox(self, *words: str, status: int = 0) -> str:
        """Runs picobox in the directory; gives what it wrote, errors behind the rest."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.directory,
            env=self.environment(),
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def write(self, name: str, text: str) -> Path:
        """A file of the host."""
        path = self.directory / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        for each in (path.parent, path):
            os.chown(each, *((NOBODY, NOBODY) if self.user == "nobody" else (-1, -1)))
        return path


def made(user: str) -> Iterator[Project]:
    # On a disk: what is in memory would be hidden, /dev/shm and /tmp being private to a run.
    home = Path(tempfile.mkdtemp(prefix="picobox-layers-", dir="/var/tmp"))
    (home / "project").mkdir()
    if user == "nobody":
        for path in (home, home / "project"):
            os.chown(path, NOBODY, NOBODY)
    yield Project(home, user)
    shutil.rmtree(home)


@pytest.fixture(params=USERS)
def everybodys(request: pytest.FixtureRequest) -> Iterator[Project]:
    yield from made(str(request.param))


@pytest.fixture
def project() -> Iterator[Project]:
    yield from made(USERS[0])


def test_what_a_run_writes_is_apart_until_it_is_committed(everybodys: Project) -> None:
    project = everybodys
    kept, gone = project.write("kept", "1\n"), project.write("gone", "1\n")
    script = "echo 2 >>kept; rm gone; mkdir -p new/deep; echo 3 >new/deep/file; cat kept; ls"
    told = project.picobox("--overlay", "--", "sh", "-c", script)
    assert told.startswith("1\n2\nkept\nnew\n")
    assert "picobox diff" in told
    assert (kept.read_text(), gone.exists(), (project.directory / "new").exists()) == ("1\n", True, False)
    lines = project.picobox("diff").splitlines()
    assert lines == ["D  gone", "M  kept", "A  new/", "A  new/deep/", "A  new/deep/file"]
    assert project.picobox("--overlay", "-q", "--", "cat", "new/deep/file") == "3\n"
    assert "committed 5 changes" in project.picobox("commit")
    assert (kept.read_text(), gone.exists()) == ("1\n2\n", False)
    assert (project.directory / "new/deep/file").read_text() == "3\n"
    assert project.picobox("diff") == ""


def test_a_patch_is_what_git_applies(project: Project) -> None:
    project.write("text", "".join(f"{number}\n" for number in range(40)))
    project.write("with blank", "no end of line")
    project.write("dir/moved", "1\n2\n3\n")
    project.write("dir/deleted", "1\n")
    project.write("becomes", "a link\n")
    script = r"""
sed -i s/^7$/seven/ text; printf more >>'with blank'; mv dir other; rm other/deleted; echo 4 >>other/moved
ln -sf text becomes; printf '\0\1\2' >binary; printf '\351' >"$(printf 'odd\n"\351')"; chmod +x text
"""
    project.picobox("--overlay", "--", "bash", "-c", script)
    patch = subprocess.run(
        project.command("diff", "--patch"),
        cwd=project.directory,
        env=project.environment(),
        capture_output=True,
        check=True,
    ).stdout
    copy = project.home / "copy"
    shutil.copytree(project.directory, copy)
    subprocess.run(["git", "apply", "-"], cwd=copy, input=patch, check=True)
    project.picobox("commit")
    assert tree_of(copy) == tree_of(project.directory)


def tree_of(directory: Path) -> dict[bytes, tuple[bytes, bool]]:
    """What git keeps of a directory."""
    found = {}
    for parent, _, names in os.walk(os.fsencode(directory)):
        for path in (os.path.join(parent, name) for name in names):
            content = os.readlink(path) if os.path.islink(path) else Path(os.fsdecode(path)).read_bytes()
            found[os.path.relpath(path, os.fsencode(directory))] = content, os.access(path, os.X_OK)
    return found


def test_a_conflict_is_told_and_nothing_done(project: Project) -> None:
    file, other = project.write("file", "1\n"), project.write("src/other", "1\n")
    project.picobox("--overlay=mine", "--", "sh", "-c", "echo 2 >file; echo 2 >src/other; mv file x; mv x file")
    file.write_text("3\n")
    assert "M  file  ! changed on the host since\n" in project.picobox("diff", "mine")
    told = project.picobox("commit", "mine", status=1)
    assert "picobox: file: changed on the host since\n" in told
    assert "--force" in told
    assert (file.read_text(), other.read_text()) == ("3\n", "1\n")
    project.picobox("commit", "mine", "--", "src")
    assert (file.read_text(), other.read_text()) == ("3\n", "2\n")
    (change,) = json.loads(project.picobox("diff", "mine", "--format", "json"))["changes"]
    assert (change["path"], change["status"], change["type"]) == (str(file), "changed", "file")
    assert change["conflict"] == "changed on the host since"
    project.picobox("commit", "mine", "--force", "-q")
    assert file.read_text() == "2\n"


def test_what_is_discarded_is_gone(project: Project) -> None:
    file = project.write("file", "1\n")
    project.picobox("--overlay", "--", "rm", "file")
    project.picobox("discard")
    assert file.read_text() == "1\n"
    told = project.picobox("diff", status=125)
    assert "has left a layer" in told
    assert "--overlay" in told
    assert list((project.home / ".local/state/picobox/layers").iterdir()) == []
    assert project.picobox("--overlay", "-q", "--", "cat", "file") == "1\n"


@pytest.mark.parametrize(
    ("words", "cause", "remedy"),
    [
        (["--overlay", "--unconfined", "--", "true"], "--unconfined", "leave it out"),
        (["--overlay", "--policy", "open", "--", "true"], "policy open", "--policy default"),
        (["--overlay=a/b", "--", "true"], "'a/b' is no name", "letters"),
        (["--overlay", "-w", "/etc", "--", "true"], "no directory to write in", "--write DIR"),
        (["--overlay", "--write", "..", "--", "true"], "layers are kept below it", "XDG_STATE_HOME"),
        (["diff", "none"], "there is no layer none", "--overlay"),
        (["commit"], "has left a layer", "--overlay"),
        (["discard", "--", "x"], "as a whole", "--help"),
        (["diff", "--patch", "--format", "json"], "--patch", "--help"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(project: Project, words: list[str], cause: str, remedy: str) -> None:
    told = project.picobox(words[0], *(["-q"] if words[0].startswith("--") else []), *words[1:], status=125)
    assert len(told.splitlines()) == 1
    assert cause in told
    assert remedy in told


def test_a_layer_is_one_runs_and_outlives_a_kill(project: Project) -> None:
    project.write("file", "1\n")
    script = "echo 2 >file; echo >ready; exec sleep 60"
    running = subprocess.Popen(
        project.command("--overlay", "--", "sh", "-c", script), cwd=project.directory, env=project.environment()
    )
    try:
        until = time.monotonic() + TIMEOUT
        while "A  ready" not in project.picobox(*(["diff"] if layers_of(project) else ["doctor", "--help"])):
            assert time.monotonic() < until
        for words in (["--overlay", "--", "true"], ["commit"], ["discard"]):
            assert "is in use" in project.picobox(*words, status=125)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert project.picobox("diff").splitlines() == ["M  file", "A  ready"]
    project.picobox("commit", "-q")
    assert (project.directory / "file").read_text() == "2\n"


def layers_of(project: Project) -> list[Path]:
    """The layers that the user has."""
    return [
        path for path in project.home.glob(".local/state/picobox/layers/*/layer.json") if path.parent.name[0] != "."
    ]


def test_what_is_only_read_is_not_copied(project: Project) -> None:
    os.link(project.write("one", "1\n"), project.directory / "two")
    for script, copies in (("open('one').read()", 0), ("open('one', 'r+').write('2')", 1)):
        project.picobox("--profile", "nt", "--overlay", "-q", "--", "/usr/bin/python3", "-c", script)
        assert len(list(project.home.glob(".local/state/picobox/layers/**/one"))) == copies


SHARING = """
import os
def ask(function, *arguments):
    try:
        return function(*arguments) and None
    except OSError as error:
        return type(error).__name__
# Names of one file: whatever changes it makes it a file of its own in a layer.
reader = open('One')
os.utime('one', (1, 1))
print(reader.read(1), ask(os.remove, 'ONE'), ask(os.rename, 'one', 'three'), ask(os.remove, 'plain'))
reader.close()
writer = open('one', 'r+')
writer.write('9')
writer.flush()
print(ask(os.remove, 'one'))
writer.close()
print(ask(os.remove, 'one'), sorted(os.listdir()))
"""


def test_windows_rules_hold_in_a_layer(everybodys: Project) -> None:
    project = everybodys
    project.write("plain", "1\n")
    os.link(project.write("one", "1\n"), project.directory / "two")
    told = project.picobox("--profile", "windows11", "--overlay", "-q", "--", "/usr/bin/python3", "-c", SHARING)
    assert told.splitlines() == ["1 PermissionError PermissionError None", "PermissionError", "None ['two']"]


def test_what_only_a_layer_has_is_hidden_too(project: Project) -> None:
    """The host has nothing at the path of the rule."""
    project.picobox("-q", "--overlay", "--", "sh", "-c", "mkdir keys; echo secret > keys/one; echo secret > key")
    script = "cat key; ls keys; cat keys/one"
    told = project.picobox("-q", "--overlay", "--hide", "key", "--hide", "keys", "--", "sh", "-c", script, status=1)
    assert "secret" not in told
    assert told.count("Permission denied") == 1


def test_layers_may_be_kept_below_what_a_run_has_for_itself(project: Project) -> None:
    """Its own /tmp, and the tree while it is made, cover their paths."""
    with tempfile.TemporaryDirectory(prefix="picobox-state-", dir="/tmp") as state:
        if project.user == "nobody":
            os.chown(state, NOBODY, NOBODY)
        project.state = state
        project.picobox("-q", "--overlay", "--", "sh", "-c", "echo kept > new")
        assert not (project.directory / "new").exists()
        project.picobox("commit")
    assert (project.directory / "new").read_text() == "kept\n"
