"""`picobox names`: what it reads, what it finds there, how it ends; nothing of the C core, on any system."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from bench import inputs, scan
from ntshim.status import name_of
from picobox.findings.record import loads

from .command import COMMAND, REPOSITORY, TIMEOUT, environment, one_line, picobox, without_core
from .test_bad_input import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

BAD = {
    "README": [],
    "docs/readme": ["PB001"],
    "docs/ReadMe": [],
    "aux.c": ["PB003"],
    "what?.txt": ["PB004"],
    "bad\udcff": ["PB004"],
    "12:30": ["PB005"],
    "notes.": ["PB006"],
    "p" * 200 + "/" + "q" * 45: ["PB007"],
    "fine/plain.txt": [],
}
RULES = {name: rules for name, rules in BAD.items() if rules}
GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def names(
    directory: Path, *words: str | bytes | Path, given: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `picobox names --format json WORDS` in a directory."""
    return subprocess.run(
        [*COMMAND, "names", "--format", "json", *words],
        cwd=directory,
        env=environment({**GIT, **(env or {})}),
        input=given,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


def found(done: subprocess.CompletedProcess[bytes], root: Path) -> dict[str, list[str]]:
    """The rules of the findings, by paths relative to a root."""
    assert done.stderr == b""
    told: dict[str, list[str]] = {}
    for finding in loads(done.stdout.decode()).findings:
        told.setdefault(os.path.relpath(finding.path, root), []).append(finding.rule)
    return told


def git(directory: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=directory, env=environment(GIT), check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory tree with a name for each rule."""
    root = tmp_path / "project"
    for name in BAD:
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    return root


def test_a_tree(tree: Path) -> None:
    (tree / "link").symlink_to("/")
    (tree / "fine" / "link").symlink_to("../Readme")
    (tree / ".git").mkdir()
    (tree / ".git" / "a:b").touch()
    done = names(tree)
    assert found(done, tree) == {**RULES, "fine/link": ["PB002"]}
    assert done.returncode == 1
    assert found(names(tree.parent, "project"), tree) == found(done, tree)


def test_a_clean_tree(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").touch()
    done = names(tmp_path)
    assert (found(done, tmp_path), done.returncode) == ({}, 0)


def test_the_statuses_are_those_of_windows(tree: Path) -> None:
    statuses = {finding.rule: name_of(finding.status) for finding in loads(names(tree).stdout.decode()).findings}
    assert statuses == {
        "PB001": "STATUS_OBJECT_NAME_COLLISION",
        "PB003": "STATUS_OBJECT_NAME_NOT_FOUND",
        "PB004": "STATUS_OBJECT_NAME_INVALID",
        "PB005": "STATUS_SUCCESS",
        "PB006": "STATUS_SUCCESS",
        "PB007": "STATUS_OBJECT_PATH_NOT_FOUND",
    }


def test_the_prefix_counts_for_the_length_of_paths(tree: Path) -> None:
    assert "PB007" not in str(found(names(tree, "--windows-prefix", "C:"), tree))
    wanted = {**RULES, "fine": ["PB007"], "fine/plain.txt": ["PB007"]}
    told = found(names(tree, "--windows-prefix", "C:\\" + "x" * 243), tree)
    assert {name for name, rules in told.items() if "PB007" in rules} >= wanted.keys() - RULES.keys()


def test_the_version_of_windows(tmp_path: Path) -> None:
    (tmp_path / "con.txt").touch()
    for words in ([], ["--profile", "windows10"], ["--profile", "windows11"]):
        done = names(tmp_path, *words)
        assert found(done, tmp_path) == {"con.txt": ["PB003"]}
        assert (b"though not on Windows 11" in done.stdout) == (words != ["--profile", "windows10"])


def test_the_index_of_a_repository(tree: Path) -> None:
    git(tree, "init", "-q")
    (tree / "li:nk").symlink_to("docs")
    (tree / "link").symlink_to("DOCS/readme")
    git(tree, "add", "-A")
    (tree / "not.staged.").touch()
    wanted = {**RULES, "li:nk": ["PB005"], "link": ["PB002"]}
    for words, directory in ((["--git"], tree), (["--git", "project"], tree.parent), (["--git"], tree / "docs")):
        done = names(directory, *words)
        assert found(done, tree) == wanted
        assert done.returncode == 1


def test_an_index_may_hold_what_no_file_can(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    entry = "100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 0\t"
    listed = "".join(f"{entry}{name}\n" for name in ("x" * 300, "A/b", "a/b"))
    subprocess.run(["git", "update-index", "--index-info"], cwd=tmp_path, input=listed.encode(), check=True)
    assert found(names(tmp_path, "--git"), tmp_path) == {
        "x" * 300: ["PB007", "PB008"],
        "a": ["PB001"],
        "a/b": ["PB001"],
    }


def test_some_names_of_a_repository(tree: Path) -> None:
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    done = names(tree, "--git", "docs/ReadMe", "aux.c", "fine/plain.txt")
    assert found(done, tree) == {"docs/ReadMe": ["PB001"], "aux.c": ["PB003"]}
    (tree / "Fine").mkdir()
    (tree / "Fine" / "new").touch()
    assert found(names(tree / "Fine", "--git", "new"), tree) == {"Fine": ["PB001"]}
    assert names(tree, "--git", "fine/plain.txt").returncode == 0


def test_git_is_missing(tmp_path: Path) -> None:
    done = names(tmp_path, "--git", env={"PATH": str(tmp_path)})
    assert done.returncode == 125
    assert "git was not found" in one_line(done)


def test_there_is_no_repository(tmp_path: Path) -> None:
    done = names(tmp_path, "--git")
    assert done.returncode == 125
    assert "not a git repository" in one_line(done)
    assert "Name a directory of a git repository" in one_line(done)


def test_archives(tree: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel, tarfile.open(tmp_path / "a.tar.gz", "w:gz") as sdist:
        for name in BAD:
            if "\udcff" not in name:
                wheel.write(tree / name, name)
            sdist.add(tree / name, name)
    for archive, left_out in (("a.whl", {"bad\udcff"}), ("a.tar.gz", set[str]())):
        done = names(tmp_path, archive, "--windows-prefix", "C:\\a\\project\\project")
        wanted = {name: rules for name, rules in RULES.items() if name not in left_out}
        assert found(done, tmp_path / archive) == wanted
        assert done.returncode == 1


def test_an_archive_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4")
    done = names(tmp_path, "a.zip")
    assert done.returncode == 125
    assert one_line(done).startswith("picobox: a.zip: it ends in the middle")


def test_names_on_standard_input(tmp_path: Path) -> None:
    told = {"a\nb": ["PB004"], "x.": ["PB006"], "x": ["PB001"], "bad\udcff": ["PB004"], "con": ["PB003"]}
    given = b"a\nb\0x./y\0x\0X\0bad\xff\0con/\0"
    assert found(names(tmp_path, "-0", "-", given=given), tmp_path) == told
    done = names(tmp_path, "-", given=b"a:b\nplain\n")
    assert (found(done, tmp_path), done.returncode) == ({"a:b": ["PB005"]}, 1)
    assert names(tmp_path, "-", given=b"").returncode == 0


def test_names_of_files(tree: Path) -> None:
    done = names(tree, "aux.c", "docs/readme", "docs/ReadMe", "fine/plain.txt")
    assert found(done, tree) == {"aux.c": ["PB003"], "docs/readme": ["PB001"]}


def test_names_elsewhere(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "a?").touch()
    (here / "b?").touch()
    told = {"a?": ["PB004"], "here/b?": ["PB004"]}
    assert found(names(here, "../a?", here / "b?"), tmp_path) == told
    given = os.fsencode(tmp_path) + b"/a?\0./../here/b?\0x\0"
    assert found(names(here, "-0", "-", given=given), tmp_path) == told


def test_bad_usage(tmp_path: Path) -> None:
    for words, cause in (
        (["no-such"], "no-such: No such file or directory. Name a directory, an archive or a file"),
        (["-0"], "-0: it is about names on standard input. Add -"),
        (["--profile", "nt"], "'nt'"),
        (["--windows-prefix", "src"], "--windows-prefix src: write a full Windows path"),
    ):
        done = names(tmp_path, *words)
        assert done.returncode == 125
        assert cause in one_line(done)


def test_a_directory_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "a?").touch()
    done = picobox("names", "--fail-on", "error", tmp_path, prefix=PREFIX)
    assert done.returncode == 1
    assert b"closed: Permission denied. The names in it were not judged." in done.stderr
    (tmp_path / "a?").unlink()
    assert picobox("names", tmp_path, prefix=PREFIX).returncode == 125
    done = picobox("names", tmp_path / "closed", prefix=PREFIX)
    assert done.returncode == 125
    assert "closed: Permission denied. Name a directory that you may read" in one_line(done)


def test_the_least_severity_that_fails(tmp_path: Path) -> None:
    (tmp_path / ("p" * 200)).mkdir()
    (tmp_path / ("p" * 200) / ("q" * 60)).touch()
    assert [names(tmp_path, "--fail-on", severity).returncode for severity in ("note", "warning", "error")] == [1, 1, 0]


def test_a_baseline(tree: Path) -> None:
    assert names(tree, "--write-baseline", "../known").returncode == 0
    assert names(tree, "--baseline", "../known").returncode == 0
    (tree / "new?").touch()
    assert names(tree, "--baseline", "../known").returncode == 1


def test_it_needs_no_core(tree: Path) -> None:
    done = without_core("names", str(tree), "--format", "json")
    assert (done.returncode, found(done, tree)) == (1, RULES)


@pytest.mark.parametrize("system", ["darwin", "win32", "freebsd14"])
def test_it_runs_on_other_systems(tree: Path, system: str) -> None:
    script = f"""
import sys
class Blocker:
    names = {{"cffi", "_cffi_backend", "fcntl", "termios", "resource", "pwd", "grp", "ptrace", "rich"}}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names or name == "picobox._native._core":
            raise ImportError(f"{{name}} is blocked")
import subprocess  # its own choice among systems has been made
sys.meta_path.insert(0, Blocker())
sys.platform = {system!r}
from picobox.cli import main
sys.exit(main(["names", "--format", "json", {str(tree)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, check=False)
    assert (done.returncode, found(done, tree)) == (1, RULES)


def hook() -> dict[str, str]:
    """The keys of the hook for pre-commit, whose file holds one."""
    lines = (REPOSITORY / ".pre-commit-hooks.yaml").read_text().splitlines()
    keys = [re.fullmatch(r"(?:- |  )(\w+): (.+)", line) for line in lines]
    assert all(keys)
    return {key[1]: key[2] for key in keys if key is not None}


def test_the_hook_judges_what_is_about_to_be_committed(tree: Path) -> None:
    keys = hook()
    assert (keys["id"], keys["language"]) == ("picobox-names", "python")
    entry = shlex.split(keys["entry"])
    assert entry[0] == "picobox"
    git(tree, "init", "-q")
    git(tree, "add", "-A")

    def run(*files: str) -> subprocess.CompletedProcess[bytes]:
        words = [*COMMAND, *entry[1:], *files]
        return subprocess.run(words, cwd=tree, env=environment(GIT), capture_output=True, timeout=TIMEOUT, check=False)

    assert run("fine/plain.txt").returncode == 0
    assert run("fine/plain.txt", "docs/ReadMe").returncode == 1
    (tree / "-0.").touch()
    git(tree, "add", "-A")
    done = run("-0.")
    assert done.returncode == 1
    assert b"PB006" in done.stdout


def test_a_tenth_of_a_million_names_takes_no_step_that_grows_faster_than_they_do() -> None:
    """The bench measures it in full; here a bound, in seconds of the processor, that a busy machine meets too."""
    given = b"".join(b"src/package-%d/module-name-%d.py\0" % (number // 20, number) for number in range(100_000))
    script = (
        "import resource, sys; from picobox.cli import main; status = main(['names', '-0', '-']); sys.stderr.write("
    )
    script += "str(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))); sys.exit(status)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        input=given,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0
    assert float(done.stderr) < 3


def test_the_bench_times_what_the_verb_does(tmp_path: Path) -> None:
    listed, indexed = scan.measure(tmp_path, inputs.SMOKE._replace(scanned=50), None)
    assert (listed.cell.failed, indexed.cell.failed) == (None, None)
    assert (len(listed.cell.samples), len(indexed.cell.samples)) == (scan.ROUNDS, scan.ROUNDS)


def test_help_tells_where_names_may_come_from() -> None:
    text = picobox("names", "--help").stdout
    assert all(word in text for word in (b"--git", b"-0, --null", b"PB008", b"standard input", b"archive"))


def test_the_text_tells_of_names_and_of_nobody(tmp_path: Path) -> None:
    for name in ("README", "readme"):
        (tmp_path / name).touch()
    text = picobox("names", "--fail-on", "error", tmp_path).stdout.decode()
    assert "  against  README, as it is stored\n" in text
    assert "  call " not in text
    assert "\npicobox names, windows11: 1 error\n" in text
    assert f"  picobox names --baseline picobox-baseline.json --fail-on error {tmp_path}\n" in text


@pytest.mark.parametrize("form", ["text", "sarif", "junit", "github"])
def test_every_form_takes_hostile_names(tmp_path: Path, form: str) -> None:
    for name in (b"bad\xff:", b"\x1b[2J?", b"::error::x", "é?".encode(), b"a\nb"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb"):
            pass
    for encoding in ("utf-8", "ascii"):
        done = picobox("names", "--format", form, tmp_path, env={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (1, b"")
        assert b"\x1b" not in done.stdout
        assert b"\xff" not in done.stdout
