"""An instance that runs can be asked as any run, and leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from session.test_running import home_of

from inspection.runs import Place

if TYPE_CHECKING:
    from pathlib import Path


def test_an_instance(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with home_of(tmp_path, "self") as home:
        home.environment["XDG_RUNTIME_DIR"] = str(tmp_path)
        with home.start("run", "--exec", "--", "sleep", "1000") as client:
            while "sleep 1000" not in (text := place.asks("ps", status=None)[0]):
                assert client.poll() is None, text
            (run,) = place.told("ps")
            assert run["run"]["pid"] == home.server()
            assert [handle["path"] for handle in place.told("handles")[0]["handles"] if handle["kind"] == "cwd"]
            home.does("terminate", "box")
            client.wait(60)
    assert list(place.sockets.iterdir()) == []
