"""The page of a report in a headless Chromium: with and without scripts, by keyboard, with hostile names, and large."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import sample_report as sample
from chromium import Browser, Page

from picobox.findings import html
from picobox.findings.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picobox.findings.finding import Report

MANY = 5000
# Milliseconds a reader waits without minding, on a busy machine; one that is idle needs a fifth.
PATIENCE = 2000
SHOWN = "[...document.querySelectorAll('.finding:not([hidden]) .path')].map(each => each.textContent)"
OPEN = "[...document.querySelectorAll('details[open] .path')].map(each => each.textContent)"
COUNT = "document.getElementById('shown').textContent"
FRAME = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
SETTLED = f"new Promise(done => setTimeout(done, 150)).then(() => {FRAME})"

Show = "Callable[[Report, str], Page]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a report's page; what the console complains of fails the test, and so does any request but for the page."""
    shown = []

    def open_page(report: Report, fragment: str = "", *, scripts: bool = True) -> Page:
        file = tmp_path / "report.html"
        file.write_text(html.render(report), "utf-8")
        page = Page(browser, scripts=scripts)
        page.open(file, fragment)
        shown.append((page, file))
        return page

    yield open_page
    for page, file in shown:
        assert page.complaints() == []
        assert {address.partition("#")[0] for address in page.requests()} == {file.as_uri()}
        page.close()


def choose(page: Page, name: str, value: str) -> None:
    """Choose an option as a reader does."""
    page.run(
        f"(() => {{ const select = document.getElementById({json.dumps(name)}); select.value = {json.dumps(value)};"
        "select.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


def identifier(page: Page, path: str) -> str:
    """The link to the finding about a path."""
    found = page.run(
        f"[...document.querySelectorAll('.finding')].find(each => each.dataset.path === {json.dumps(path)})"
        ".querySelector('.body').id"
    )
    assert isinstance(found, str)
    return found


def test_without_scripts_it_is_a_list(show: Callable[..., Page]) -> None:
    page = show(sample.small("/work/app"), scripts=False)
    assert page.run(SHOWN) == ["logs/app.log", "aux.txt", "long", "README.md", "con"]
    assert page.run("getComputedStyle(document.getElementById('controls')).display") == "none"
    assert page.run("document.querySelector('svg rect') !== null")
    # A link opens its finding all the same: the browser opens what hides the target.
    linked = identifier(page, "aux.txt")
    again = show(sample.small("/work/app"), f"#{linked}", scripts=False)
    assert again.run(OPEN) == ["aux.txt"]


def test_words_are_searched_in_all_that_is_told(show: Callable[..., Page]) -> None:
    page = show(sample.small("/work/app"))
    assert page.run(COUNT) == "4 of 5 shown"
    page.press("/")
    assert page.run("document.activeElement.id") == "search"
    for key in "Tail 0x10":
        page.press(key)
    page.run(SETTLED)
    assert page.run(SHOWN) == ["logs/app.log"]
    assert page.run("location.hash") == "#?q=Tail+0x10"
    page.press("Escape")
    page.run("document.getElementById('reset').click()")
    page.run(SETTLED)
    assert page.run(COUNT) == "4 of 5 shown"
    assert page.run("location.hash") == ""


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("rule", "=PB003", ["aux.txt"]),
        ("process", "=node", ["README.md"]),
        ("test", "=tests/test_rotate.py::test_rotate[daily]", ["logs/app.log"]),
        ("test", "=", ["aux.txt", "long", "README.md"]),
        ("suppressed", "only", ["con"]),
        ("suppressed", "all", ["logs/app.log", "aux.txt", "long", "README.md", "con"]),
        ("sort", "path", ["aux.txt", "logs/app.log", "long", "README.md"]),
        ("sort", "process", ["README.md", "logs/app.log", "aux.txt", "long"]),
        ("sort", "count", ["logs/app.log", "aux.txt", "long", "README.md"]),
    ],
)
def test_filters_and_orders(show: Callable[..., Page], name: str, value: str, left: list[str]) -> None:
    page = show(sample.small("/work/app"))
    choose(page, name, value)
    assert page.run(SHOWN) == left
    # The view can be linked to.
    again = show(sample.small("/work/app"), page.run("location.hash"))
    assert again.run(SHOWN) == left


