"""Settings: where they are found, which of them win, and how every mistake in them is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from picobox.errors import PicoboxError
from picobox.findings.config import Config, Drive, Ignore, load


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, and a user who has no settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "project" / ".git").mkdir(parents=True)
    return tmp_path / "project"


def test_every_key(project: Path) -> None:
    (project / "picobox.toml").write_text(
        """
        profile = "windows10"
        enforce = true
        fail-on = "never"
        format = "sarif"
        output = "out/%p.sarif"
        baseline = "known.json"
        windows-prefix = 'C:\\src\\project'
        share = ["python3=RWD", "R"]
        [rules]
        PB010 = "off"
        PB022 = "error"
        [[drive]]
        letter = "d:"
        path = "/srv"
        [[drive]]
        letter = "E"
        path = "data"
        [[ignore]]
        rule = "PB010"
        path = "vendor/**"
        process = "git*"
        reason = "not ours"
        [[ignore]]
        rules = ["PB011", "PB012"]
        """
    )
    place = str(project)
    assert load(place) == Config(
        profile="windows10",
        enforce=True,
        fail_on="never",
        format="sarif",
        output=f"{place}/out/%p.sarif",
        baseline=f"{place}/known.json",
        windows_prefix="C:\\src\\project",
        share=("python3=RWD", "R"),
        rules={"PB010": "off", "PB022": "error"},
        drives=(Drive("D", "/srv"), Drive("E", f"{place}/data")),
        ignores=(
            Ignore(("PB010",), "vendor/**", "git*", "not ours", place, "picobox.toml, ignore 1"),
            Ignore(("PB011", "PB012"), "", "", "", place, "picobox.toml, ignore 2"),
        ),
        directory=place,
    )


def test_a_policy_beside_the_settings_is_left_to_who_reads_policies(project: Path) -> None:
    (project / "picobox.toml").write_text("fail-on = 'note'\n[policy]\nnetwrok = 1\n")
    assert load(str(project)) == Config(fail_on="note", directory=str(project))
    (project / "picobox.toml").write_text("policy = 3\n")
    with pytest.raises(PicoboxError, match=r"policy: \[policy\] is expected, not 3"):
        load(str(project))


def test_the_example_of_the_documents_names_every_key(project: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    (project / "picobox.toml").write_text(text.partition("```toml\n")[2].partition("```")[0])
    found = load(str(project))
    assert [name for name, value in found._asdict().items() if value in (None, (), {}, "")] == ["warnings"]
    assert (found.drives[0].path, found.ignores[0].rules) == (f"{project}/data", ("PB010", "PB024"))


def test_the_nearest_file_counts(project: Path) -> None:
    below = project / "src" / "deep"
    below.mkdir(parents=True)
    assert load(str(below)) == Config()
    (project / "pyproject.toml").write_text('[tool.picobox]\nfail-on = "error"\n')
    assert load(str(below)).fail_on == "error"
    # A pyproject.toml of something else is none of ours.
    (project / "src" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert load(str(below)).fail_on == "error"
    (project / "src" / "picobox.toml").write_text('fail-on = "note"\n')
    assert load(str(below)).fail_on == "note"
    assert load(str(below)).directory == str(project / "src")


def test_of_two_files_in_one_directory_the_own_one_counts_and_that_is_told(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.picobox]\nfail-on = "error"\nprofile = "windows10"\n')
    (project / "picobox.toml").write_text('fail-on = "note"\n')
    found = load(str(project))
    assert (found.fail_on, found.profile) == ("note", None)
    (warning,) = found.warnings
    assert "[tool.picobox] is not read" in warning
    (project / "pyproject.toml").write_text("[tool.other]\n")
    assert load(str(project)).warnings == ()


def test_nothing_is_read_above_the_repository_or_where_everybody_may_write(tmp_path: Path, project: Path) -> None:
    (tmp_path / "picobox.toml").write_text('fail-on = "note"\n')
    assert load(str(project)).fail_on is None
    (project / ".git").rmdir()
    assert load(str(project)).fail_on == "note"
    tmp_path.chmod(0o1777)
    assert load(str(project)).fail_on is None
    # Whoever starts there means it.
    assert load(str(tmp_path)).fail_on == "note"


def test_the_user_s_settings_lie_below(tmp_path: Path, project: Path) -> None:
    (tmp_path / "home" / "picobox").mkdir(parents=True)
    (tmp_path / "home" / "picobox" / "config.toml").write_text(
        'fail-on = "note"\nprofile = "windows10"\nshare = ["R"]\n[rules]\nPB010 = "off"\nPB011 = "off"\n'
        '[[drive]]\nletter = "D"\npath = "/d"\n[[drive]]\nletter = "E"\npath = "/e"\n[[ignore]]\nprocess = "vim"\n'
    )
    (project / "picobox.toml").write_text(
        'fail-on = "error"\nenforce = false\nshare = ["W"]\n[rules]\nPB010 = "error"\n'
        '[[drive]]\nletter = "D"\npath = "/other"\n[[ignore]]\nprocess = "git"\n'
    )
    found = load(str(project))
    assert (found.fail_on, found.profile, found.enforce) == ("error", "windows10", False)
    assert found.rules == {"PB010": "error", "PB011": "off"}
    assert found.share == ("R", "W")
    assert found.drives == (Drive("D", "/other"), Drive("E", "/e"))
    assert [entry.process for entry in found.ignores] == ["vim", "git"]
    assert found.directory == str(project)


def test_a_file_that_is_named_replaces_the_project_s(project: Path, tmp_path: Path) -> None:
    (project / "picobox.toml").write_text('fail-on = "error"\n')
    other = tmp_path / "ci.toml"
    other.write_text('profile = "windows10"\n')
    found = load(str(project), str(other))
    assert (found.fail_on, found.profile, found.directory) == (None, "windows10", str(tmp_path))
    with pytest.raises(PicoboxError, match="No such file"):
        load(str(project), str(tmp_path / "none.toml"))
    (tmp_path / "pyproject.toml").write_text("[tool]\n")
    with pytest.raises(PicoboxError, match=r"no \[tool.picobox\] in it"):
        load(str(project), str(tmp_path / "pyproject.toml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('profil = "windows11"', "profil: unknown key, the nearest is profile"),
        ("fail_on = 3", "fail_on: unknown key, the nearest is fail-on"),
        ("zzz = 3", "zzz: unknown key, known are profile, enforce, fail-on"),
        ('profile = "nt"', 'profile: "windows10" or "windows11" is expected, not "nt"'),
        ("profile = [1]", 'profile: "windows10" or "windows11" is expected, not [1]'),
        ("enforce = 1", "enforce: true or false is expected, not 1"),
        ('fail-on = "warn"', 'fail-on: "note" or "warning" or "error" or "never" is expected, not "warn"'),
        ("fail-on = true", "is expected, not true"),
        ('format = "xml"', 'format: "text" or "json"'),
        ("output = 1979-05-27", "output: a string is expected, not"),
        ('output = ""', "output: a string is expected"),
        ('baseline = "a\\u0000"', 'baseline: a string is expected, not "a?"'),
        ("share = [1]", "share: a string or a list of strings is expected, not [1]"),
        ('rules = "PB010"', "rules: a table, such as"),
        ('[rules]\nPB10 = "off"', 'rules: no rule "PB10", the nearest is PB010'),
        ('[rules]\nPB010 = "of"', 'rules.PB010: "off" or "note" or "warning" or "error" is expected, not "of"'),
        ('drive = "C"', "drive: [[drive]] is expected"),
        ('[drive]\nletter = "C"', "drive: [[drive]] is expected, not a table"),
        ('[[drive]]\nletter = "C"', 'drive 1: write letter = "D" and path = "DIR"'),
        ('[[drive]]\nletter = "CD"\npath = "."', 'drive 1: letter: a letter, such as "D", is expected, not "CD"'),
        ('[[drive]]\nleter = "C"\npath = "."', "drive 1: leter: unknown key, the nearest is letter"),
        ('[[drive]]\nletter="C"\npath="."\n[[drive]]\nletter="c:"\npath="/"', "drive: C: is there twice"),
        ('[[ignore]]\nreason = "x"', "ignore 1: it would ignore everything"),
        ("[[ignore]]", "ignore 1: it would ignore everything"),
        ('[[ignore]]\nrule = "PB999"', 'ignore 1: rule: no rule "PB999"'),
        ('[[ignore]]\nrule = "PB010"\n[[ignore]]\npath = 3', "ignore 2: path: a string is expected, not 3"),
        ("x = ", "Invalid value"),
        ("[tool]\nx = 1", "tool: unknown key"),
    ],
)
def test_mistakes_are_told_in_a_line(project: Path, text: str, told: str) -> None:
    file = project / "picobox.toml"
    file.write_text(text)
    with pytest.raises(PicoboxError) as caught:
        load(str(project))
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert told in message
    assert "\n" not in message


def test_all_mistakes_of_a_file_are_told_at_once(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.picobox]\nprofil = 1\nenforce = 2\n[tool.picobox.rules]\nPB1 = "off"\n'
        '[[tool.picobox.ignore]]\npth = "x"\n'
    )
    with pytest.raises(PicoboxError) as caught:
        load(str(project))
    assert [word for word in ("profil:", "enforce:", "PB1", "pth:") if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"picobox = '\xff'", "is not UTF-8"),
        (b"picobox = " + b"[" * 100_000, "nested too deeply"),
        (b"[tool]\npicobox = 3", "Write it as a table"),
    ],
)
def test_files_that_hold_no_toml(project: Path, content: bytes, told: str) -> None:
    (project / "pyproject.toml").write_bytes(content)
    with pytest.raises(PicoboxError, match=told) as caught:
        load(str(project))
    assert str(caught.value).startswith(str(project / "pyproject.toml"))


def test_what_others_have_in_a_file_is_not_looked_at(project: Path) -> None:
    (project / "pyproject.toml").write_text("no TOML")
    assert load(str(project)) == Config()
    (project / "picobox.toml").write_text("no TOML")
    with pytest.raises(PicoboxError):
        load(str(project))


def test_files_that_cannot_be_read(project: Path) -> None:
    (project / "picobox.toml").mkdir()
    with pytest.raises(PicoboxError, match="Is a directory"):
        load(str(project))


def test_no_toml_is_read_where_there_is_no_file(project: Path) -> None:
    script = "import sys; from picobox.findings.config import load; load('.'); sys.exit('tomllib' in sys.modules)"
    repository = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project, env={**os.environ, "PYTHONPATH": repository}, check=False
    )
    assert done.returncode == 0
