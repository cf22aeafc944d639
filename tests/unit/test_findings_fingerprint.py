"""What a fingerprint keeps of a finding, and what it leaves out since it differs from run to run."""

from __future__ import annotations

import pytest
import sample_report as sample

from picobox.findings.finding import Frame, Process
from picobox.findings.fingerprint import Roots, fingerprint, normal_path, program_of

ROOTS = Roots("/home/me/project", ("/tmp", "/home/me/project/.scratch"))

PATHS = [
    # What is not random stays, and what lies elsewhere too.
    ("/home/me/project/data/a.txt", "data/a.txt"),
    ("/home/me/project", "."),
    ("/home/me/projects/a.txt", "/home/me/projects/a.txt"),
    ("/tmp", "$TMPDIR"),
    ("/tmp/a.txt", "$TMPDIR/a.txt"),
    ("/tmp/cache/locks/a-1.lock", "$TMPDIR/cache/locks/a-1.lock"),
    # The deepest directory that holds a path is what it is told by.
    ("/home/me/project/.scratch/x", "$TMPDIR/x"),
    # pytest, with xdist and without.
    ("/tmp/pytest-of-me/pytest-12/test_a0/f", "$TMPDIR/pytest-of-*/pytest-*/test_a*/f"),
    ("/tmp/pytest-of-you/pytest-3/popen-gw1/test_a7/f", "$TMPDIR/pytest-of-*/pytest-*/test_a*/f"),
    ("/tmp/pytest-of-me/pytest-12", "$TMPDIR/pytest-of-*/pytest-*"),
    ("/home/me/project/out/pytest-3/test_b1", "out/pytest-*/test_b*"),
    ("/home/me/project/pytest-plugin/f", "pytest-plugin/f"),
    # tempfile of Python, here and below; of Rust; mktemp(1); mkdtemp of node; go test.
    ("/tmp/tmpab12cd34", "$TMPDIR/tmp*"),
    ("/tmp/tmpabcdefgh.txt", "$TMPDIR/tmp*.txt"),
    ("/home/me/project/tmpab_2cd34/x", "tmp*/x"),
    ("/home/me/project/tmpdir/x", "tmpdir/x"),
    ("/home/me/project/tmp_path_factory/x", "tmp_path_factory/x"),
    ("/home/me/project/.tmpAbCd12", ".tmp*"),
    ("/tmp/tmp.Ab12Cd34Ef/x", "$TMPDIR/tmp.*/x"),
    ("/tmp/npm-Ab3dE9/x", "$TMPDIR/npm-*/x"),
    ("/tmp/npm-abcdef/x", "$TMPDIR/npm-*/x"),
    ("/tmp/TestRead123456789/001/x", "$TMPDIR/Tes*/001/x"),
    # Digests, ids, times, objects of git.
    ("/home/me/project/log-123e4567-e89b-12d3-a456-426614174000.txt", "log-*.txt"),
    ("/home/me/project/cache/0f343b0931126a20f133d67c2b018a3b/x", "cache/*/x"),
    ("/home/me/project/cache/deadbeef/x", "cache/deadbeef/x"),
    ("/home/me/project/x.1234567.log", "x.*.log"),
    ("/home/me/project/report-2024.csv", "report-2024.csv"),
    ("/home/me/project/.git/objects/4b/825dc642cb6eb9a060e54bf8d69288fbee4904", ".git/objects/*/*"),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_paths_are_told_without_their_random_parts(path: str, expected: str) -> None:
    assert normal_path(path, ROOTS) == expected


def test_a_normal_path_stays_one() -> None:
    for path, expected in PATHS:
        if not expected.startswith(("$", "/")):
            assert normal_path(f"{ROOTS.directory}/{expected}", ROOTS) in (expected, "."), path


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("python3.11", "python"), ("python3", "python"), ("python", "python"), ("pypy3.10", "pypy"), ("node", "node"),
        ("perl5.36.0", "perl"), ("ruby3.1", "ruby"), ("python-config", "python-config"),
        ("test1", "test1"), ("7z", "7z"),
    ],
)  # fmt: skip
def test_an_interpreter_s_version_does_not_count(name: str, program: str) -> None:
    assert program_of(name) == program


def test_what_a_fingerprint_leaves_out() -> None:
    directory = ROOTS.directory
    finding = sample.conflict(directory)
    assert finding.site is not None
    expected = ("PB011", "logs/app.log", "src/rotate.py", "rotate", "python")
    assert fingerprint(finding, ROOTS) == expected
    other = finding._replace(
        severity="note", status=0, message="", count=9, test="", others=(), suppressed="config", reason="x",
        site=finding.site._replace(line=99),
        side=finding.side._replace(time=0.0, handle=1, fd=1, stack=(), process=Process(1, "python3.13", ())),
    )  # fmt: skip
    assert fingerprint(other, ROOTS) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "PB012"},
        {"path": "/home/me/project/logs/other.log"},
        {"site": None},
        {"site": Frame("/home/me/project/src/rotate.py", "turn", 6)},
        {"site": Frame("/home/me/project/src/other.py", "rotate", 6)},
        {"side": sample.conflict("/home/me/project").side._replace(process=Process(1, "tail", ()))},
    ],
)
def test_what_a_fingerprint_is_made_of(change: dict[str, object]) -> None:
    finding = sample.conflict(ROOTS.directory)
    changed = fingerprint(finding._replace(**change), ROOTS)  # type: ignore[arg-type]
    assert changed != fingerprint(finding, ROOTS)
    assert changed.digest() != fingerprint(finding, ROOTS).digest()


def test_a_fingerprint_names_no_directory_of_this_machine() -> None:
    finding = sample.conflict("/srv/ci/jobs/17/project")
    found = fingerprint(finding, ROOTS)
    assert found.path == ".../logs/app.log"
    assert found.file == ".../src/rotate.py"


def test_checkouts_in_two_places_give_one_fingerprint() -> None:
    first, second = "/home/me/project", "/builds/42/project"
    assert fingerprint(sample.conflict(first), Roots(first)) == fingerprint(sample.conflict(second), Roots(second))


def test_what_a_program_lacks_has_one_fingerprint_among_temporary_files() -> None:
    (links,) = sample.links(ROOTS.directory).findings
    assert fingerprint(links, ROOTS) == ("PB019", "$TMPDIR", "", "", "python")
    assert fingerprint(links._replace(path="/home/me/project/link"), ROOTS)[1:4:2] == ("link", "test_one")
    assert fingerprint(links._replace(path="/home/me/project/.scratch/link"), ROOTS).path == "$TMPDIR"
    assert fingerprint(links._replace(rule="PB021"), ROOTS).function == "test_one"


def test_a_digest_does_not_change() -> None:
    """Others keep it: GitHub knows by it which alerts are old."""
    found = fingerprint(sample.conflict(ROOTS.directory), ROOTS)
    assert found.digest() == "fa65d6fa5bde8e163bfadf43c086770e"
    for finding in sample.hostile("/d").findings:
        assert len(fingerprint(finding, ROOTS).digest()) == 32
