"""Which frame is the project's: sources before modules, nothing that others wrote, and what was built elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.check.sites import site_of
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "src/main.c", "pkg/mod.py", "tests/test_a.py", "env/pyvenv.cfg", "env/lib/x.py", "env/share/deep/y.py",
    "venv/lib/python3.12/json/__init__.py", "lib64/python3.13t/os.py", ".tox/py/a.py", ".nox/a.py",
    "node_modules/m/index.js", "vendor/site-packages/z.py", "dist-packages/q.py", "build/program", "relative.py",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    for name in FILES:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).touch()
    (tmp_path / "alias").symlink_to("project")
    (tmp_path / "outside.c").touch()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.c").touch()
    return directory


@pytest.mark.parametrize("name", ["src/main.c", "pkg/mod.py", "tests/test_a.py", "pkg/missing.py"])
def test_files_below_the_project_are_its_own(name: str, project: Path) -> None:
    frame = Frame(f"{project}/{name}", "f", 3)
    assert site_of((frame,), str(project)) == frame
    assert site_of((frame,), str(project) + "-2") is None


@pytest.mark.parametrize(
    "name", [name for name in FILES if name.startswith(("env/", "venv/", "lib64", ".", "node", "ven", "dist"))]
)
def test_what_others_wrote_is_not_its_own(name: str, project: Path) -> None:
    assert site_of((Frame(f"{project}/{name}", "f", 3),), str(project)) is None


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        ("relative.py", 3, "relative.py"),
        ("missing.py", 3, None),
        ("<string>", 3, None),
        ("<frozen importlib._bootstrap>", 3, None),
        ("TMP/alias/pkg/mod.py", 3, "pkg/mod.py"),
        ("TMP/outside.c", 3, None),
        ("TMP/src/main.c", 3, None),  # is there itself, whatever the project has
        ("/usr/src/build/src/main.c", 3, "src/main.c"),
        ("/usr/src/build/main.c", 3, None),  # a mere name would be anybody's
        ("/usr/src/build/pkg/mod.py", 3, None),  # Python was not built elsewhere
        ("/rustc/1234/src/main.c", 3, None),
    ],
)
def test_paths_that_are_not_below_it(file: str, line: int, found: str | None, project: Path) -> None:
    frame = Frame(file.replace("TMP", str(project.parent)), "f", line)
    expected = None if found is None else frame._replace(file=f"{project}/{found}")
    assert site_of((frame,), str(project)) == expected


def test_the_innermost_source_comes_before_every_module(project: Path) -> None:
    module = Frame(f"{project}/build/program", "g", offset=16)
    inner, outer = Frame(f"{project}/src/main.c", "f", 3), Frame(f"{project}/src/main.c", "main", 9)
    foreign = Frame("/usr/lib/libc.so.6", "open", offset=99)
    assert site_of((foreign, module, inner, outer), str(project)) == inner
    assert site_of((foreign, module), str(project)) == module
    assert site_of((foreign,), str(project)) is None
    assert site_of((), str(project)) is None
