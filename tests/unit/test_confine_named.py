"""The policies that have a name, at places made for the tests: what each gives of a home, of secrets, of the system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from picobox.confine.caches import CACHES
from picobox.confine.named import BASES, DEFAULT, NAMES, NOTHING, OPEN, STRICT, named, working_directory_note
from picobox.confine.place import Place
from picobox.confine.policy import HIDE, HOST, KEPT, LAYER, LOOPBACK, NONE, OWN, READ, WRITE, wider
from picobox.confine.secrets import SECRETS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with a project in it."""
    (tmp_path / "me" / "project").mkdir(parents=True)
    return tmp_path / "me"


def place_of(home: Path, directory: str = "project", **environment: str) -> Place:
    place = Place({"HOME": str(home), **environment}, str(home / directory), os.getuid())
    # Of this machine's accounts only the user's own could matter.
    place.accounts = {1: "/usr/games"}
    return place


def right(name: str, place: Place, path: object) -> str:
    return named(name, place).decide(os.fsencode(str(path))).right


def test_every_secret_is_hidden_and_nothing_else_of_the_home(home: Path) -> None:
    (home / ".zsh_history").touch()
    (home / ".config" / "google-chrome-beta").mkdir(parents=True)
    policy = named(DEFAULT, place_of(home))
    decide = policy.decider()
    for secret in SECRETS:
        for path in secret.paths.split():
            if "*" not in path:
                rule = decide(os.path.realpath(path.replace("~", str(home))).encode())
                assert rule.right == HIDE, path
                assert rule.source.startswith("default: ")
    for path in (".zsh_history", ".config/google-chrome-beta/Default/Cookies", ".ssh/id_ed25519"):
        assert decide(os.fsencode(home / path)).right == HIDE
    for path in ("", "notes", ".config", ".sshx", "my_history", ".config/gtk-3.0", ".cargox"):
        assert decide(os.fsencode(home / path).rstrip(b"/")).right == READ
    for path in CACHES:
        if "*" not in path:
            assert decide(os.fsencode(path.replace("~", str(home), 1)) + b"/x").right == LAYER
    assert decide(os.fsencode(home / ".cargo" / "credentials.toml")).right == HIDE


@pytest.mark.parametrize("name", ["a[b]", "*", "what?"])
def test_a_directory_whose_name_looks_like_a_pattern_is_none(home: Path, name: str) -> None:
    (home / name).mkdir()
    (home / "b").mkdir()
    place = place_of(home, name)
    assert right(DEFAULT, place, home / name / "file") == WRITE
    assert right(DEFAULT, place, home / "b") == READ
    assert right(STRICT, place, home / name) == READ


def test_default(home: Path) -> None:
    policy = named(DEFAULT, place_of(home))
    assert (policy.network, policy.session, policy.private_tmp) == (LOOPBACK, KEPT, True)
    decide = policy.decider()
    expected = {
        b"/": READ, b"/etc/passwd": READ, b"/etc/shadow": HIDE, b"/home/somebody/x": HIDE, b"/root/x": HIDE,
        b"/run/docker.sock": HIDE, b"/run/user/1000/bus": HIDE, b"/tmp/x": WRITE, b"/usr/bin/sh": READ,
    }  # fmt: skip
    assert {path: decide(path).right for path in expected} == expected
    assert decide(os.fsencode(home / "project" / "x")).right == WRITE


def test_strict(home: Path) -> None:
    policy = named(STRICT, place_of(home))
    assert (policy.network, policy.session, policy.private_tmp) == (NONE, OWN, True)
    assert all(value is not None for value in policy.limits)
    decide = policy.decider()
    expected = {
        b"/": HIDE, b"/etc/passwd": READ, b"/etc/shadow": HIDE, b"/home/somebody/x": HIDE, b"/var/lib/x": HIDE,
        b"/srv": HIDE, b"/tmp/x": WRITE, os.fsencode(home / "x"): HIDE,
    }  # fmt: skip
    assert {path: decide(path).right for path in expected} == expected
    assert decide(os.fsencode(home / "project" / "x")).right == READ
    assert not [rule for rule in policy.files if rule.right in (WRITE, LAYER)]


def test_strict_gives_nothing_of_a_home_that_is_the_working_directory(home: Path) -> None:
    assert right(STRICT, place_of(home, "."), home / "x") == HIDE


def test_open_keeps_nothing_from_anybody(home: Path) -> None:
    policy = named(OPEN, place_of(home))
    assert not policy.confines
    assert (policy.network, policy.decide(b"/etc/shadow").right) == (HOST, WRITE)
    assert policy.variables((b"GH_TOKEN=1",)) == (b"GH_TOKEN=1",)