def test_severities(show: Callable[..., Page]) -> None:
    page = show(sample.small("/work/app"))
    page.run("document.querySelector('#severities [value=error]').click()")
    assert page.run(SHOWN) == ["long", "README.md"]
    assert page.run("location.hash") == "#?severity=warning%2Cnote"


def test_a_link_opens_its_finding_even_if_it_is_filtered_out(show: Callable[..., Page]) -> None:
    page = show(sample.small("/work/app"))
    choose(page, "rule", "=PB002")
    page.run(f"location.hash = {json.dumps(identifier(page, 'con'))}")
    page.run(SETTLED)
    assert page.run(OPEN) == ["con"]
    assert page.run("document.activeElement.querySelector('.path').textContent") == "con"
    top = page.run("document.activeElement.getBoundingClientRect().top")
    assert 0 <= top < page.run("innerHeight")


def test_the_keyboard_is_enough(show: Callable[..., Page]) -> None:
    page = show(sample.small("/work/app"))
    here = "document.activeElement.querySelector('.path')?.textContent"
    for key, at in (("j", "logs/app.log"), ("j", "aux.txt"), ("k", "logs/app.log"), ("k", "logs/app.log")):
        page.press(key)
        assert page.run(here) == at
    page.press("Enter")
    assert page.run(OPEN) == ["logs/app.log"]
    assert page.run("document.querySelector('details[open] svg').getBoundingClientRect().height") > 50


def test_light_and_dark(show: Callable[..., Page]) -> None:
    page = show(sample.small("/work/app"))
    ground = "getComputedStyle(document.body).backgroundColor"
    seen = []
    for scheme in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen.append(page.run(ground))
    assert seen == ["rgb(255, 255, 255)", "rgb(20, 23, 28)"]


def test_names_do_nothing(show: Callable[..., Page]) -> None:
    page = show(sample.hostile("/work/app"))
    page.run("document.getElementById('open').click()")
    choose(page, "suppressed", "all")
    page.run(FRAME)
    assert page.run("document.querySelectorAll('script, style, img, iframe, [onerror], [onmouseover]').length") == 2
    assert page.run("[...document.querySelectorAll('[data-test]')].map(each => each.dataset.test)") == [
        visible(name) for name in hostile_order()
    ]
    options = page.run("[...document.getElementById('process').options].map(each => each.value.slice(1))")
    assert set(options) == {visible(name) for name in sample.HOSTILE}


def hostile_order() -> list[str]:
    """The names as the page has them: two findings of each, those that count first."""
    findings = sample.hostile("/work/app").findings
    return [each.test for each in sorted(findings, key=lambda each: each.suppressed != "")]


def test_five_thousand_findings_stay_usable(show: Callable[..., Page], tmp_path: Path) -> None:
    sample.write_source(tmp_path)
    page = show(sample.large(str(tmp_path), MANY))
    assert page.run(COUNT) == "5,000 of 5,000 shown"
    acts = {
        "search.value = 'data-04999'; search.dispatchEvent(new Event('input'))": "1 of 5,000 shown",
        "search.value = ''; search.dispatchEvent(new Event('input'))": "5,000 of 5,000 shown",
        "sort.value = 'path'; sort.dispatchEvent(new Event('change'))": "5,000 of 5,000 shown",
        "rule.value = '=PB024'; rule.dispatchEvent(new Event('change'))": "833 of 5,000 shown",
        "document.getElementById('open').click()": "833 of 5,000 shown",
    }
    for act, count in acts.items():
        names = "const [search, sort, rule] = ['search', 'sort', 'rule'].map(id => document.getElementById(id));"
        timed = f"(() => {{ {names} const start = performance.now(); {act};"
        took = page.run(f"{timed} return {SETTLED}.then(() => performance.now() - start); }})()")
        assert page.run(COUNT) == count
        assert took < PATIENCE, act
