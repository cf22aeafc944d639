"""docs/inspection.md: its example runs, and its tables name what answers hold, all of it and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from inspection.runs import SECONDS, Place

_DOCUMENT = Path(__file__).parents[2] / "docs" / "inspection.md"
_EXAMPLE = re.compile(r"(?<=^```python\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \|.*\| (.*) \|$", re.MULTILINE)
_LOCKED = "import fcntl\nfile = open('locked', 'w')\nfcntl.lockf(file, fcntl.LOCK_EX)\n"


def test_the_example(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (example,) = _EXAMPLE.findall(_DOCUMENT.read_text())
    with place.running("import os\nsaid = (os.getpid(),)") as process:
        done = subprocess.run(
            [sys.executable, "-c", example], env=place.environment, capture_output=True, text=True, timeout=SECONDS,
            check=True,
        )  # fmt: skip
        assert done.stdout.startswith(f"{process.pid} ")
        assert "import os" in done.stdout


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_keys, value))
    return set(value) | set().union(*map(_keys, value.values())) if isinstance(value, dict) else set()


def test_fields(tmp_path: Path) -> None:
    from picobox.inspection import wire

    place = Place(tmp_path)
    rows = dict(_ROW.findall(_DOCUMENT.read_text()))
    with place.running(_LOCKED, "--profile", "windows10") as process, place.connected(process.pid) as connection:
        for ask in ("ps", "handles", "objects", "locks", "top"):
            wire.ask(connection, {"ask": "top"})
            answer = wire.ask(connection, {"ask": ask})
            assert answer.pop("run")["pid"] == process.pid
            missing = _keys(answer) - set(re.findall(r"`(\w+)`", rows.pop(ask)))
            assert not missing, (ask, missing)
    assert list(rows) == ["run"]
    assert os.listdir(place.sockets) == []
