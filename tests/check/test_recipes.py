"""The recipes of docs/recipes.md as they stand there: each finds the bug of a tiny project, and nothing in its twin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "recipes.md").read_text()
TIMEOUT = 110


class Project(NamedTuple):
    """A project for a recipe: `files` hold a bug of `rule`, and `mended` replaces a text in one of them.

    `prepare` is run without picobox first; `needs` are the programs that Debian's packages bring.
    """

    recipe: str
    rule: str
    files: dict[str, str]
    mended: tuple[str, str]
    prepare: str = "true"
    needs: tuple[str, ...] = ()


PROJECTS = [
    Project(
        "pytest",
        "PB010",
        {
            "test_log.py": "import os\n\ndef test_log():\n    log = open('app.log', 'w')\n    os.unlink('app.log')\n",
        },
        ("    os.unlink", "    log.close()\n    os.unlink"),
    ),
    Project(
        "make",
        "PB010",
        {"Makefile": "check:\n\texec 3>app.log && rm app.log\n"},
        ("exec 3>app.log && rm", ": >app.log && rm"),
    ),
    Project(
        "npm",
        "PB004",
        {
            "package.json": '{"name": "app", "version": "1.0.0", "scripts": {"test": "node test.js"}}\n',
            "test.js": "require('fs').writeFileSync('page?query.html', '');\n",
        },
        ("page?", "page-"),
        needs=("npm", "node"),
    ),
    Project(
        "CTest",
        "PB010",
        {
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.20)\nproject(app C)\nenable_testing()\n"
            "add_executable(log log.c)\nadd_test(NAME log COMMAND log)\n",
            "log.c": "#include <fcntl.h>\n#include <unistd.h>\n\nint main(void)\n{\n"
            '    int log = open("app.log", O_WRONLY | O_CREAT, 0666);\n    return log < 0 || unlink("app.log");\n}\n',
        },
        ("log < 0 ||", "log < 0 || close(log) ||"),
        prepare="cmake -S . -B build && cmake --build build",
        needs=("cmake", "ctest", "gcc"),
    ),
    Project(
        "Cargo",
        "PB004",
        {
            "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n',
            "src/lib.rs": '#[test]\nfn log() {\n    std::fs::write("what?.log", "").unwrap();\n}\n',
        },
        ("what?", "what"),
        prepare="cargo test --no-run",
        needs=("cargo",),
    ),
    Project(
        "Go",
        "PB010",
        {
            "go.mod": "module example.org/app\n\ngo 1.19\n",
            "log_test.go": 'package app\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestLog(t *testing.T) {\n'
            '\tlog, err := os.Create("app.log")\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n'
            '\tif err := os.Remove("app.log"); err != nil {\n\t\tt.Fatal(err)\n\t}\n\tlog.Close()\n}\n',
        },
        ('\tif err := os.Remove("app.log")', '\tlog.Close()\n\tif err := os.Remove("app.log")'),
        needs=("go",),
    ),
]  # fmt: skip
# What compiles, or comes with many packages.
HEAVY = {"npm", "CTest", "Cargo", "Go"}


def recipe(name: str) -> str:
    """The block below a heading."""
    found = re.search(rf"^## {re.escape(name)}\n(?:(?!^## ).*\n)*?```sh\n((?:.*\n)*?)```", TEXT, re.MULTILINE)
    assert found, f"docs/recipes.md has no block for {name}"
    return found[1]


def shell(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as a step of CI would: it ends at the first command that fails."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PICOBOX", "GITHUB", "PYTEST"))}
    tools = {"GOCACHE": str(directory.parent / "go"), "GOFLAGS": "-mod=mod", "CARGO_NET_OFFLINE": "true"}
    temporary = directory.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=directory,
        env={**kept, **tools, "PATH": path, "TMPDIR": str(temporary), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def grave(output: str) -> set[str]:
    """The rules of the findings in a text report that fail a check."""
    return set(re.findall(r"^(?:error|warning) (PB\d+):", output, re.MULTILINE))


def test_every_recipe_has_a_project() -> None:
    headings = re.findall(r"^## (.*)\n(?:(?!^## ).*\n)*?```sh\n", TEXT, re.MULTILINE)
    assert headings == [project.recipe for project in PROJECTS]


@pytest.mark.timeout(3 * TIMEOUT)
@pytest.mark.parametrize(
    "project",
    [
        pytest.param(project, id=project.recipe, marks=[pytest.mark.full] if project.recipe in HEAVY else [])
        for project in PROJECTS
    ],
)
def test_the_recipe_finds_the_bug_and_nothing_in_the_twin(project: Project, tmp_path: Path) -> None:
    missing = [name for name in project.needs if shutil.which(name) is None]
    assert not missing, f"{', '.join(missing)}: .ci/run full installs what .ci/packages-full.txt names"
    before, after = project.mended
    for twin in (False, True):
        directory = tmp_path / ("clean" if twin else "bug") / "app"
        for name, content in project.files.items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content.replace(before, after) if twin else content)
        prepared = shell(project.prepare, directory)
        assert prepared.returncode == 0, prepared.stdout
        done = shell(recipe(project.recipe), directory)
        assert grave(done.stdout) == (set() if twin else {project.rule}), done.stdout
        assert done.returncode == (0 if twin else 1), done.stdout
