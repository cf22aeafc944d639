"""The verb report, and what check, names and report share: options, settings below them, exit status, files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from picobox.cli import main
from picobox.findings import record
from picobox.findings.finding import Finding, Frame, Process, Report, Side

from .command import picobox

if TYPE_CHECKING:
    from collections.abc import Callable

BUG = 'import os\nf = open("x", "w")\nos.unlink("x")\n'


def finding(directory: str, severity: str = "error", name: str = "a.log") -> Finding:
    path = f"{directory}/{name}"
    side = Side(Process(7, "python3.11"), "unlink", path, 5.0)
    site = Frame(f"{directory}/src/x.py", "f", 1)
    return Finding("PB010", severity, 0xC0000043, path, f"{name} is deleted while it is open", side, site=site)


def report(directory: str, *findings: Finding, status: int = 0) -> Report:
    return Report("windows11", False, ("make",), directory, "D:\\a", 1.0, 9.0, status, findings)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a source, to work in; no settings but its own."""
    for name in list(os.environ):
        if name.startswith("PICOBOX"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    directory = tmp_path / "project"
    (directory / ".git").mkdir(parents=True)
    (directory / "src").mkdir()
    (directory / "src" / "x.py").write_text("f()\n")
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def written(project: Path) -> Callable[..., str]:
    """Writes a report of the project to a file."""

    def write(name: str, *findings: Finding, status: int = 0) -> str:
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(record.dumps(report(str(project), *findings, status=status)))
        return str(path)

    return write


def read(path: Path) -> Report:
    return record.loads(path.read_text())


def test_reports_of_jobs_are_told_as_one(
    project: Path, written: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    here = str(project)
    first = written("jobs/1.json", finding(here), status=3)
    written("jobs/2.json", finding(here), finding(here, name="b.log"))
    (project / "jobs" / "other.json").write_text("{}")
    assert main(["report", "jobs", first, "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(each["path"], each["count"]) for each in told["findings"]] == [(f"{here}/a.log", 2), (f"{here}/b.log", 1)]


@pytest.mark.parametrize(
    ("severity", "options", "status"),
    [
        ("error", [], 1),
        ("warning", [], 1),
        ("note", [], 0),
        ("note", ["--fail-on", "note"], 1),
        ("warning", ["--fail-on", "error"], 0),
        ("error", ["--fail-on", "never"], 0),
    ],
)
def test_the_exit_status_is_that_of_the_findings(
    project: Path, written: Callable[..., str], severity: str, options: list[str], status: int
) -> None:
    assert main(["report", *options, written("r.json", finding(str(project), severity), status=7)]) == status


def test_settings_say_what_counts(project: Path, written: Callable[..., str]) -> None:
    path = written("r.json", finding(str(project)))
    settings = project / "picobox.toml"
    for text, status in (
        ('[rules]\nPB010 = "off"', 0),
        ('[rules]\nPB010 = "note"', 0),
        ('fail-on = "note"\n[rules]\nPB010 = "note"', 1),
        ('[[ignore]]\nrule = "PB010"\npath = "*.log"', 0),
        ('[[ignore]]\nrule = "PB010"\npath = "*.txt"', 1),
    ):
        settings.write_text(text)
        assert main(["report", path]) == status, text
    assert main(["report", "--no-config", path]) == 1


def test_flags_win_over_variables_and_variables_over_settings(
    project: Path, written: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("r.json", finding(str(project), "warning"))
    (project / "picobox.toml").write_text('fail-on = "note"')
    assert main(["report", path]) == 1
    monkeypatch.setenv("PICOBOX_FAIL_ON", "error")
    assert main(["report", path]) == 0
    assert main(["report", "--fail-on", "warning", path]) == 1


def test_a_comment_in_the_source_counts_and_its_reason_is_kept(project: Path, written: Callable[..., str]) -> None:
    path = written("r.json", finding(str(project)))
    (project / "src" / "x.py").write_text("f()  # picobox: ignore PB010 - closed later\n")
    assert main(["report", path, "--format", "json", "-o", "out.json"]) == 0
    (told,) = read(project / "out.json").findings
    assert (told.suppressed, told.reason) == ("comment", "closed later")


def test_a_baseline_is_written_and_makes_known_findings_pass(
    project: Path, written: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    here = str(project)
    path = written("r.json", finding(here))
    assert main(["report", path, "--write-baseline", "known.json"]) == 0
    assert main(["report", path, "--baseline", "known.json"]) == 0
    (project / "picobox.toml").write_text('baseline = "known.json"')
    assert main(["report", path]) == 0
    (project / "known.json").unlink()
    assert main(["report", path]) == 125
    assert main(["report", path, "--write-baseline", "known.json"]) == 0
    assert main(["report", path]) == 0
    assert main(["report", written("s.json", finding(here), finding(here, name="new.log"))]) == 1
    capsys.readouterr()
    assert main(["report", "-v", written("t.json")]) == 0
    assert "1 of 1 entries did not occur: PB010 a.log" in capsys.readouterr().err


def test_a_checkout_that_is_elsewhere_is_taken_for_this_one(project: Path) -> None:
    (project / "r.json").write_text(record.dumps(report("/builds/7/app", finding("/builds/7/app"))))
    (project / "src" / "x.py").write_text("f()  # picobox: ignore PB010\n")
    assert main(["report", "r.json", "--format", "json", "-o", "out.json"]) == 0
    told = read(project / "out.json")
    assert (told.directory, told.findings[0].path) == (str(project), f"{project}/a.log")


def test_settings_of_where_a_check_writes_are_not_for_report(
    project: Path, written: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = written("r.json", finding(str(project)))
    before = Path(path).read_text()
    (project / "picobox.toml").write_text('format = "json"\noutput = "r.json"')
    assert main(["report", path]) == 1
    assert "PB010" in capsys.readouterr().out
    assert Path(path).read_text() == before


def test_the_output_is_replaced_as_a_whole(project: Path, written: Callable[..., str]) -> None:
    path = written("r.json", finding(str(project)))
    target = project / "real.json"
    target.write_text("old")
    target.chmod(0o640)
    (project / "link.json").symlink_to(target)
    with target.open() as old:
        main(["report", path, "--format", "json", "-o", "link.json"])
        assert old.read() == "old"
    assert len(read(target).findings) == 1
    assert target.stat().st_mode & 0o777 == 0o640
    assert (project / "link.json").is_symlink()
    assert sorted(each.name for each in project.glob("*.json*")) == ["link.json", "r.json", "real.json"]


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["report", "none.json"], "none.json: No such file"),
        (["report", "src"], "src: no report in it"),
        (["report", "src/x.py"], "src/x.py"),
        (["report", "r.json", "-o", "no/such/x"], "there is no directory"),
        (["report", "r.json", "-o", "src"], "Is a directory"),
        (["report", "r.json", "--baseline", "none"], "none: No such file"),
        (["report", "r.json", "--baseline", "r.json"], "r.json: no baseline"),
        (["report", "r.json", "--write-baseline", "no/x"], "there is no directory"),
        (["report", "r.json", "--config", "none.toml"], "none.toml: No such file"),
        (["report", "r.json", "cut.json"], "cut.json is no JSON"),
        (["report", "r.json", "ten.json"], "windows10 and windows11 cannot be merged"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_line(
    project: Path, written: Callable[..., str], capsys: pytest.CaptureFixture[str], words: list[str], cause: str
) -> None:
    path = Path(written("r.json", finding(str(project))))
    (project / "cut.json").write_text(path.read_text()[:-40])
    (project / "ten.json").write_text(path.read_text().replace("windows11", "windows10"))
    assert main(words) == 125
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("picobox: ")
    assert told.err.count("\n") == 1
    assert cause in told.err


@pytest.mark.parametrize(
    ("variable", "words", "cause"),
    [
        ("PICOBOX_FAIL_ON", ["report", "r.json"], "PICOBOX_FAIL_ON=x: choose from note, warning, error, never"),
        ("PICOBOX_FORMAT", ["report", "r.json"], "PICOBOX_FORMAT=x: choose from text"),
        ("PICOBOX_CONFIG", ["report", "--no-config", "r.json"], "--no-config and --config x"),
        ("NOTHING", ["report"], "FILE|DIR"),
        ("NOTHING", ["report", "r.json", "--format", "xml"], "'xml'"),
    ],
)
def test_bad_usage(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str,
    words: list[str], cause: str,
) -> None:  # fmt: skip
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 125
    assert cause in capsys.readouterr().err


def test_drives_of_settings_leave_the_directory_for_temporary_files(tmp_path: Path, project: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "tmp").mkdir()
    (project / "picobox.toml").write_text('[[drive]]\nletter = "D"\npath = "../data"\n')
    home = {"XDG_CONFIG_HOME": os.environ["XDG_CONFIG_HOME"], "TMPDIR": str(tmp_path / "tmp")}
    script = (
        f"import os; files = [open(d + '/x', 'w') for d in ('{tmp_path}/data', '{tmp_path}/tmp')]\n"
        "for file in files: os.unlink(file.name)"
    )
    words = ("check", "-w", project, "--format", "json", "-o", project / "r.json", "--", "python3", "-c", script)
    assert picobox(*words, env=home).returncode == 1
    found = read(project / "r.json")
    assert {each.path for each in found.findings} == {f"{tmp_path}/data/x", f"{tmp_path}/tmp/x"}


@pytest.mark.parametrize(
    ("words", "variables", "cause"),
    [
        (["-w", "/no/such"], {}, "-w /no/such: No such file or directory. Name a directory that is there."),
        ([], {"TMPDIR": "/no/such"}, "TMPDIR=/no/such: No such file or directory. Name a directory that is there."),
    ],
)
def test_a_check_without_its_directories(words: list[str], variables: dict[str, str], cause: str) -> None:
    done = picobox("check", *words, "--", "true", env=variables)
    assert done.returncode == 125
    assert done.stderr.decode() == f"picobox: {cause}\n"


def test_a_check_by_its_settings(project: Path) -> None:
    (project / "bug.py").write_text(BUG)
    home = {"XDG_CONFIG_HOME": os.environ["XDG_CONFIG_HOME"]}
    words = ("check", "-w", project, "--format", "json", "-o", project / "r-%p.json")
    done = picobox(*words, "--", "python3", "bug.py", env=home)
    assert done.returncode == 1
    (file,) = project.glob("r-*.json")
    assert file.stem[2:].isdecimal()
    found = read(file)
    assert [(each.rule, each.path) for each in found.findings] == [("PB010", f"{project}/x")]
    assert found.profile == "windows11"
    (project / "picobox.toml").write_text(
        'profile = "windows10"\nformat = "json"\noutput = "out.json"\n[rules]\nPB010 = "note"\n'
    )
    done = picobox("check", "-w", project, "--", "python3", "bug.py", env=home)
    assert done.returncode == 0
    found = read(project / "out.json")
    assert (found.profile, found.findings[0].severity) == ("windows10", "note")
    # The program's own status goes before what was found.
    done = picobox(*words, "--fail-on", "note", "--", "sh", "-c", "python3 bug.py; exit 4", env=home)
    assert done.returncode == 4
