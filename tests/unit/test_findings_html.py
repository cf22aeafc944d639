"""Tests of the page that a report becomes: its parts, its order, its escaping; no browser is needed."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
import sample_report as sample
from hypothesis import given
from hypothesis import strategies as some

from picobox.findings import html as page
from picobox.findings.entry import MOST_SIDES
from picobox.findings.finding import Finding, Side
from picobox.findings.markup import element, joined, lines, text
from picobox.findings.moment import day_and_time, duration
from picobox.findings.rules import RULES
from picobox.findings.timeline import MOST_LANES, timeline
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = "/work/app"
VOID = {"meta", "link", "input", "br"}


class Reader(HTMLParser):
    """Reads a page strictly: what is opened is closed, and only known elements and attributes are there."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]


def findings_of(content: str) -> list[dict[str, str | None]]:
    return [each for each in Reader(content).all("div") if each.get("role") == "listitem"]


def bare(finding: Finding, number: int) -> Finding:
    """A finding against as many opens."""
    side = finding.others[0]
    return finding._replace(others=tuple(side._replace(time=side.time + each / 1000) for each in range(number)))


def test_the_gravest_come_first_and_what_is_suppressed_last() -> None:
    found = findings_of(page.render(sample.small(DIRECTORY)))
    assert [(each["data-severity"], each["data-suppressed"]) for each in found] == [
        ("error", ""),
        ("error", ""),
        ("warning", ""),
        ("note", ""),
        ("error", "baseline"),
    ]


@pytest.mark.parametrize(
    "told",
    [
        "app.log is renamed while tail (4243) has it open.",
        "STATUS_SHARING_VIOLATION (0xc0000043), [WinError 32]",
        "logs/app.log",
        r"D:\a\app\app\logs\app.log",
        "src/rotate.py:6 in rotate",
        "tests/test_rotate.py::test_rotate[daily]",
        "3 times; this is the first",
        "tail (4243) ",
        "tail -f /work/app/logs/app.log",
        (
            "openat; access: read; shares: read, write; handle 0x10; descriptor 3; "
            "2026-11-22 17:06:31.250000 UTC, 1.5 s before"
        ),
        "rename; access: delete; 2026-11-22 17:06:32.750000 UTC",
        "/usr/lib/x86_64-linux-gnu/libc.so.6+0x7a1b0 in rename",
        "python3 -m pytest -q 'a b'",
        "windows11, observed: calls went on as on Linux",
        "2 errors",
        "1 suppressed",
        RULES["PB011"].fix,
        RULES["PB011"].why,
    ],
)
def test_all_that_is_known_is_told(told: str) -> None:
    shown = "\n".join(Reader(page.render(sample.small(DIRECTORY))).texts)
    assert told in shown


def test_what_it_stands_for_besides_is_named() -> None:
    shown = Reader(page.render(sample.links(DIRECTORY))).texts
    assert "/tmp/pytest-of-user/pytest-0/test_three0/link" in shown


def test_the_source_is_shown_with_its_line_marked(tmp_path: Path) -> None:
    sample.write_source(tmp_path)
    content = page.render(sample.small(str(tmp_path)))
    marked = re.findall("<mark>(.*?)</mark>", content, re.DOTALL)
    assert len(marked) == 1
    assert "os.rename(path, path + &quot;.1&quot;)  # &lt;- while it is open" in marked[0]
    assert "    log.close()" in content


def test_without_findings_it_says_so() -> None:
    content = page.render(sample.report(DIRECTORY))
    assert findings_of(content) == []
    assert "nothing that Windows would have answered otherwise" in content


def test_names_cannot_become_markup() -> None:
    whole = sample.hostile(DIRECTORY)
    content = page.render(whole)
    harmless = page.render(whole._replace(findings=sample.small(DIRECTORY).findings))
    known = {tag for tag, _ in Reader(harmless).elements}
    reader = Reader(content)
    assert {tag for tag, _ in reader.elements} <= known
    attributes = {name for _, each in reader.elements for name in each}
    assert {name for name in attributes if name.startswith("on") or name in ("style", "src")} == set()
    assert len(reader.all("script")) == len(reader.all("style")) == 1
    assert all((each["href"] or "").startswith("#") for each in reader.all("a"))
    assert {each["data-test"] for each in findings_of(content)} == {visible(name) for name in sample.HOSTILE}


def test_whatever_names_hold_the_page_is_utf_8_without_controls() -> None:
    content = page.render(sample.hostile(DIRECTORY))
    assert content.encode().decode() == content
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", content) is None


@given(some.text(some.characters()), some.text(some.characters()))
def test_text_in_an_element_reads_back_as_it_is_shown(child: str, attribute: str) -> None:
    reader = Reader(element("p", child, title=attribute))
    assert "".join(reader.texts) == visible(child)
    assert reader.elements == [("p", {"title": visible(attribute)})]


