"""A task that runs another program is judged by that one's runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .checked import check

if TYPE_CHECKING:
    from pathlib import Path

READ_ONLY = """
import os, subprocess
open('x', 'w').close()
git = ['git', '-c', 'core.fsmonitor=false']
subprocess.run([*git, 'init', '-q', '.'], check=True)
subprocess.run([*git, 'add', 'x'], check=True)
os.chmod('x', 0o444)
open('y', 'w').close()
os.unlink('y')
"""


def test_python_deletes_no_file_that_is_read_only(tmp_path: Path) -> None:
    assert "PB017" in check(tmp_path, f"{READ_ONLY}os.unlink('x')\n").rules


def test_the_git_that_it_has_become_does(tmp_path: Path) -> None:
    checked = check(tmp_path, f"{READ_ONLY}os.execvp('git', [*git, 'rm', '-fq', 'x'])\n")
    assert checked.status == 0, checked.stderr
    assert not (tmp_path / "work" / "x").exists()
    assert "PB017" not in checked.rules
