"""Scripts of other languages than Python that look which system they are on (picobox/check/guarded_scripts.py)."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from picobox.check.guarded_scripts import is_kept_from_windows, tries_again
from picobox.findings.finding import Process
from picobox.platform.base import HostTid

if TYPE_CHECKING:
    from pathlib import Path

FAR = "\n" * 9
NODE_VARIABLE = 'const onWindows = os.type() === "Windows_NT";' + FAR
SHELL_FUNCTION = "windows() {\n  case $(uname) in MINGW*) return 0;; esac; return 1\n}" + FAR


@pytest.mark.parametrize(
    ("program", "rule", "text", "is_kept"),
    [
        ("node", "PB019", 'if (process.platform !== "win32") fs.symlinkSync(a, b);', True),
        ("node", "PB019", 'if (process.platform !== "win32") {\n  await fs.symlink(a, b);\n}', True),
        ("node", "PB019", f"{NODE_VARIABLE}if (!onWindows) fs.symlinkSync(a, b);", True),
        ("node", "PB019", f"{NODE_VARIABLE}fs.symlinkSync(a, b);", False),
        ("node", "PB019", f"const fs = require('fs');\n{NODE_VARIABLE}fs.symlinkSync(a, b);", False),
        ("node", "PB019", f"function old() {{\n{NODE_VARIABLE}if (!old()) fs.symlinkSync(a, b);", True),
        ("node", "PB019", f"{NODE_VARIABLE}if (!onWindows) fs.symlinkSync(a, b);{FAR}fs.symlinkSync(c, d);", False),
        ("node", "PB019", "fs.symlinkSync(a, b, 'junction');", True),
        ("node", "PB019", 'fs.symlink(\n  a,\n  b,\n  "junction",\n);', True),
        ("node", "PB019", "fs.symlinkSync(a, b, 'dir');\n// junction", False),
        ("node", "PB019", "// process.platform\nfs.symlinkSync(a, b);", False),
        ("node", "PB019", 'if (process.platform !== "win32") link(a, b);', False),
        ("node", "PB005", 'if (process.platform !== "win32") fs.writeFileSync("a:b", "");', False),
        ("perl5.36", "PB010", "unlink $name unless $^O eq 'MSWin32';", True),
        ("perl", "PB010", "unlink $name\n    unless $^O eq 'MSWin32';", True),
        ("perl", "PB010", f"my $windows = $^O eq 'MSWin32';{FAR}unlink $name unless $windows;", True),
        ("perl", "PB010", "unlink $name;", False),
        ("dash", "PB019", f"{SHELL_FUNCTION}if windows; then cp -r a b; else ln -s a b; fi", True),
        ("bash", "PB019", '[ "$OSTYPE" = msys ] || ln -s a b', True),
        ("bash", "PB019", f"{SHELL_FUNCTION}ln -s a b", False),
        ("ruby", "PB019", "File.symlink(a, b) unless Gem.win_platform?", False),
    ],
)
def test_what_a_script_looks_at(tmp_path: Path, program: str, rule: str, text: str, is_kept: bool) -> None:
    script = tmp_path / "script"
    script.write_text(text)
    own = HostTid(os.getpid())
    assert is_kept_from_windows(own, Process(own, program, (program, str(script))), rule) is is_kept
    assert not is_kept_from_windows(own, Process(own, program, (program, str(tmp_path / "absent"))), rule)


def test_code_among_the_arguments() -> None:
    own = HostTid(os.getpid())
    code = "process.platform == 'win32' || fs.symlinkSync('a', 'b')"
    assert is_kept_from_windows(own, Process(own, "node", ("node", "-e", code)), "PB019")
    assert not is_kept_from_windows(own, Process(own, "node", ("node", "-e", code + " " * (1 << 18))), "PB019")


@pytest.mark.parametrize(("line", "is_kept"), [("[ $(uname) = Linux ] && ln -s a b", True), ("ln -s a b", False)])
def test_a_tool_that_a_script_has_started(tmp_path: Path, line: str, is_kept: bool) -> None:
    script = tmp_path / "script"
    script.write_text(f"sleep 60 & echo $!; wait\n{line}\n")
    with subprocess.Popen(["sh", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        tool = int(process.stdout.readline())
        try:
            assert is_kept_from_windows(HostTid(tool), Process(tool, "ln", ("ln", "-s", "a", "b")), "PB019") is is_kept
        finally:
            # First, or it goes on with the line that is only to be read.
            process.kill()
            os.kill(tool, 9)


@pytest.mark.parametrize(
    ("program", "rule", "text", "again"),
    [
        ("node", "PB012", "try { fs.renameSync(a, b); }\ncatch (e) { if (e.code !== 'EPERM') throw e; }", True),
        ("node", "PB014", "fs.rmSync(d, { recursive: true, maxRetries: 5 });", True),
        ("node", "PB012", "fs.renameSync(a, b);", False),
        ("node", "PB012", f"fs.renameSync(a, b);{FAR}if (e.code === 'EPERM') again();", False),
        ("perl", "PB010", "unlink $file or $!{EACCES} && sleep 1;", True),
        ("sh", "PB012", "until mv a b; do sleep 1; done", True),
        ("sh", "PB012", "mv a b", False),
        ("node", "PB001", "fs.renameSync(a, b); // EPERM", False),
    ],
)
def test_scripts_that_try_again(tmp_path: Path, program: str, rule: str, text: str, again: bool) -> None:
    script = tmp_path / "script"
    script.write_text(text)
    own = HostTid(os.getpid())
    assert tries_again(own, Process(own, program, (program, str(script))), rule) is again
