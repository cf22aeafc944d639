"""How the modules of a run are loaded: as Python would, only faster; and how a run ends."""

from __future__ import annotations

import json
import marshal
import os
import py_compile
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from picobox._native import _core

from .command import REPOSITORY, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A module's place among others, as Python's own import tells it.
TELL = """
import json, sys
from importlib import import_module
told = {}
for name in NAMES:
    module = import_module(name)
    spec = module.__spec__
    functions = (each for each in vars(module).values() if hasattr(each, "__code__") and each.__module__ == name)
    function = next(functions, None)
    told[name] = [
        module.__name__, module.__file__, module.__package__, module.__doc__, list(getattr(module, "__path__", [])),
        spec.name, spec.origin, spec.cached, spec.parent, spec.has_location, spec.submodule_search_locations,
        function and function.__code__.co_filename, sorted(name for name in vars(module) if name != "__builtins__"),
        getattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2]) is module,
    ]
print(json.dumps(told))
"""
NAMES = ["picobox.abi.row", "picobox.abi", "picobox.platform.host", "ntshim.io.services", "picobox._native"]
COMPILED = [*NAMES, "picobox.errors"]
INSTALL = "from picobox.start import loader; loader.install()\n"
# Whether a module was loaded from its compiled file, was compiled for this run, or is Python's business.
HOW = """
from picobox.errors import __loader__ as how
print("Python" if type(how).__name__ != "_Loader" else "new" if how._code is None else "compiled")
"""


