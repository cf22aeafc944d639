"""Joining and merging: nothing is lost, nothing counted twice, and the order in which reports come does not count."""

from __future__ import annotations

import itertools

import pytest
import sample_report as sample
from hypothesis import given, settings
from hypothesis import strategies as st

from picobox.errors import PicoboxError
from picobox.findings.finding import SEVERITIES, Finding, Frame, Process, Report, Side
from picobox.findings.fingerprint import Roots, roots_of
from picobox.findings.joining import MOST_ALSO, join, key_of, merge, moved

DIRECTORIES = ("/work/a", "/work/b", "/work")
TEMPORARY = ("/tmp", "/var/tmp")

_paths = st.builds(
    "/".join,
    st.tuples(
        st.sampled_from((*DIRECTORIES, *TEMPORARY, "/elsewhere")),
        st.sampled_from(("x", "tmpab12cd34", "tmpef56gh78", "run-12345", "run-67890", "pytest-1", "pytest-2")),
        st.sampled_from(("f", "g")),
    ),
)
_frames = st.tuples(_paths, st.sampled_from(("", "main")), st.sampled_from((None, 1, 2))).map(
    lambda values: Frame(*values)
)
_processes = st.tuples(st.integers(1, 3), st.sampled_from(("python3", "python3.11", "sh"))).map(
    lambda values: Process(*values)
)
_sides = st.tuples(
    _processes,
    st.sampled_from(("unlink", "openat")),
    _paths,
    st.sampled_from((1.0, 2.0, 3.0)),
    st.lists(_frames, max_size=1),
).map(lambda values: Side(*values[:4], stack=tuple(values[4])))
_findings = st.tuples(
    st.sampled_from(("PB010", "PB011", "PB019")),
    st.sampled_from(SEVERITIES),
    st.sampled_from((0, 1)),
    _paths,
    st.just("said"),
    _sides,
    st.just(()),
    st.none() | _frames,
    st.integers(1, 5),
    st.just(""),
    st.sampled_from(("", "config")),
).map(lambda values: Finding(*values))
_reports = st.tuples(
    st.just("windows11"),
    st.booleans(),
    st.sampled_from(((), ("make",), ("pytest",))),
    st.sampled_from(DIRECTORIES),
    st.sampled_from(("D:\\a", "D:\\b")),
    st.sampled_from((0.0, 1.0)),
    st.sampled_from((5.0, 6.0)),
    st.integers(0, 3),
    st.lists(_findings, max_size=6).map(tuple),
    st.sets(st.sampled_from(TEMPORARY)).map(lambda values: tuple(sorted(values))),
).map(lambda values: Report(*values))


def total(*reports: Report) -> int:
    return sum(finding.count for report in reports for finding in report.findings)


@settings(max_examples=50)
@given(st.lists(_findings, max_size=12), st.randoms())
def test_joining_loses_nothing_and_asks_for_no_order(findings: list[Finding], random: object) -> None:
    roots = Roots("/work/a", TEMPORARY)
    joined = join(findings, roots)
    assert sum(finding.count for finding in joined) == sum(finding.count for finding in findings)
    keys = [key_of(finding, roots) for finding in joined]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {key_of(finding, roots) for finding in findings}
    assert join(joined, roots) == joined
    assert [finding.side.time for finding in joined] == sorted(finding.side.time for finding in joined)
    for finding in joined:
        alike = [other for other in findings if key_of(other, roots) == key_of(finding, roots)]
        assert finding.side.time == min(other.side.time for other in alike)
    random.shuffle(findings)  # type: ignore[attr-defined]
    assert join(findings, roots) == joined


def link(number: int, directory: str = "/tmp", rule: str = "PB019") -> Finding:
    path, site = f"{directory}/d{number}/link", Frame("/work/a/test_links.py", f"test_{number}", number)
    side = Side(Process(1, "python3"), "symlink", path, float(number))
    return Finding(rule, "warning", 1, path, "said", side, site=site, test=f"test_links.py::test_{number}")


