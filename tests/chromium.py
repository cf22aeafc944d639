"""A headless Chromium for tests of pages, driven by the DevTools protocol over two pipes."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 30
_COMMANDS = 3
_ANSWERS = 4
# Above the descriptors that the browser expects its pipes at.
_ABOVE = 10
_OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)


def executable() -> str:
    """The browser; a test that needs it fails without it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("there is no chromium: .ci/run installs what .ci/packages.txt names", pytrace=False)
    return path


class Browser:
    """A running browser; `close` ends it with all its processes."""

    def __init__(self, directory: Path) -> None:
        """Start it with a profile of its own in a directory."""
        # Its sandbox refuses to run as root.
        options = [*_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else []), f"--user-data-dir={directory}"]
        commands, self._commands = _pipe()
        self._answers, answers = _pipe()
        log = os.open(directory / "log", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        actions = [
            (os.POSIX_SPAWN_DUP2, commands, _COMMANDS),
            (os.POSIX_SPAWN_DUP2, answers, _ANSWERS),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ]
        path = executable()
        self._pid = os.posix_spawn(path, [path, *options, "about:blank"], os.environ, file_actions=actions, setpgroup=0)
        for fd in (commands, answers, log):
            os.close(fd)
        self._received = b""
        self._last_id = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the browser."""
        for fd in (self._commands, self._answers):
            os.close(fd)
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and give its result; what happens meanwhile is added to `events`."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self._last_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def receive(self) -> dict[str, Any]:
        """The next message; an event is kept too."""
        deadline = time.monotonic() + TIMEOUT
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self._answers, 1 << 16)
            assert data, "the browser has ended"
            self._received += data
        line, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append(message)
        return message


class Page:
    """A tab that shows one page."""

    def __init__(self, browser: Browser, *, scripts: bool = True) -> None:
        """Open an empty tab, with JavaScript or without."""
        self._browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        if not scripts:
            self.call("Emulation.setScriptExecutionDisabled", value=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command about this tab."""
        return self._browser.call(method, self._session, **parameters)

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)
        self._browser.events = [each for each in self._browser.events if each.get("sessionId") != self._session]

    def open(self, path: Path, fragment: str = "") -> None:
        """Show a file, and wait until it is loaded."""
        self.visit(path.as_uri() + fragment)

    def visit(self, address: str) -> None:
        """Show what is at an address, and wait until it is loaded."""
        before = len(self._named("Page.loadEventFired"))
        self.call("Page.navigate", url=address)
        while len(self._named("Page.loadEventFired")) == before:
            self._browser.receive()

    def run(self, expression: str) -> Any:
        """The value of an expression of JavaScript, awaited if it is a promise."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key: a character, or "Enter"."""
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        code = {"Enter": 13, "Escape": 27, "Tab": 9}.get(key, 0)
        settings = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **settings)
        self.call("Input.dispatchKeyEvent", type="keyUp", **settings)

    def complaints(self) -> list[str]:
        """What the console tells of errors and warnings, and exceptions that nobody caught."""
        self.run("0")
        logged = [each["params"]["entry"] for each in self._named("Log.entryAdded")]
        said = [each["params"] for each in self._named("Runtime.consoleAPICalled")]
        return [
            *(entry["text"] for entry in logged if entry["level"] in ("error", "warning")),
            *(str(each["args"]) for each in said if each["type"] in ("error", "warning", "assert")),
            *(str(each["params"]["exceptionDetails"]) for each in self._named("Runtime.exceptionThrown")),
        ]

    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        return [each["params"]["request"]["url"] for each in self._named("Network.requestWillBeSent")]

    def _named(self, method: str) -> list[dict[str, Any]]:
        return [
            each for each in self._browser.events if each["method"] == method and each.get("sessionId") == self._session
        ]


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are not where the browser expects its own."""
    moved = []
    for fd in os.pipe():
        moved.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE))
        os.close(fd)
    return moved[0], moved[1]
