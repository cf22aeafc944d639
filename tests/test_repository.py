"""The rules of the house that a program can check: layout, imports, dependencies, files, CI."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from picobox.abi.row import ACTION_CALL, CHECK, LOCKS, READ_BACK, WINDOWS, WSL
from picobox.abi.table import BY_NAME, ROWS
from picobox.changes import deciders
from picobox.check.posix_calls import watchers
from picobox.cli.options import PLATFORMS, PROFILES
from picobox.faults import FAULTS
from picobox.syscalls import FAMILIES

REPOSITORY = Path(__file__).parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
RUN = REPOSITORY / ".ci" / "run"
WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]

# shared design, section 2; files whose name begins with a dot may stand beside these.
TOP_LEVEL = {"LICENSE", "README.md", "action.yml", "bench", "docs", "ntshim", "picobox", "pyproject.toml", "tests"}
MOST_LINES = 600
# A table is data: it is read row by row, and a row belongs beside its neighbours.
LONGER = {"picobox/abi/table.py": 1000}

# Where host files and processes may be touched.
HOST_PLACES = (
    "ntshim/fs/hostfs.py",
    "ntshim/fs/host_",
    "ntshim/fs/case_flag.py",
    "ntshim/cm/hive_file.py",
    "picobox/platform/",
    "picobox/confine/",
    "picobox/session/",
    "picobox/api/",
    "picobox/start/",
    "picobox/inspection/",
    "picobox/nt_files/",
)
# Modules that reach the host by themselves; `os`, `signal` and `fcntl` are looked at name by name.
HOST_MODULES = {
    "asyncio", "ctypes", "glob", "io", "mmap", "multiprocessing", "pathlib", "pty", "ptrace", "resource", "select",
    "shutil", "socket", "subprocess", "tempfile", "termios",
}  # fmt: skip
# Names that only convert values or tell constants.
HARMLESS = re.compile(
    r"os\.(fs(en|de)code|strerror|environb?|devnull|W[A-Z]+|[A-Z]+(_[A-Z]+)+)|signal\.S[A-Z0-9_]+|fcntl\.F_\w+"
)
EXCEPTIONS = {
    "picobox/__init__.py": ({"subprocess"}, "offers subprocess's own constants and exceptions, to type checkers"),
    "picobox/abi/structures.py": ({"socket"}, "takes the names of address families from it"),
    "picobox/cli/__init__.py": ({"os.getcwd"}, "modules are looked for in the working directory last"),
    "picobox/cli/checks.py": (
        {"os.access", "os.close", "os.geteuid", "os.getpid", "os.memfd_create", "os.pipe", "fcntl.fcntl", "pathlib"},
        "doctor asks the host what it allows: that is its work",
    ),
    "picobox/cli/findings.py": (
        {"os.get_terminal_size", "os.getpid", "os.path"},
        "-o may hold the number of this process; text is as wide as the terminal",
    ),
    "picobox/cli/launch.py": (
        {
            "os.getcwdb",
            "os.getpgid",
            "os.getpgrp",
            "os.getpid",
            "os.getsid",
            "os.kill",
            "os.path",
            "signal.ITIMER_REAL",
            "signal.setitimer",
        },
        "passes on the signals that this command gets, keeps its time limit, tells guests where to start",
    ),
    "picobox/cli/layers.py": (
        {"os.getcwdb", "os.path"},
        "finds the layer of the working directory, and shows paths from it",
    ),
    "picobox/cli/naming.py": (
        {"os.getcwdb", "os.listdir", "os.path", "os.stat"},
        "says what the only drive is, and that PATH has no such program, before anything that knows drives is imported",
    ),
    "picobox/cli/options.py": ({"os.get_terminal_size"}, "help is as wide as the terminal"),
    "picobox/cli/report.py": ({"os.sysconf", "pathlib"}, "memory is read from /proc/self"),
    "picobox/cli/writing.py": ({"os.dup2", "os.open"}, "writes to a terminal that may be gone"),
    "picobox/cli/reports.py": ({"os.getcwd", "os.path", "os.walk"}, "finds the reports that the user names"),
    "picobox/cli/trace.py": ({"signal.getsignal", "signal.signal"}, "a trace is written out before a signal ends us"),
    "picobox/findings/config.py": ({"os.path"}, "asks for the settings of the working directory"),
    "picobox/findings/settings.py": ({"open", "os.path", "os.stat"}, "finds and reads the user's settings"),
    "picobox/findings/config_values.py": ({"os.path"}, "paths in settings are relative to their file"),
    "picobox/findings/reading.py": ({"os.path"}, "paths in settings are relative to their file"),
    "picobox/findings/excerpt.py": (
        {"os.close", "os.fstat", "os.open", "os.path", "os.read"},
        "shows the source that a finding is about",
    ),
    "picobox/findings/files.py": (
        {"open", "os.chmod", "os.fstat", "os.getpid", "os.path", "os.readlink", "os.replace", "os.stat", "os.unlink"},
        "reads sources and baselines, writes what the user asked for",
    ),
    "picobox/pytest_plugin.py": ({"os.path", "subprocess"}, "starts the session anew, as the program of a check"),
    "picobox/pytest_runs.py": (
        {"open", "os.PathLike", "os.path", "pathlib", "subprocess", "tempfile"},
        "runs in a user's tests, beside picobox and not in it",
    ),
    "picobox/supervisor.py": ({"os.kill"}, "a task that no provider made must not run on"),
    "picobox/trace/sink.py": ({"os.close", "os.open", "os.write"}, "writes the file that the user asked for"),
}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> set[str]:
    """The whole names of the modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or relative(path).startswith("tests/"), f"{path}: relative import"
            names.add(node.module or "")
    return names


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def host_names(path: Path) -> set[str]:
    """What a file uses of the host: modules, functions of os, signal and fcntl, and open()."""
    found = roots(path) & HOST_MODULES
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name.startswith(("os.", "signal.", "fcntl.")) and not HARMLESS.fullmatch(name):
                found.add(name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            found.add("open")
        elif isinstance(node, ast.ImportFrom) and node.module in ("os", "signal", "fcntl"):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own that finds this tree."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def tracked() -> set[str]:
    """Every file that is, or would be, committed."""
    command = ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and os.path.lexists(REPOSITORY / name)}


