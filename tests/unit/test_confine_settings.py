"""Policies from files and flags: what they mean, which of them counts, and how every mistake is told."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from picobox.cli.policies import policy_options
from picobox.confine.choice import Chosen, choose, trust, wanted_policy
from picobox.confine.flags import flags_of
from picobox.confine.place import Place
from picobox.confine.policy import (
    ALL_DEVICES,
    HIDE,
    HOST,
    KEPT,
    LAYER,
    LOOPBACK,
    NONE,
    OWN,
    READ,
    STANDARD_DEVICES,
    WRITE,
    Drive,
    Policy,
)
from picobox.confine.show import as_json, as_toml
from picobox.confine.values import KINDS, limit, written
from picobox.errors import PicoboxError
from picobox.findings.toml_lines import line_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A repository of a user who has no settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "me").mkdir()
    environment = {"HOME": str(tmp_path / "me"), "XDG_STATE_HOME": str(tmp_path / "state"), "DATA": "/srv/data"}
    found = Place(environment, str(tmp_path / "project"), os.getuid())
    found.accounts = {}
    return found


def policy_of(text: str, place: Place, name: str = "policy.toml") -> Policy:
    file = f"{place.directory}/{name}"
    with open(file, "w", encoding="utf-8") as written:
        written.write(text)
    return wanted_policy(file, place)


def right(policy: Policy, path: str) -> str:
    return policy.decide(path.encode()).right


EVERY_KEY = """
[policy]
extends = "strict"
network = "loopback"
session = "kept"
private-tmp = false
devices = ["/dev/kvm"]
[policy.files]
read = ["~/notes", "$DATA/in"]
write = "out"
hide = ["/srv", "/etc/*-secret"]
layer = ["${DATA}/cache"]
[policy.environment]
keep = ["*"]
unset = ["LD_*"]
set = {CI = "1"}
[policy.limits]
memory = "2G"
processes = 10
open-files = "none"
file-size = 4096
cpu-time = "1.5m"
wall-time = 7
[policy.drives]
d = "data"
"""


def test_every_key(place: Place) -> None:
    policy = policy_of(EVERY_KEY, place)
    home, here = place.home, place.directory
    expected = {
        f"{home}/notes/x": READ, f"{home}/x": HIDE, "/srv/data/in": READ, "/srv/data": HIDE, "/srv/data/cache/x": LAYER,
        f"{here}/out/x": WRITE, f"{here}/x": READ, "/usr/x": READ, "/tmp": HIDE,
    }  # fmt: skip
    assert {path: right(policy, path) for path in expected} == expected
    assert (policy.network, policy.session, policy.private_tmp) == (LOOPBACK, KEPT, False)
    assert b"/dev/kvm" in policy.devices
    assert b"/dev/null" in policy.devices
    assert policy.limits == (2 << 30, 10, None, 4096, 90.0, 7.0)
    assert policy.drives == (Drive("D", f"{here}/data".encode(), f"{here}/policy.toml: drives"),)
    assert policy.variables((b"LD_PRELOAD=x", b"HOME=/x")) == (b"HOME=/x", b"CI=1")
    assert policy.sources["limits.memory"] == f"{here}/policy.toml: limits.memory"
    assert policy.sources["devices /dev/kvm"] == f"{here}/policy.toml: devices"
    assert policy.decide(f"{here}/out".encode()).source == f"{here}/policy.toml: files.write"


@pytest.mark.parametrize(
    "head", ["[policy]\n", "", "[tool.picobox.policy]\n"], ids=["below policy", "bare", "pyproject"]
)
def test_a_file_may_be_nothing_but_a_policy(head: str, place: Place) -> None:
    name = "pyproject.toml" if "tool" in head else "p.toml"
    policy = policy_of(f'{head}extends = "nothing"\nnetwork = "host"\n', place, name)
    assert (policy.network, policy.files, policy.devices) == (HOST, (), STANDARD_DEVICES)


def test_without_extends_it_is_the_default_that_is_changed(place: Place) -> None:
    policy = policy_of("[policy.files]\nwrite = ['/srv']\n", place)
    assert (policy.network, right(policy, "/srv/x"), right(policy, "/etc/shadow")) == (LOOPBACK, WRITE, HIDE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[policy]\nnetwrok = 'none'", "line 2: policy.netwrok: unknown key, the nearest is network"),
        ("netwrok = 'none'\nnetwork = 'none'", "line 1: netwrok: unknown key, the nearest is network"),
        ("[polcy]\nx = 1\n[policy]", "polcy: unknown key, the nearest is policy"),
        ("[rules]\nPB010 = 'off'", "there is no [policy] in it"),
        ("policy = 3", "policy is a int. Write it as a table"),
        ("[policy]\n\nnetwork = 'lan'", 'line 3: policy.network: "none" or "loopback" or "host" is expected'),
        ("[policy]\nextends = 'x'", 'policy.extends: "strict" or "default" or "open" or "nothing" is expected'),
        ("[policy]\nsession = true", "policy.session: "),
        ("[policy]\nprivate-tmp = 'no'", "policy.private-tmp: true or false is expected"),
        ("[policy]\nfiles = ['x']", "line 2: policy.files: [policy.files] is expected"),
        ("[policy.files]\nwirte = ['x']", "line 2: policy.files.wirte: unknown key, the nearest is write"),
        ("[policy]\nfiles = {read = [3]}", "line 2: policy.files.read: a string or a list of strings"),
        ("[policy.files]\nread = ['$NO/x']", "line 2: policy.files.read: $NO/x: no variable NO is set"),
        ("[policy.files]\nread = ['/a']\nhide = ['/a/']", "line 2: policy.files.read: /a is in files.hide too"),
        ("[policy.limits]\nmemory = 'lots'", 'line 2: policy.limits.memory: a size, such as "512M"'),
        ("[policy.limits]\nmemory = 0", "a size"),
        ("[policy.limits]\nmemory = true", "a size"),
        ("[policy.limits]\nmemory = -1", "a size"),
        ("[policy.limits]\nprocesses = 1.5", "a number above 0"),
        ("[policy.limits]\ncpu-time = 'nan'", "a time, such as"),
        ("[policy.limits]\ncpu-tme = 3", "the nearest is cpu-time"),
        ("[policy]\ndevices = ['kvm']", '"kvm" is no device'),
        ("[policy]\ndevices = ['/dev/../etc']", "is no device"),
        ("[policy.environment]\nkeep = ['A=b']", "a name holds no ="),
        ("[policy.environment.set]\nA = 1", "line 2: policy.environment.set.A: a string is expected"),
        ("[policy.environment.set]\n'A=B' = 'x'", "this is no name of a variable"),
        ("[policy.drives]\nDD = 'x'", "a letter is expected"),
        ("[policy.drives]\nD = 3", "a directory is expected"),
        ("[policy", "Mend the TOML there"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(text: str, told: str, place: Place) -> None:
    with pytest.raises(PicoboxError) as caught:
        policy_of(text, place)
    message = str(caught.value)
    assert told in message
    assert message.startswith(f"{place.directory}/policy.toml: ")
    assert "\n" not in message


def test_all_mistakes_are_told_at_once(place: Place) -> None:
    with pytest.raises(PicoboxError, match=r"netwrok.*; line 4: policy\.files\.wirte"):
        policy_of("[policy]\nnetwrok = 'x'\n[policy.files]\nwirte = ''", place)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("defualt", "there is no policy 'defualt', the nearest is default"),
        ("nothing", "there is no policy 'nothing'"),
        ("./gone.toml", "there is no such file"),
        ("gone.toml", "there is no such file"),
    ],
)
def test_an_unknown_policy_is_told_with_the_nearest(wanted: str, told: str, place: Place) -> None:
    with pytest.raises(PicoboxError, match=told.replace(".", r"\.")):
        wanted_policy(wanted, place)


def chosen(place: Place, project: str = "", user: str = "", wanted: str | None = None) -> Chosen:
    if user:
        file = os.path.join(os.environ["XDG_CONFIG_HOME"], "picobox", "config.toml")
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as written:
            written.write(user)
    with open(f"{place.directory}/picobox.toml", "w", encoding="utf-8") as written:
        written.write(project)
    return choose(wanted, "open", place)


def test_what_nobody_names_is_the_usual_one(place: Place) -> None:
    assert chosen(place).policy.name == "open"
    assert chosen(place, "fail-on = 'note'").policy.name == "open"


def test_a_project_may_take_away(place: Place) -> None:
    policy = chosen(place, "[policy]\nnetwork = 'none'\n[policy.files]\nhide = ['.env']").policy
    assert (policy.network, right(policy, f"{place.directory}/.env")) == (NONE, HIDE)
    assert chosen(place, "[policy]\nextends = 'strict'").policy.session == OWN
    assert chosen(place, "[policy.environment]\nunset = ['*']\nkeep = ['PATH']").policy.variables(
        (b"PATH=", b"A=")
    ) == (b"PATH=",)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[policy]\nextends = 'open'", "files.write"),
        ("[policy]\nnetwork = 'host'", "network host"),
        ("[policy.files]\nwrite = ['~/x']", "files.write"),
        ("[policy.files]\nread = ['~/.ssh']", "files.read"),
        ("[policy.environment]\nkeep = ['GH_TOKEN']", "environment.keep GH_TOKEN"),
        ("[policy.environment.set]\nLD_PRELOAD = 'x.so'", "environment.set LD_PRELOAD"),
        ("[policy.limits]\nprocesses = 'none'", "limits.processes none"),
        ("[policy]\ndevices = ['/dev/kvm']", "devices /dev/kvm"),
        ("[policy]\nprivate-tmp = false", "files.read /tmp"),
    ],
    ids=["open", "network", "write", "secret", "token", "preload", "limit", "device", "tmp"],
)
def test_a_project_gets_no_more_until_it_is_trusted(text: str, what: str, place: Place) -> None:
    with pytest.raises(PicoboxError, match="gives more than a project's may by itself") as caught:
        chosen(place, text)
    assert what in str(caught.value)
    file = f"{place.directory}/picobox.toml"
    assert f"picobox policy trust {file}" in str(caught.value)
    # Who names the file knows it.
    assert choose(file, "open", place).policy.name == file
    assert trust(None, place) == file
    chosen(place, f"# a remark\n{text}")
    # As it was then, and no other.
    with pytest.raises(PicoboxError, match="by itself"):
        chosen(place, f"{text}\n[policy.drives]\nD = 'x'")


def test_the_user_s_own_file_may_give_and_lies_below(place: Place) -> None:
    user = "[policy]\nnetwork = 'host'\n[policy.files]\nread = ['~/.aws']"
    policy = chosen(place, user=user).policy
    assert (policy.network, right(policy, f"{place.home}/.aws/config")) == (HOST, READ)
    policy = chosen(place, "[policy.files]\nhide = ['.env']", user).policy
    assert (policy.network, right(policy, f"{place.directory}/.env")) == (HOST, HIDE)
    # What the command line names stands alone.
    assert chosen(place, "[policy]\nnetwork = 'none'", user, wanted="default").policy.network == LOOPBACK


def test_a_working_directory_that_is_not_made_writable_is_told(place: Place) -> None:
    above = Place(place.environment, os.path.dirname(place.home), os.getuid())
    (note,) = choose("default", "open", above).notes
    assert "is not made writable" in note
    assert choose("strict", "open", above).notes == ()
    assert choose("default", "open", place).notes == ()
    # Somebody has: there is nothing to tell.
    assert choose("default", "open", above, flags(above, write=[above.directory])).notes == ()


def flags(place: Place, **given: Any) -> Any:
    values = {option.attribute(): option.default() for option in policy_options()}
    return flags_of(SimpleNamespace(**{**values, **given}), place)


def test_flags_lie_above(place: Place) -> None:
    said = flags(
        place,
        read=["/srv"],
        write=["sub", "~/x"],
        hide=["/usr/share"],
        layer=["/opt"],
        network="none",
        limit=["memory=1G", "processes=none"],
        keep_env=["GH_TOKEN"],
        unset_env=["HOME"],
        device=["/dev"],
        new_session=True,
    )
    policy = choose("default", "open", place, said).policy
    expected = {
        "/srv/x": READ, f"{place.directory}/sub": WRITE, f"{place.home}/x": WRITE, "/usr/share/x": HIDE,
        "/opt/x": LAYER,
    }  # fmt: skip
    assert {path: right(policy, path) for path in expected} == expected
    assert (policy.network, policy.session, policy.devices) == (NONE, OWN, ALL_DEVICES)
    assert policy.limits[:2] == (1 << 30, None)
    assert policy.variables((b"GH_TOKEN=1", b"HOME=/x", b"A_TOKEN=1")) == (b"GH_TOKEN=1",)
    assert {policy.sources[key] for key in ("network", "session", "limits.memory", "devices /dev")} == {
        "--network", "--new-session", "--limit", "--device",
    }  # fmt: skip
    assert policy.decide(b"/srv").source == "--read"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"limit": ["memroy=1"]}, "--limit memroy=1: unknown limit memroy, the nearest is memory"),
        ({"limit": ["memory"]}, "a size"),
        ({"limit": ["processes=many"]}, "a number above 0"),
        ({"read": ["$NO"]}, "--read $NO: no variable NO is set"),
        ({"read": ["/a"], "hide": ["/a"]}, "--read /a: --hide names it too"),
        ({"write": [""]}, "--write: a path is expected"),
        ({"device": ["kvm"]}, "--device kvm: this is no device"),
    ],
)
def test_a_flag_without_a_meaning_is_told(given: dict[str, Any], told: str, place: Place) -> None:
    with pytest.raises(PicoboxError) as caught:
        flags(place, **given)
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["strict", "default", "open"])
def test_toml_that_is_shown_gives_the_same_policy(name: str, place: Place) -> None:
    policy = wanted_policy(name, place)
    again = policy_of(as_toml(policy), place)
    assert {path: rule.right for path, rule in again.rules().items()} == {
        path: rule.right for path, rule in policy.rules().items()
    }
    assert (again.network, again.session, again.private_tmp) == (policy.network, policy.session, policy.private_tmp)
    assert (again.limits, again.devices, again.drives) == (policy.limits, policy.devices, policy.drives)
    variables = (b"PATH=x", b"GH_TOKEN=x", b"LC_ALL=x", b"DISPLAY=x", b"odd", b"TMPDIR=/x")
    assert again.variables(variables) == policy.variables(variables)


def test_every_key_survives_being_shown(place: Place) -> None:
    policy = policy_of(EVERY_KEY, place)
    again = policy_of(as_toml(policy), place, "again.toml")
    assert again.limits == policy.limits
    assert again.variables((b"X=1",)) == policy.variables((b"X=1",))
    assert [drive[:2] for drive in again.drives] == [drive[:2] for drive in policy.drives]


def test_names_that_toml_cannot_hold(place: Place) -> None:
    policy = choose("default", "open", place, flags(place, read=[os.fsdecode(b"/srv/\xff")])).policy
    with pytest.raises(PicoboxError, match="cannot hold this name"):
        as_toml(policy)
    assert '"b64": "L3Nydi//"' in as_json(policy)


@pytest.mark.parametrize("field", KINDS)
@pytest.mark.parametrize("value", [None, 1, 7, 60, 90, 1024, 1536, 1 << 30, 3600, 86400, 1 << 40])
def test_a_limit_is_written_as_it_is_read(field: str, value: float | None) -> None:
    assert limit(field, written(field, value)) == value


@pytest.mark.parametrize(
    ("text", "value"), [("2g", 2 << 30), ("512 MiB", 512 << 20), ("1KB", 1024), ("10", 10), (10, 10), ("2t", 2 << 40)]
)
def test_sizes(text: object, value: int) -> None:
    assert limit("memory", text) == value


def test_a_link_that_leads_to_a_path_is_kept(place: Place, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (rule,) = flags(place, read=[str(tmp_path / "link" / "x")]).files
    assert (rule.path, rule.written) == (os.fsencode(tmp_path / "real" / "x"), os.fsencode(tmp_path / "link" / "x"))


@pytest.mark.parametrize(
    ("source", "place_wanted", "line"),
    [
        ("[a]\nb = 1\n[a.c]\nd = 2\n", "a.c.d", 4),
        ("[a]\nb = 1\n[a.c]\nd = 2\n", "a.c.x", 3),
        ("a.b.c = 1\n", "a.b.c", 1),
        ("# a = 1\na = {b = 1}\n", "a.b", 2),
        ("x = 1\n", "a", None),
        ("[tool.picobox.policy]\nnetwork = 1\n", "policy.network", 2),
        ("[[a]]\nb = 1\n", "a 1: b", 1),
        ("'a' = 1", "a", 1),
    ],
)
def test_lines_of_keys(source: str, place_wanted: str, line: int | None) -> None:
    assert line_of(source, place_wanted) == line