def test_each_name_gives_no_more_than_the_next(home: Path) -> None:
    place = place_of(home)
    nothing, strict, default, everything = (named(name, place) for name in (NOTHING, STRICT, DEFAULT, OPEN))
    # It is a base to add to: it gives no file, no device and no network, and limits nothing.
    given = {more.partition(" ")[0] for more in wider(nothing, strict)}
    assert {each for each in given if not each.startswith("limits.")} == set()
    assert [more for more in wider(strict, default) if not more.startswith("environment")] == []
    assert [more for more in wider(default, everything) if not more.startswith("environment")] == []
    assert wider(default, strict)
    assert wider(everything, default)


@pytest.mark.parametrize("name", BASES)
def test_everything_has_a_source(name: str, home: Path) -> None:
    policy = named(name, place_of(home))
    assert policy.name == name
    sources = [*(rule.source for rule in policy.files), *(rule.source for rule in policy.environment)]
    assert all(source.startswith(name) for source in sources)
    assert {"network", "session", "private-tmp", "limits.memory", "limits.wall-time"} <= policy.sources.keys()
    assert all(f"devices {path.decode()}" in policy.sources for path in policy.devices)


@pytest.mark.parametrize("name", BASES)
def test_paths_are_in_their_simplest_form(name: str, home: Path) -> None:
    for rule in named(name, place_of(home, CARGO_HOME="/srv//cargo/../c/", KUBECONFIG="/a/b:rel:/c/")).files:
        named(OPEN, place_of(home)).decide(rule.path)


def test_variables_name_secrets_and_caches_elsewhere(home: Path) -> None:
    environment = {
        "KUBECONFIG": "/srv/kube/one:/srv/kube/two", "CARGO_HOME": "/srv/cargo", "XDG_CONFIG_HOME": str(home / "cfg"),
        "GNUPGHOME": "/", "AWS_CONFIG_FILE": "relative",
    }  # fmt: skip
    place = place_of(home, **environment)
    decide = named(DEFAULT, place).decider()
    assert decide(b"/srv/kube/two").right == HIDE
    assert decide(b"/srv/kube").right == READ
    assert decide(b"/srv/cargo/registry").right == LAYER
    assert decide(os.fsencode(home / "cfg" / "gh" / "hosts.yml")).right == HIDE
    assert decide(b"/etc").right == READ


def test_a_secret_that_is_a_link_is_hidden_where_it_is(home: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (home / ".ssh").symlink_to(tmp_path / "keys")
    assert right(DEFAULT, place_of(home), tmp_path / "keys" / "id") == HIDE


def test_homes_by_the_account_and_by_home_are_both_kept(home: Path, tmp_path: Path) -> None:
    place = place_of(home)
    place.accounts = {os.getuid(): str(tmp_path / "real"), 1001: "/data/homes/you", 65534: "/nonexistent", 5: "/"}
    decide = named(DEFAULT, place).decider()
    assert decide(os.fsencode(tmp_path / "real" / ".ssh")).right == HIDE
    assert decide(os.fsencode(tmp_path / "real" / "x")).right == READ
    assert decide(b"/data/homes/you/x").right == HIDE
    assert decide(b"/data").right == READ


@pytest.mark.parametrize("directory", ["/", "/tmp", "/var/tmp", "/usr", "/etc", "/home", "/proc/self", "/dev/shm"])
def test_a_directory_of_everybody_is_not_made_writable(directory: str, home: Path) -> None:
    place = Place({"HOME": str(home)}, directory, os.getuid())
    assert working_directory_note(place)
    assert [rule for rule in named(DEFAULT, place).files if rule.source == "default: working directory"] == []


def test_above_the_home_nothing_is_made_writable(home: Path) -> None:
    place = place_of(home, "..")
    assert "is not made writable" in str(working_directory_note(place))
    assert not [rule for rule in named(DEFAULT, place).files if rule.source == "default: working directory"]
    assert working_directory_note(place_of(home)) is None


def test_in_the_home_what_starts_later_is_not_writable(home: Path) -> None:
    place = place_of(home, ".")
    assert right(DEFAULT, place, home / "x") == WRITE
    for path in (".bashrc", ".config/autostart/x", ".config/picobox/config.toml", ".local/bin/x"):
        assert right(DEFAULT, place, home / path) == READ
    assert right(DEFAULT, place, home / ".ssh" / "authorized_keys") == HIDE
    assert right(DEFAULT, place, home / ".local/state/picobox/x") == HIDE


def test_variables_with_secrets_are_left_out(home: Path) -> None:
    given = (
        b"PATH=/bin",
        b"GH_TOKEN=1",
        b"AWS_SECRET_ACCESS_KEY=1",
        b"SSH_AUTH_SOCK=/x",
        b"TMPDIR=/scratch",
        b"TMP=/tmp",
    )
    place = place_of(home, TMPDIR="/scratch", TMP="/tmp")
    assert named(DEFAULT, place).variables(given) == (b"PATH=/bin", b"TMP=/tmp")
    assert named(STRICT, place).variables(given) == (b"PATH=/bin",)


def test_names_are_those_of_the_issue() -> None:
    assert NAMES == ("strict", "default", "open")