def run(code: str, tree: Path = REPOSITORY, *options: str, **variables: str) -> str:
    """What a Python prints that runs code with the modules of a tree."""
    done = subprocess.run(
        [sys.executable, *options, "-c", f"import sys; sys.path.insert(0, {str(tree)!r})\n{code}"],
        env=environment({"PYTHONDONTWRITEBYTECODE": "1", **variables}),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the tests here load, compiled."""
    place = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__", "*.c", "*.h")
    for package in ("picobox", "ntshim"):
        shutil.copytree(REPOSITORY / package, place / package, ignore=ignored)
    run(
        f"{ALONE}import picobox.start.loader\nfor name in {COMPILED!r}: __import__(name)",
        place,
        PYTHONDONTWRITEBYTECODE="",
    )
    return place


@pytest.fixture
def errors(tree: Path) -> Iterator[Path]:
    """A module of the tree that a test may change; afterwards it is as it was, and compiled."""
    path = tree / "picobox" / "errors.py"
    yield path
    shutil.copy2(REPOSITORY / "picobox" / "errors.py", path)
    py_compile.compile(str(path), doraise=True)


def compiled(path: Path) -> Path:
    return path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"


# Without the finders of an installation, which know where this project's modules are.
ALONE = """
pythons = ("_frozen_importlib", "_frozen_importlib_external")
sys.meta_path[:] = [each for each in sys.meta_path if each.__module__ in pythons]
"""


def test_modules_are_those_that_python_would_load(tree: Path) -> None:
    tell = TELL.replace("NAMES", repr(NAMES))
    ours, pythons = json.loads(run(ALONE + INSTALL + tell, tree)), json.loads(run(ALONE + tell, tree))
    assert ours == pythons
    assert ours["picobox.abi.row"][1] == str(tree / "picobox/abi/row.py")
    assert run(ALONE + INSTALL + HOW, tree) == "compiled"


def test_a_module_that_was_changed_is_loaded_as_it_is_now(tree: Path, errors: Path) -> None:
    assert run(ALONE + INSTALL + HOW, tree) == "compiled"
    errors.write_text(errors.read_text() + "ADDED = 5\n")
    assert run(f"{ALONE}{INSTALL}{HOW}from picobox.errors import ADDED; print(ADDED)", tree).split() == ["new", "5"]


def test_a_change_that_leaves_the_size_is_seen_by_the_time(tree: Path, errors: Path) -> None:
    text = errors.read_text()
    errors.write_text(text.replace("class Errno", "class Errna"))
    os.utime(errors, (1, 1))
    assert run(f"{ALONE}{INSTALL}from picobox.errors import Errna; print(Errna.__name__)", tree) == "Errna"


@pytest.mark.parametrize("left", [0, 3, 15])
def test_a_damaged_file_is_not_loaded(tree: Path, errors: Path, left: int) -> None:
    file = compiled(errors)
    file.write_bytes(file.read_bytes()[:left])
    assert run(ALONE + INSTALL + HOW, tree) == "new"


@pytest.mark.parametrize("rest", [b"", b"\xe3", marshal.dumps([1])], ids=["nothing", "half", "no code"])
def test_what_is_no_code_ends_as_pythons_import_does(tree: Path, errors: Path, rest: bytes) -> None:
    file = compiled(errors)
    file.write_bytes(file.read_bytes()[:16] + rest)
    told = "try:\n    import picobox.errors\nexcept (EOFError, ImportError) as error:\n    print(repr(error))"
    ours, pythons = run(ALONE + INSTALL + told, tree), run(ALONE + told, tree)
    assert ours == pythons
    assert ours.startswith(("EOFError", "ImportError"))


def test_another_pythons_file_is_not_loaded(tree: Path, errors: Path) -> None:
    file = compiled(errors)
    data = file.read_bytes()
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert run(ALONE + INSTALL + HOW, tree) == "new"


def test_a_file_that_is_valid_by_its_sources_hash_is_read_as_python_reads_it(tree: Path, errors: Path) -> None:
    py_compile.compile(str(errors), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    assert run(ALONE + INSTALL + HOW, tree) == "new"


@pytest.mark.parametrize(("forbidden", "kept"), [("1", False), ("", True)])
def test_what_is_not_compiled_yet_is_compiled_as_python_does(
    tree: Path, errors: Path, forbidden: str, kept: bool
) -> None:
    compiled(errors).unlink()
    assert run(ALONE + INSTALL + HOW, tree, PYTHONDONTWRITEBYTECODE=forbidden) == "new"
    assert compiled(errors).exists() == kept


@pytest.mark.parametrize("name", ["abi/memory", "platform/base"])
def test_modules_that_are_compiled_fit_those_that_are_not(tree: Path, name: str) -> None:
    file = compiled(tree / "picobox" / f"{name}.py")
    data = file.read_bytes()
    file.unlink()
    try:
        code = "from picobox.platform.base import GuestMemory; print(GuestMemory.__mro__[1].__name__)"
        assert run(ALONE + INSTALL + code, tree) == "Memory"
    finally:
        file.write_bytes(data)


def test_where_modules_are_loaded_already_others_are_loaded_like_them(tree: Path, errors: Path) -> None:
    assert errors.exists()
    assert run(f"{ALONE}import picobox.profile\n{INSTALL}{HOW}", tree) == "Python"


@pytest.mark.parametrize(
    ("options", "variables"), [(("-O",), {}), ((), {"PYTHONPYCACHEPREFIX": "/nonexistent"})], ids=["-O", "prefix"]
)
def test_where_compiled_files_lie_elsewhere_python_loads(
    tree: Path, errors: Path, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    assert errors.exists()
    assert run(ALONE + INSTALL + HOW, tree, *options, **variables) == "Python"


def test_a_module_that_is_missing_is_missed(tree: Path) -> None:
    code = "try:\n    import picobox.nothing\nexcept ModuleNotFoundError as error:\n    print(error)"
    assert run(ALONE + INSTALL + code, tree) == "No module named 'picobox.nothing'"


def test_libraries_get_the_libraries_themselves(tree: Path) -> None:
    code = "import picobox.platform.host as ours, string\nprint(ours.re.__name__, string._re.__name__)"
    assert run(ALONE + INSTALL + code, tree) == "picobox.start.re re"


EVERY = """
import pkgutil
from importlib import import_module
import ntshim, picobox
records = 0
for package in (picobox, ntshim):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name == "picobox.__main__":
            continue
        module = import_module(found.name)
        for kind in vars(module).values():
            if isinstance(kind, type) and hasattr(kind, "_field_defaults") and kind.__module__ == found.name:
                needed = kind._fields[: len(kind._fields) - len(kind._field_defaults)]
                assert not set(needed) & kind._field_defaults.keys(), kind
                made = kind(*needed)
                assert made == kind(**dict(zip(needed, needed))) == made._replace(), kind
                assert made._asdict() == {name: name for name in needed} | kind._field_defaults, kind
                records += 1
print(records)
"""


def test_every_module_of_ours_does_with_stand_ins() -> None:
    assert int(run(INSTALL + EVERY)) > 200


def test_functions_import_as_usual(tree: Path) -> None:
    code = """
import builtins
from picobox.platform import host
try:
    import picobox.nothing
except ModuleNotFoundError:
    pass
assert host.__builtins__ is not vars(builtins)
print(host.__builtins__["__import__"] is builtins.__import__)
"""
    assert run(ALONE + INSTALL + code, tree) == "True"


def test_a_module_that_fails_leaves_imports_as_they_were(tree: Path, errors: Path) -> None:
    errors.write_text("import re\nraise ValueError(re.__name__)\n")
    code = """
import builtins
from picobox.start.loader import _builtins
try:
    import picobox.abi.types
except ValueError as error:
    print(error, _builtins["__import__"] is builtins.__import__)
"""
    assert run(ALONE + INSTALL + code, tree) == "picobox.start.re True"


def test_a_run_loads_neither_typing_nor_argparse(tree: Path) -> None:
    code = (
        "import atexit\n"
        "atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))\n"
        "sys.argv = ['picobox', '--', 'true']\nfrom picobox.cli import command\ncommand()"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "picobox.supervisor" in done.stderr.split()
    assert not {"typing", "argparse", "threading"} & set(done.stderr.split())


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A copy of picobox that has never run."""
    ignored = shutil.ignore_patterns("__pycache__", "*.c", "*.h")
    for package in ("picobox", "ntshim"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=ignored)
    shutil.copy2(str(_core.__file__), tmp_path / "picobox" / "_native")
    return tmp_path


TABLE = {"picobox.abi.table", "picobox.abi.types", "picobox.abi.filter", "picobox.platform.form_compiler"}


@pytest.mark.parametrize(
    "options",
    [
        ("--policy", "open"),
        ("--policy", "default"),
        ("--no-gate",),
        ("--no-fast",),
        ("--walls", "no-namespaces"),
        ("trace", "-o", "/dev/null"),
    ],
)
def test_the_second_run_of_a_kind_needs_no_table(whole: Path, options: tuple[str, ...]) -> None:
    code = (
        "import atexit\n"
        "atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))\n"
        f"sys.argv = ['picobox', *{options!r}, '-q', '--', '/bin/true']\nfrom picobox.cli import command\ncommand()"
    )
    loaded = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys\n{ALONE}{code}"],
            env=environment({"PYTHONPATH": str(whole)}),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0
        loaded.append(set(done.stderr.split()))
    assert loaded[0] >= TABLE
    assert "picobox.platform.form_compiler" not in loaded[1]
    # Where every call is a stop, those of the program need the table, and where it is shown, its arguments.
    assert options[0] in ("--no-gate", "--no-fast", "trace") or not loaded[1] & TABLE


ENDING = "import atexit, sys, os\nfrom picobox.start.ending import leave\n"


def end(code: str, stdout: int | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run what ends by itself, in a Python that keeps what it writes until then."""
    return subprocess.run(
        [sys.executable, "-c", ENDING + code],
        env=environment({"PYTHONUNBUFFERED": ""}),
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
    )


@pytest.mark.parametrize("status", [0, 1, 125, 255])
def test_a_run_ends_with_its_status(status: int) -> None:
    assert end(f"leave({status})").returncode == status


def test_what_is_written_arrives_and_routines_for_the_end_run() -> None:
    code = "atexit.register(lambda: sys.stdout.write('last'))\nsys.stdout.write('first ')\nleave(3)"
    done = end(code, subprocess.PIPE)
    assert (done.returncode, done.stdout) == (3, b"first last")


def test_a_thread_is_waited_for() -> None:
    code = (
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), os.write(1, b'done'))).start()\nleave(4)"
    )
    done = end(code, subprocess.PIPE)
    assert (done.returncode, done.stdout) == (4, b"done")


def test_the_interpreter_is_not_taken_down() -> None:
    code = "class Last:\n    def __del__(self): os.write(1, b'down')\nlast = Last()\n"
    assert end(f"{code}leave(0)", subprocess.PIPE).stdout == b""
    assert end(f"{code}sys.exit(0)", subprocess.PIPE).stdout == b"down"


@pytest.mark.parametrize("code", ["leave(0)", "sys.exit(0)"], ids=["ours", "Python's"])
def test_what_cannot_be_written_is_told_by_python(code: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        done = end(f"sys.stdout.write('x')\n{code}", full)
    finally:
        os.close(full)
    assert done.returncode == 120
    assert b"No space left" in done.stderr


def test_closed_streams_are_no_failure() -> None:
    code = f"{ENDING}leave(6)"
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" >&- 2>&-', sys.executable, code], env=environment(), check=False
    )
    assert done.returncode == 6
