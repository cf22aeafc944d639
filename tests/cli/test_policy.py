"""The verb policy on the command line, and how a run finds its policy and tells of it once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .command import picobox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home; the tests run in a project below it."""
    (tmp_path / "me" / "project" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "me" / "project")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    return tmp_path / "me"


def test_show_tells_every_rule_with_who_says_so(home: Path) -> None:
    (home / ".ssh").mkdir()
    done = picobox("policy", "show", "default")
    lines = [line.split(maxsplit=2) for line in done.stdout.decode().splitlines()]
    assert ["hide", str(home / ".ssh"), "default: ssh keys"] in lines
    assert ["write", str(home / "project"), "default: working directory"] in lines
    assert ["network", "default", "loopback"] in lines
    assert str(home / ".aws") not in done.stdout.decode()
    assert str(home / ".aws") in picobox("policy", "show", "--all", "default").stdout.decode()


def test_show_writes_toml_that_check_takes_and_show_reads(home: Path) -> None:
    (home / ".npmrc").touch()
    toml = picobox("policy", "show", "--format", "toml", "strict").stdout
    (home / "strict.toml").write_bytes(toml)
    done = picobox("policy", "check", "../strict.toml")
    assert done.stdout == b"../strict.toml: no mistake\n"
    first, again = (
        json.loads(picobox("policy", "show", "--format", "json", name).stdout) for name in ("strict", "../strict.toml")
    )
    assert first["schema"] == "picobox.policy/1"
    rights = [{each["path"]: each["right"] for each in policy["files"]} for policy in (first, again)]
    assert rights[0] == rights[1]
    assert [first[key] for key in ("network", "session", "limits")] == [
        again[key] for key in ("network", "session", "limits")
    ]


def test_check_tells_what_is_wrong_and_what_is_not_there(home: Path) -> None:
    (home / "project" / "p.toml").write_text("[policy]\nnetwrok = 'none'\n")
    done = picobox("policy", "check", "p.toml")
    assert done.returncode == 125
    assert done.stderr.decode() == (
        f"picobox: {home}/project/p.toml: line 2: policy.netwrok: unknown key, the nearest is network\n"
    )
    (home / "project" / "p.toml").write_text("[policy.files]\nread = ['gone']\nhide = ['secret']\n")
    done = picobox("policy", "check", "p.toml")
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        f"picobox: note: {home}/project/p.toml: files.read: {home}/project/gone is not there."
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "defualt"), "there is no policy 'defualt', the nearest is default"),
        (("check",), "check: name the file"),
        (("check", "gone.toml"), "there is no such file"),
        (("trust",), "there is no policy to trust"),
        (("sho",), "sho: say what to do, show, check, trust"),
        ((), "policy: say what to do"),
    ],
)
def test_bad_words(words: tuple[str, ...], told: str, home: Path) -> None:
    del home
    done = picobox("policy", *words)
    assert done.returncode == 125
    assert told in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_project_that_wants_more_is_told_how_until_it_is_trusted(home: Path) -> None:
    (home / "project" / "pyproject.toml").write_text("[tool.picobox.policy.files]\nwrite = ['~/other']\n")
    done = picobox("policy", "show")
    assert done.returncode == 125
    assert f"files.write {home}/other" in done.stderr.decode()
    assert f"`picobox policy trust {home}/project/pyproject.toml`" in done.stderr.decode()
    assert picobox("policy", "trust").stdout.decode() == f"{home}/project/pyproject.toml: trusted as it is now\n"
    assert f"write  {home}/other" in picobox("policy", "show", "--all").stdout.decode()


def test_the_private_tmp_is_told_once(home: Path) -> None:
    run = ("--policy", "default", "--", "/bin/sh", "-c", "ls -A /tmp | grep -v pytest-of-")
    first, second = picobox(*run), picobox(*run)
    assert first.stderr.decode().startswith("picobox: note: the program has a /tmp and a /var/tmp of its own")
    assert second.stderr == b""
    assert (home / ".local" / "state" / "picobox").is_dir()
    # Who asks for it, or for silence, is told nothing.
    fresh = {"XDG_STATE_HOME": str(home / "other")}
    assert picobox("-q", *run, env=fresh).stderr == b""
    assert not (home / "other").exists()
    assert picobox("--policy", "strict", "--", "/bin/true", env=fresh).stderr == b""
    # It is not worth a failure, nor a hint in each run, where nothing can be remembered.
    assert picobox(*run, env={"XDG_STATE_HOME": "/proc/none"}).stderr == b""


def test_drives_of_a_policy_are_drives(home: Path) -> None:
    (home / "project" / "data").mkdir()
    (home / "project" / "p.toml").write_text("[policy.drives]\nD = 'data'\n")
    run = ("-q", "--policy", "p.toml", "--profile", "windows11")
    done = picobox(*run, "--", "/bin/sh", "-c", "mkdir data/a:b")
    assert done.returncode != 0
    assert picobox("-q", "--policy", "p.toml", "--profile", "linux", "--", "/bin/true").returncode == 0


def test_flags_alone_make_walls(home: Path) -> None:
    (home / "project" / "secret").write_text("hidden")
    done = picobox("--hide", "secret", "--", "/bin/cat", "secret")
    assert done.returncode == 1
    assert done.stdout == b""
    done = picobox("--policy", "strict", "--write", "gone", "--", "/bin/true")
    assert done.stderr.decode() == (
        f"picobox: note: --write {home}/project/gone: it is not there, so nothing is given. Make it first.\n"
    )
    done = picobox("--limit", "memroy=1", "--", "/bin/true")
    assert done.returncode == 125
    assert b"the nearest is memory" in done.stderr