def test_elements_have_the_attributes_that_were_meant() -> None:
    made = element("a", "<b>", text("&"), joined([element("i"), text(1)]), class_="c", data_x=None, open=True, id=False)
    assert made == '<a class="c" open>&lt;b&gt;&amp;<i></i>1</a>'
    assert lines("a\t<\n\x1b\n") == "a\t&lt;\n\\x1b\n"


def test_the_policy_allows_its_own_style_and_script_alone() -> None:
    content = page.render(sample.small(DIRECTORY))
    policy = next(each for each in Reader(content).all("meta") if each.get("http-equiv"))["content"] or ""
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for tag in ("style", "script"):
        inside = content.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        assert rules[f"{tag}-src"] == f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
    assert {rules[name] for name in ("default-src", "base-uri", "form-action", "trusted-types")} == {"'none'"}


def test_nothing_on_the_page_is_loaded() -> None:
    content = page.render(sample.small(DIRECTORY))
    assert re.findall(r"(?:https?:|//[a-z]|@import|url\()", content.partition("<body>")[0]) == []
    assert {each["href"] for each in Reader(content).all("link")} == {"data:,"}


def test_links_to_findings_last_and_differ() -> None:
    first, second = (findings_ids(sample.small(directory)) for directory in (DIRECTORY, "/home/other/app"))
    assert first == second
    twice = sample.report(DIRECTORY, *[sample.conflict(DIRECTORY)] * 3)
    ids = findings_ids(twice)
    assert len(set(ids)) == 3
    assert ids[1:] == [f"{ids[0]}-2", f"{ids[0]}-3"]


def findings_ids(report: object) -> list[str | None]:
    content = page.render(report)  # type: ignore[arg-type]
    return [each["id"] for each in Reader(content).all("div") if each.get("class") == "body"]


def test_a_timeline_has_a_lane_for_each_open_and_one_for_the_call() -> None:
    drawn = timeline(sample.conflict(DIRECTORY))
    assert drawn is not None
    bars = Reader(drawn).all("rect")
    lefts, widths = ([float(str(bar[name])) for bar in bars] for name in ("x", "width"))
    assert lefts[1] - lefts[0] == pytest.approx(350, abs=0.2)
    assert [left + width for left, width in zip(lefts, widths, strict=True)] == [lefts[0] + 420] * 2
    assert "-1.5 s" in drawn
    assert "-250 ms" in drawn
    assert [float(str(mark["cx"])) for mark in Reader(drawn).all("circle")] == [lefts[0] + 420]


@pytest.mark.parametrize("late", [0.0, 5.0])
def test_opens_of_the_same_moment_or_later_stay_in_the_picture(late: float) -> None:
    finding = sample.conflict(DIRECTORY)
    moved = finding._replace(others=tuple(side._replace(time=finding.side.time + late) for side in finding.others))
    bars = Reader(str(timeline(moved))).all("rect")
    assert [float(str(bar["x"])) for bar in bars] == [670.0, 670.0]
    assert [float(str(bar["width"])) for bar in bars] == [2.0, 2.0]


def test_no_timeline_without_another_side() -> None:
    assert timeline(sample.name_finding(DIRECTORY)) is None
    stored = Side(sample.process(0, "")._replace(arguments=()), "", f"{DIRECTORY}/Makefile", sample.STARTED)
    twins = sample.name_finding(DIRECTORY, "makefile", "PB001")._replace(others=(stored,))
    assert timeline(twins) is None
    shown = Reader(page.render(sample.report(DIRECTORY, twins))).texts
    assert shown[shown.index("stored as") :][:2] == ["stored as", "Makefile"]


def test_a_crowd_is_told_by_its_number() -> None:
    crowd = bare(sample.conflict(DIRECTORY), MOST_SIDES + 60)
    assert f"<p>and {60} more</p>" in page.render(sample.report(DIRECTORY, crowd))
    drawn = str(timeline(crowd))
    assert len(Reader(drawn).all("rect")) == MOST_LANES
    assert f"the first {MOST_LANES} of them shown" in drawn


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0 µs"),
        (12.4e-6, "12 µs"),
        (0.25, "250 ms"),
        (1.5, "1.5 s"),
        (61, "1 min 01 s"),
        (7384, "2 h 03 min"),
        (1e9, "1000000000 s"),
        (float("inf"), "inf s"),
        (float("nan"), "nan s"),
    ],
)
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize("moment", [1e300, float("inf"), float("nan"), -1e20])
def test_a_time_of_no_calendar_is_its_number(moment: float) -> None:
    assert day_and_time(moment) == f"{moment} s"


def test_many_findings_are_rendered_in_time(tmp_path: Path) -> None:
    sample.write_source(tmp_path)
    started = time.process_time()
    content = page.render(sample.large(str(tmp_path), 1000))
    assert time.process_time() - started < 3
    assert content.count('role="listitem"') == 1000
    assert len(content) < 5_000_000
