"""docs/trace.md shows what its examples print; run as a program, rewrites them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "trace.md"
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_SECONDS = 60


def shown(block: str, directory: str) -> str:
    """A block with what its commands print now."""
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{_output_of(command, directory)}" for command in commands)


def _output_of(command: str, directory: str) -> str:
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "XDG_"))}
    settings |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C", "HOME": directory}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=directory, env=settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=_SECONDS, check=False, text=True,
    )  # fmt: skip
    return done.stdout


def test_the_document_shows_what_is_printed(tmp_path: Path) -> None:
    blocks = _BLOCK.findall(DOCUMENT.read_text())
    assert len(blocks) == 3
    for block in blocks:
        assert shown(block, str(tmp_path)) == block, f"run {sys.executable} {__file__}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        text = _BLOCK.sub(lambda found: shown(found[0], name), DOCUMENT.read_text())
    DOCUMENT.write_text(text)
