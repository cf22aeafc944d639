"""What is promised of ntshim alone: documentation, examples, independence; run as a program, rewrites the document."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ntshim.fs.memfs import MemFs
from ntshim.nt import NtServices
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes
from ntshim.status import STATUS_OBJECT_PATH_NOT_FOUND, NtError
from ntshim.system import System

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs" / "ntshim.md"
REFERENCE = REPOSITORY / "docs" / "nt-services.md"
REFERENCE_HEAD = """# The services of ntshim

Each takes the caller first, a process or a thread. What it answers, with types, units, statuses and the source of the
rule, stands in its docstring (`help(System().nt.NtCreateFile)`); here is the first sentence of each.
`python tests/unit/test_ntshim_library.py` makes this list. Sections of `facts/nt.md` are the project's notes on NT.

| service | does |
|---|---|
"""
EXAMPLES = REPOSITORY / "docs" / "examples"
_EXAMPLE = re.compile(r"^```console\n\$ (?P<command>.*)\n(?P<output>(?s:.*?))^```$", re.MULTILINE)
# What an interpreter elsewhere does not have.
_LINUX_ONLY = ("fcntl", "grp", "pwd", "resource", "termios", "_cffi_backend", "cffi", "picobox")
_IMPORTS_ALL = f"""
import importlib, os, pkgutil, sys
class Elsewhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_LINUX_ONLY!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Elsewhere())
for name in {_LINUX_ONLY!r}:
    sys.modules.pop(name, None)
for name in ("getxattr", "setxattr", "listxattr", "removexattr", "pread", "pwrite"):
    delattr(os, name)
import ntshim
names = [found.name for found in pkgutil.walk_packages(ntshim.__path__, "ntshim.")]
for name in names:
    importlib.import_module(name)
from ntshim.system import System
system = System()
assert system.nt.NtClose and len(names) > 50
print("imported")
"""


def output_of(command: str) -> str:
    """What a command prints, run at the top of the repository with this Python first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": path, "LC_ALL": "C"},
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def services() -> list[str]:
    """The name of every service."""
    return sorted(name for name in dir(System().nt) if name.startswith("Nt"))


def reference() -> str:
    """A line for each service: its parameters and its docstring's first sentence."""
    nt = System().nt
    lines = []
    for name in services():
        routine = inspect.unwrap(getattr(nt, name))
        text = re.sub(r"\s+", " ", inspect.getdoc(routine) or "")
        sentence = re.split(r"(?<=[.;:]) ", text, maxsplit=1)[0].rstrip(".;:").replace("|", "\\|")
        parameters = [parameter for parameter in inspect.signature(routine).parameters if parameter != "self"]
        lines.append(f"| `{name}({', '.join(parameters)})` | {sentence} |\n")
    return f"{REFERENCE_HEAD}{''.join(lines)}"


def written() -> str:
    """The document with the present output of each example."""
    text = DOCUMENT.read_text()
    return _EXAMPLE.sub(lambda found: f"```console\n$ {found['command']}\n{output_of(found['command'])}```", text)


def test_the_document_is_what_the_library_does() -> None:
    assert DOCUMENT.read_text() == written(), f"run {sys.executable} {Path(__file__).relative_to(REPOSITORY)}"


def test_the_list_of_services_is_whole() -> None:
    assert REFERENCE.read_text() == reference(), f"run {sys.executable} {Path(__file__).relative_to(REPOSITORY)}"


def test_every_example_is_shown() -> None:
    text = DOCUMENT.read_text()
    found = list(EXAMPLES.glob("*.py"))
    assert len(found) == 3
    assert all(f"docs/examples/{example.name}" in text for example in found)
    assert all(example["output"] for example in _EXAMPLE.finditer(text))


@pytest.mark.parametrize("name", services())
def test_every_service_is_documented(name: str) -> None:
    """Types stand in the signature; statuses and source, or why there are none, in the text or its class's."""
    routine = inspect.unwrap(getattr(System().nt, name))
    assert inspect.getdoc(routine)
    signature = inspect.signature(routine)
    assert all(parameter.annotation is not parameter.empty for parameter in [*signature.parameters.values()][1:])
    assert signature.return_annotation is not signature.empty


def test_imports_where_there_is_no_linux(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS_ALL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "imported\n"), done.stderr


def test_a_system_has_the_drives_that_were_asked_for() -> None:
    system = System({"D": MemFs(), "e": MemFs()})
    process = system.new_process()

    def open_root(letter: str) -> int:
        name = ObjectAttributes(f"\\??\\{letter}:\\", attributes=OBJ_CASE_INSENSITIVE)
        return system.nt.NtOpenFile(process, 0x80, name, 7, 0).handle

    assert open_root("D") != open_root("E")
    with pytest.raises(NtError) as refused:
        open_root("C")
    assert refused.value.status == STATUS_OBJECT_PATH_NOT_FOUND
    with pytest.raises(ValueError, match="drive d"):
        system.add_drive("d", MemFs())


def test_a_thread_ends_when_it_is_told_to() -> None:
    system = System()
    process = system.new_process()
    thread, survivor = system.new_thread(process), system.new_thread(process)
    assert isinstance(system.nt, NtServices)
    mutant = system.nt.NtCreateMutant(thread, 0x1F0001, None, True).handle
    system.nt.NtTerminateThread(thread, -2, 7)
    assert thread.exit_status == 7
    assert system.nt.NtQueryMutant(survivor, mutant).abandoned_state


if __name__ == "__main__":
    DOCUMENT.write_text(written())
    REFERENCE.write_text(reference())
