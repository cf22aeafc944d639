"""The options of a test run: which platform and profile, which tier."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest

from picobox.cli.options import PLATFORMS, PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator

NATIVE = "native"

# What a caller may have ignored, a shell for its background jobs or nohup: every program that a test starts would
# inherit it, and some show that these signals work.
_INHERITED = (signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that tests read by `request.config.getoption`."""
    add = parser.getgroup("picobox").addoption
    # Without picobox a run compares native with native: it shows which tests would differ by themselves.
    add("--picobox-platform", choices=(*PLATFORMS, NATIVE), default="trace", help="the platform that tests run on")
    add("--picobox-profile", choices=PROFILES, default="linux", help="the profile that tests run under")
    add("--picobox-policy", choices=("open", "default"), default="open", help="the policy that table R runs under")
    add("--one-platform", action="store_true", help="leave out tests that are written for another platform")
    add("--full", action="store_true", help="run the full tier too")
    add("--every-nth-row", type=int, default=1, metavar="N", help="of the rows of table R, run every Nth")


def pytest_configure() -> None:
    """Gives signals their usual effect, and every example the time that it takes: a busy machine breaks no property.

    Runs have no walls where a test names no policy: most are about something else, and tests/confine about these.
    """
    os.environ["PICOBOX_POLICY"] = "open"
    hypothesis.settings.register_profile("picobox", deadline=None)
    hypothesis.settings.load_profile("picobox")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _INHERITED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def fast_modes() -> Iterator[None]:
    """For tests of what only the gate or the notify channel does: whatever mode the others are run in."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PICOBOX_GATE", "PICOBOX_NO_FAST"):
            patch.delenv(name, raising=False)
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes out what the options exclude: it is reported as deselected, since nothing is wrong with it."""
    kept = [item for item in items if _wanted(config, item)]
    left_out = [item for item in items if not _wanted(config, item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_report_header(config: pytest.Config) -> str:
    """What the results of this run are about."""
    platform, profile = config.getoption("--picobox-platform"), config.getoption("--picobox-profile")
    return f"picobox: platform {platform}, profile {profile}, tier {'full' if config.getoption('--full') else 'fast'}"


def _wanted(config: pytest.Config, item: pytest.Item) -> bool:
    if item.get_closest_marker("full") and not config.getoption("--full"):
        return False
    callspec = getattr(item, "callspec", None)
    row = callspec.indices.get("row", 0) if callspec is not None and item.path.name == "test_real.py" else 0
    if row % config.getoption("--every-nth-row"):
        return False
    if not config.getoption("--one-platform"):
        return True
    chosen = config.getoption("--picobox-platform")
    return callspec is None or callspec.params.get("platform", chosen) == chosen
