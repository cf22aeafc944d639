"""docs/instances.md shows what its examples print; run as a program, rewrites them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parents[2] / "docs" / "instances.md"
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_SECONDS = 60


class Shell:
    """Where the examples run, one after another."""

    def __init__(self, directory: Path) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        settings = {name: value for name, value in os.environ.items() if not name.startswith(("PICOBOX", "XDG_"))}
        self._settings = settings | {"PATH": path, "LC_ALL": "C", "HOME": str(directory), "COLUMNS": "120"}
        self._directory = directory

    def output_of(self, command: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=self._directory, env=self._settings, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS, check=False, text=True,
        )  # fmt: skip
        return done.stdout

    def shown(self, block: str) -> str:
        """A block with what its commands print now."""
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        return "".join(f"$ {command}\n{self.output_of(command)}" for command in commands)


@contextmanager
def a_shell() -> Iterator[Shell]:
    from session.test_running import write_tree

    with tempfile.TemporaryDirectory(prefix="picobox-document-") as name:
        directory = Path(name)
        write_tree(directory / "tree")
        (directory / "tree/etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        with tarfile.open(directory / "root.tar", "w") as archive:
            archive.add(directory / "tree", ".")
        shell = Shell(directory)
        try:
            yield shell
        finally:
            shell.output_of("picobox instance terminate box")


def test_the_document_shows_what_is_printed() -> None:
    blocks = _BLOCK.findall(DOCUMENT.read_text())
    assert len(blocks) == 7
    with a_shell() as shell:
        for block in blocks:
            assert shell.shown(block) == block, f"run {sys.executable} -m session.test_document in tests"


if __name__ == "__main__":
    with a_shell() as shell:
        text = _BLOCK.sub(lambda found: shell.shown(found[0]), DOCUMENT.read_text())
    DOCUMENT.write_text(text)