def test_what_a_program_lacks_is_told_once_for_all_temporary_files() -> None:
    roots, links = Roots("/work/a", TEMPORARY), [link(number) for number in range(MOST_ALSO + 3)]
    (joined,) = join(reversed(links), roots)
    assert (joined.path, joined.site, joined.test, joined.count) == (
        links[0].path,
        links[0].site,
        links[0].test,
        MOST_ALSO + 3,
    )
    assert [each.path for each in joined.also] == [f"/tmp/d{number}/link" for number in range(1, MOST_ALSO + 1)]
    assert {(each.time, each.test) for each in joined.also} >= {
        (1.0, "test_links.py::test_1"),
        (8.0, "test_links.py::test_8"),
    }
    again = [each._replace(path=f"{each.path}2", side=each.side._replace(time=999.0)) for each in links]
    assert join([*links, *again], roots)[0].also == joined.also
    assert len(join([*links, link(1)._replace(suppressed="comment")], roots)) == 2
    others = [
        link(1, rule="PB021"),
        link(2, rule="PB021"),
        link(3, "/work/a"),
        link(4, "/work/a"),
        link(5, "/elsewhere"),
    ]
    assert [each.also for each in join(others, roots)] == [()] * 5


@settings(max_examples=50)
@given(_reports, _reports, _reports)
def test_merging_asks_for_no_order_and_no_groups(first: Report, second: Report, third: Report) -> None:
    reports = (first, second, third)
    if len(set(reports)) < len(reports):
        return
    whole = merge(reports)
    assert total(whole) == total(*reports)
    for order in itertools.permutations(reports):
        assert merge(order) == whole
    for one, other, last in itertools.permutations(reports):
        part = merge([one, other])
        if part != last:
            assert merge([part, last]) == whole


@given(_reports)
def test_a_report_that_is_given_twice_counts_once(report: Report) -> None:
    assert merge([report, report]) == merge([report])
    assert total(merge([report])) == total(report)
    assert merge([merge([report])]) == merge([report])


@settings(max_examples=50)
@given(_reports)
def test_a_checkout_elsewhere_becomes_one_of_here(report: Report) -> None:
    there = moved(report, "/home/me/here")
    assert [key_of(finding, roots_of(there)) for finding in there.findings] == [
        key_of(finding, roots_of(report))._replace(path=new.path if old == finding.path else old)
        for finding, new in zip(report.findings, there.findings, strict=True)
        for old in (key_of(finding, roots_of(report)).path,)
    ]
    assert report.directory not in str(there.findings) or report.directory == "/work"
    assert moved(there, report.directory) == report


def test_what_is_told_as_one() -> None:
    first = sample.conflict("/p")
    assert first.site is not None
    later = first._replace(count=4, test="other", side=first.side._replace(time=first.side.time + 1, handle=8))
    (joined,) = join([later, first], Roots("/p"))
    assert joined == first._replace(count=7)


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "PB012"},
        {"severity": "note"},
        {"status": 0},
        {"path": "/p/logs/b.log"},
        {"suppressed": "config"},
        {"site": Frame("/p/src/rotate.py", "rotate", 7)},
        {"side": sample.conflict("/p").side._replace(call="renameat2")},
        {"side": sample.conflict("/p").side._replace(process=Process(1, "mv"))},
    ],
)
def test_what_is_told_apart(change: dict[str, object]) -> None:
    first = sample.conflict("/p")
    assert len(join([first, first._replace(**change)], Roots("/p"))) == 2  # type: ignore[arg-type]


def test_where_no_place_is_known_each_path_is_told() -> None:
    names = [sample.name_finding("/p", f"dump-{number}?") for number in (12345, 12346)]
    assert len(join(names, Roots("/p"))) == 2
    placed = [name._replace(site=Frame("/p/x.py", "f", 1)) for name in names]
    assert len(join(placed, Roots("/p"))) == 1


def test_reports_of_packages_become_one_of_what_holds_them() -> None:
    first, second = sample.small("/p/one"), sample.small("/p/two")
    both = merge([first, second])
    assert both.directory == "/p"
    assert both.prefix == ""
    assert len(both.findings) == len(first.findings) * 2


def test_profiles_that_differ_cannot_be_merged() -> None:
    first = sample.small("/p")
    with pytest.raises(PicoboxError, match="windows10 and windows11 cannot be merged"):
        merge([first, first._replace(profile="windows10")])
    with pytest.raises(PicoboxError, match="no report to merge"):
        merge([])
