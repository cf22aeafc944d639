"""The pytest plugin: runs a session under a check, and gives each test the findings that it has caused."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from picobox.pytest_runs import PicoboxFixture

PROFILES = ("windows10", "windows11")
FAIL_ON = ("note", "warning", "error", "never")
_VARIABLE = "PICOBOX_TESTS"  # as in picobox.platform.test_channel, which a session without a check does not load


class PicoboxWarning(UserWarning):
    """A finding that does not fail its test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a session under a check."""
    group = parser.getgroup("picobox", "the file rules of Windows")
    group.addoption(
        "--picobox",
        choices=PROFILES,
        metavar="PROFILE",
        help="run the session under `picobox check` by the rules of windows10 or windows11",
    )
    group.addoption(
        "--picobox-enforce", action="store_true", help="with --picobox: give the tests the answers of Windows"
    )
    group.addoption(
        "--picobox-fail-on",
        choices=FAIL_ON,
        default="warning",
        help="with --picobox: the least severity of a finding that fails its test; others are warnings of pytest's",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; inside a check, tell it which test runs."""
    config.addinivalue_line(
        "markers",
        "picobox(profile='windows11', enforce=False): how the fixture picobox runs programs in this test",
    )
    config.addinivalue_line("filterwarnings", "default::picobox.pytest_plugin.PicoboxWarning")
    directory = os.environ.get(_VARIABLE)
    if directory and os.path.isdir(directory):
        from picobox.pytest_session import CheckedSession

        config.pluginmanager.register(CheckedSession(config, directory), "picobox-session")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Run the whole session as the program of a check, unless it is one already."""
    if not config.getoption("picobox") or os.environ.get(_VARIABLE) or hasattr(config, "workerinput"):
        return None
    if config.option.help or config.option.version or config.option.collectonly:
        return None
    import subprocess

    options = ["--profile", config.getoption("picobox"), "--fail-on", config.getoption("picobox_fail_on")]
    if config.getoption("picobox_enforce"):
        options.append("--enforce")
    check = [sys.executable, "-m", "picobox", "check", *options]
    return subprocess.run(
        [*check, "--", sys.executable, *_started_as(), *map(str, config.invocation_params.args)],
        cwd=config.invocation_params.dir,
        check=False,
    ).returncode


def _started_as() -> list[str]:
    """What this pytest was started by, since `python -m pytest` finds other modules than the script does."""
    script = sys.argv[0]
    return [script] if os.path.basename(script) in ("pytest", "py.test") else ["-m", "pytest"]


@pytest.fixture
def picobox(request: pytest.FixtureRequest) -> PicoboxFixture:
    """Runs programs under the file rules of Windows, and knows what this test has met so far."""
    from picobox.pytest_runs import PicoboxFixture

    marker = request.node.get_closest_marker("picobox")
    settings: dict[str, Any] = {} if marker is None else dict(marker.kwargs)
    if marker is not None and marker.args:
        raise pytest.UsageError(f"@pytest.mark.picobox takes names alone, such as profile='windows11': {marker.args}")
    session = request.config.pluginmanager.get_plugin("picobox-session")
    return PicoboxFixture(settings, session, request.node.nodeid)