def test_top_level_is_what_the_design_names() -> None:
    names = {name.partition("/")[0] for name in tracked()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL
    assert {".ci", ".github"} <= names


def test_ntshim_never_imports_picobox() -> None:
    files = python_files("ntshim")
    assert files
    assert [relative(path) for path in files if roots(path) & {"picobox", "ptrace", "cffi", "_cffi_backend"}] == []


def test_only_the_named_places_touch_the_host() -> None:
    strangers = {}
    for path in python_files("picobox", "ntshim"):
        name = relative(path)
        if name.startswith(HOST_PLACES):
            continue
        unexplained = host_names(path) - EXCEPTIONS.get(name, (set(), ""))[0]
        if unexplained:
            strangers[name] = unexplained
    assert strangers == {}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_no_exception_is_granted_for_nothing(name: str) -> None:
    allowed, reason = EXCEPTIONS[name]
    assert reason
    assert allowed <= host_names(REPOSITORY / name)


def test_host_names_are_found() -> None:
    assert {"os.fork", "os.waitpid"} <= host_names(REPOSITORY / "picobox/platform/reference.py") | host_names(
        REPOSITORY / "picobox/platform/reference_child.py"
    )


def test_no_ctypes() -> None:
    # Most files do not even name it, and need not be parsed for that.
    files = [path for path in python_files("picobox", "ntshim", "bench", "tests") if "ctypes" in path.read_text()]
    assert files
    assert [relative(path) for path in files if roots(path) & {"ctypes", "_ctypes"}] == []


def test_python_ptrace_stays_with_the_reference_platform() -> None:
    users = [relative(path) for path in python_files("picobox", "ntshim", "bench") if "ptrace" in roots(path)]
    assert users
    assert all(name.startswith("picobox/platform/reference") for name in users)


@pytest.mark.parametrize("path", python_files("picobox", "ntshim", "bench", "tests"), ids=relative)
def test_file_opens_with_one_sentence(path: Path) -> None:
    text = ast.get_docstring(parsed(path))
    assert text, "no docstring"
    assert text.splitlines()[0].endswith("."), "the first line is no whole sentence"


@pytest.mark.parametrize("folder", ["picobox", "bench", "tests"])
def test_c_files_open_with_a_comment(folder: str) -> None:
    files = [path for pattern in ("*.c", "*.h") for path in (REPOSITORY / folder).rglob(pattern)]
    assert files
    assert [relative(path) for path in files if not path.read_text().startswith(("/*", "//"))] == []


def test_no_file_is_too_long() -> None:
    sources = [name for name in tracked() if name.endswith((".py", ".c", ".h"))]
    lines = {name: len((REPOSITORY / name).read_text().splitlines()) for name in sources}
    assert {name: count for name, count in lines.items() if count > LONGER.get(name, MOST_LINES)} == {}


def test_ntshim_imports_without_the_c_core_on_any_system() -> None:
    done = python(
        """
import sys
class Blocker:
    names = {"picobox", "cffi", "_cffi_backend", "fcntl", "termios", "resource", "pwd", "grp", "ptrace", "rich"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocker())
sys.platform = "win32"
import ntshim, pkgutil
from importlib import import_module
names = [module.name for module in pkgutil.walk_packages(ntshim.__path__, "ntshim.")]
for name in names:
    import_module(name)
print(len(names))
"""
    )
    assert done.stderr == ""
    assert int(done.stdout) >= 10


@pytest.mark.parametrize("system", ["darwin", "win32", "freebsd14"])
@pytest.mark.parametrize("words", [["--", "/bin/true"], ["doctor"], ["--version"]])
def test_picobox_refuses_other_systems_in_one_line(system: str, words: list[str]) -> None:
    done = python(f"import sys; sys.platform = {system!r}; from picobox.cli import main; sys.exit(main({words!r}))")
    assert done.returncode == 125
    assert done.stdout == ""
    assert re.fullmatch(rf"picobox: [^\n]*{system}[^\n]*\n", done.stderr)


def handlers() -> dict[str, list[str]]:
    """Each public function of the modules of handlers, with the names of its parameters."""
    found: dict[str, list[str]] = {}
    for family, names in FAMILIES.items():
        module = import_module(f"picobox.syscalls.{family}")
        functions = [each for each in vars(module).values() if inspect.isfunction(each)]
        own = {each.__name__: each for each in functions if each.__module__ == module.__name__}
        public = {name: function for name, function in own.items() if name[0] != "_"}
        assert sorted(public) == sorted(names), f"picobox.syscalls.FAMILIES[{family!r}]"
        assert not public.keys() & found.keys(), "defined twice"
        found |= {name: list(inspect.signature(function).parameters) for name, function in public.items()}
    return found


def test_every_call_row_has_its_function_and_every_function_its_row() -> None:
    # What WSL's rules and its faults add has a test of its own.
    added = {WSL, WINDOWS, LOCKS, CHECK, READ_BACK, *(fault.name for fault in FAULTS)}
    expected = {
        row.name: ["provider", "call", *(argument.name for argument in row.args)]
        for row in ROWS
        if row.do.action == ACTION_CALL
        or any(each.action == ACTION_CALL for feature, each in row.when.items() if feature not in added)
    }
    assert expected
    assert handlers() == expected


def test_every_change_is_decided_by_the_function_of_its_row() -> None:
    decided = deciders()
    for name, function in decided.items():
        parameters = list(inspect.signature(function).parameters)
        assert parameters == ["changes", "call", *(argument.name for argument in BY_NAME[name].args)]
    assert {row.name for row in ROWS if {WINDOWS, LOCKS} & row.when.keys()} <= decided.keys()


def test_every_call_that_windows_lacks_is_watched_by_the_function_of_its_row() -> None:
    watched = watchers()
    for name, function in watched.items():
        parameters = list(inspect.signature(function).parameters)
        assert parameters == ["judge", "call", *(argument.name for argument in BY_NAME[name].args)]
    assert {row.name for row in ROWS if {CHECK, READ_BACK} & row.when.keys()} <= watched.keys()


def test_every_module_of_handlers_is_loaded() -> None:
    modules = {path.stem for path in python_files("picobox/syscalls") if path.stem != "__init__"}
    assert modules == set(FAMILIES)


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~;\[ ]", text, maxsplit=1)[0] for text in requirements}


def test_dependencies_are_those_that_were_decided() -> None:
    project = PROJECT["project"]
    assert names_of(project["dependencies"]) == {"backports-zstd", "cffi", "iced-x86", "pyelftools", "rich"}
    assert {name: names_of(each) for name, each in project["optional-dependencies"].items()} == {
        "reference": {"python-ptrace"}
    }
    # Installs without build isolation, the README's, find the build's own needs among the group's.
    assert names_of(PROJECT["build-system"]["requires"]) <= names_of(PROJECT["dependency-groups"]["dev"]) | {"cffi"}


def pinned_by_hash(file: str) -> set[str]:
    """The names in a file of requirements, each of which must have hashes."""
    lines = (REPOSITORY / file).read_text()
    entries = re.findall(r"^([a-z0-9-]+)==\S+.*\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", lines, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[a-z0-9]", lines, re.MULTILINE)), "a pin without hashes"
    return {name for name, _ in entries}


@pytest.mark.parametrize(
    ("group", "file"),
    [
        ("dev", ".ci/requirements.txt"),
        ("dist", ".ci/requirements-dist.txt"),
        ("docs", "docs/requirements.txt"),
    ],
)
def test_every_dependency_is_pinned_with_hashes_and_explained(group: str, file: str) -> None:
    project = PROJECT["project"]
    wanted = names_of(PROJECT["dependency-groups"][group])
    if group == "dev":
        wanted |= names_of([*project["dependencies"], *project["optional-dependencies"]["reference"]])
    assert wanted <= pinned_by_hash(file)
    decisions = (REPOSITORY / "docs" / "decisions.md").read_text()
    assert {name for name in wanted if f"**{name}**" not in decisions} == set()


def test_packages_of_table_r_are_installed_by_ci() -> None:
    from real.row import FULL
    from real.rows import ROWS

    def packages_of(name: str) -> list[str]:
        lines = (REPOSITORY / ".ci" / name).read_text().splitlines()
        return [line.split()[0] for line in lines if not line.startswith("#")]

    packages, of_full_tier = packages_of("packages.txt"), packages_of("packages-full.txt")
    for row in ROWS:
        # python3 comes with python3-venv.
        assert set(row.needs) - {"python3"} <= {*packages, *(of_full_tier if row.tier == FULL else ())}, row
    assert len(packages) == len(set(packages))


def matrix() -> dict[str, list[str]]:
    """The axes of the workflow's matrix; its lists are written on one line each."""
    lines = WORKFLOW.read_text().partition("\n      matrix:\n")[2].splitlines()
    found = {}
    for line in lines:
        axis = re.fullmatch(r"        (\w+): \[(.*)\]", line)
        if axis is None:
            break
        found[axis[1]] = [value.strip().strip('"') for value in axis[2].split(",")]
    return found


def test_matrix_is_what_picobox_knows() -> None:
    axes = matrix()
    assert set(axes) == {"python", "platform", "profile", "system"}
    assert axes["platform"] == list(PLATFORMS)
    assert axes["profile"] == list(PROFILES)
    assert axes["python"] == PYTHONS
    assert axes["system"] == ["bookworm", "alpine"]


def test_every_cell_calls_ci_run_with_its_values() -> None:
    runs = re.findall(r"- run: bash \.ci/run (.*)", WORKFLOW.read_text())
    cell = " ".join(f"--{axis} ${{{{ matrix.{axis} }}}}" for axis in ("platform", "profile", "python"))
    assert runs == [cell, "dist", "docs"]


def test_published_wheels_are_of_one_abi_for_both_c_libraries() -> None:
    built = PROJECT["tool"]["cibuildwheel"]["build"]
    newest = PYTHONS[-1].replace(".", "")
    assert set(built) == {
        f"cp{python}-{libc}_x86_64" for python in ("311", newest) for libc in ("manylinux", "musllinux")
    }
    assert PROJECT["tool"]["scikit-build"]["wheel"]["py-api"] == "cp311"


def test_ci_run_knows_the_same_pythons() -> None:
    assert f'\nversions="{" ".join(PYTHONS)}"\n' in RUN.read_text()
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--platform", "nonsense"], f"unknown platform nonsense: choose from {' '.join(PLATFORMS)}"),
        (["--profile=nonsense"], f"unknown profile nonsense: choose from {' '.join(PROFILES)}"),
        (["--python", "2.7"], f"unknown Python 2.7: choose from {' '.join(PYTHONS)}, or a path"),
        (["--platform"], "--platform needs a value"),
        (["sometimes"], "unknown argument sometimes"),
    ],
)
def test_ci_run_refuses_what_it_does_not_know(words: list[str], complaint: str) -> None:
    done = subprocess.run(["bash", str(RUN), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f".ci/run: {complaint}"


def test_ci_run_is_executable_and_tells_its_usage() -> None:
    done = subprocess.run([str(RUN), "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: .ci/run [fast|full|dist|docs|fetch]")


def test_one_platform_leaves_out_the_others() -> None:
    chosen, other = "reference", "trace"
    options = ["--collect-only", "-q", "--one-platform", f"--picobox-platform={chosen}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/test_programs.py"],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"test_platform[{chosen}-" in done.stdout
    assert f"test_platform[{other}-" not in done.stdout
    assert "test_native[" in done.stdout
