"""Which lines of a source do not run on Windows, by the source's own words."""

from __future__ import annotations

import textwrap
import zlib
from typing import TYPE_CHECKING

import pytest

from picobox.check.platforms import is_not_for_windows
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from pathlib import Path


def marked(directory: Path, text: str) -> bool:
    """Whether the line that has `here` in it does not run on Windows."""
    file = directory / f"source{zlib.crc32(text.encode())}.py"
    file.write_text(textwrap.dedent(text))
    line = next(number for number, each in enumerate(file.read_text().splitlines(), 1) if "here" in each)
    library = Frame("/usr/lib/python3.11/os.py", "makedirs", 225)
    return is_not_for_windows((library, Frame(str(file), "function", line), Frame("<string>", "<module>", 1)))


@pytest.mark.parametrize(
    ("condition", "elsewhere"),
    [
        ("os.name == 'posix'", True),
        ("os.name != 'nt'", True),
        ("sys.platform != 'win32'", True),
        ("not sys.platform.startswith('win')", True),
        ("sys.platform.startswith('linux')", True),
        ("sys.platform in ('linux', 'darwin')", True),
        ("sys.platform not in {'win32', 'cygwin'}", True),
        ("platform.system() == 'Linux'", True),
        ("hasattr(os, 'fork')", True),
        ("hasattr(signal, 'SIGUSR1')", True),
        ("hasattr(signal, name)", True),
        ("hasattr(socket, 'AF_UNIX')", True),
        ("getattr(os, 'geteuid', None)", True),
        ("getattr(os, 'geteuid', None) is not None", True),
        ("fcntl", True),
        ("fcntl is not None", True),
        ("locks", True),
        ("hangup is not None", True),
        ("enabled and os.name == 'posix'", True),
        ("POSIX", True),
        ("not WINDOWS", True),
        ("os.name == 'nt'", False),
        ("sys.platform == 'win32'", False),
        ("enabled or os.name == 'posix'", False),
        ("hasattr(os, 'symlink')", False),
        ("hasattr(shutil, 'fork')", False),
        ("hasattr(signal, 'SIGTERM')", False),
        ("hasattr(os, name)", False),
        ("hasattr(os)", False),
        ("getattr(os, 'geteuid', None) is None", False),
        ("fcntl is None", False),
        ("json is not None", False),
        ("yaml", False),
        ("enabled", False),
        ("DEBUG", False),
        ("ITSELF", False),
        ("os.name == name", False),
        ("os.name > 'n'", False),
        ("'a' < os.name < 'z'", False),
        ("sys.platform.startswith()", False),
    ],
)
def test_a_branch(tmp_path: Path, condition: str, elsewhere: bool) -> None:
    text = f"""
        POSIX = os.name == "posix"
        WINDOWS: bool = not POSIX
        DEBUG = True
        ITSELF = ITSELF
        try:
            import json, yaml
        except ImportError:
            json = yaml = None
        try:
            import fcntl
            locks = True
        except ImportError:
            fcntl = None
            locks = False
        hangup = getattr(signal, "SIGHUP", None)
        if {condition}:
            os.mkfifo("here")
        """
    assert marked(tmp_path, text) is elsewhere


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("if os.name == 'nt':\n    pass\nelse:\n    here()", True),
        ("if os.name == 'nt':\n    pass\nelif more:\n    here()", True),
        ("if os.name == 'posix':\n    pass\nelse:\n    here()", False),
        ("if os.name == 'posix':\n    pass\nhere()", False),
        ("def f():\n    if os.name == 'nt':\n        return\n    here()", True),
        ("def f():\n    if os.name == 'nt':\n        raise Unsupported\n    here()", True),
        ("def f():\n    for a in b:\n        if os.name == 'nt':\n            continue\n        here()", True),
        ("def f():\n    if os.name == 'nt':\n        pytest.skip('POSIX only')\n    here()", True),
        ("def f():\n    if os.name == 'nt':\n        self.skipTest('POSIX only')\n    here()", True),
        ("if os.name == 'nt':\n    sys.exit()\nhere()", True),
        ("def f():\n    if os.name == 'nt':\n        print('slow')\n    here()", False),
        ("def f():\n    if os.name != 'nt':\n        return\n    here()", False),
        ("def f():\n    if os.name == 'nt':\n        return\nhere()", False),
        ("try:\n    import fcntl\n    here()\nexcept ImportError:\n    pass", True),
        ("try:\n    from pwd import getpwnam\nexcept ImportError:\n    pass\nelse:\n    here()", True),
        ("try:\n    import yaml\nexcept ImportError:\n    pass\nelse:\n    here()", False),
        ("try:\n    here()\n    import fcntl\nexcept ImportError:\n    pass", False),
        ("try:\n    signal.signal(signal.SIGHUP, here)\nexcept AttributeError:\n    pass", True),
        ("try:\n    signal.signal(signal.SIGTERM, here)\nexcept AttributeError:\n    pass", False),
        ("try:\n    here(os.fork())\nexcept (OSError, AttributeError):\n    pass", True),
        ("try:\n    here(os.fork())\nexcept Exception:\n    raise", False),
        ("try:\n    here(os.fork())\nexcept OSError:\n    pass", False),
        ("try:\n    loop.add_signal_handler(1, here)\nexcept NotImplementedError:\n    pass", True),
        ("with suppress(NotImplementedError):\n    loop.add_signal_handler(1, here)", True),
        ("with contextlib.suppress(AttributeError):\n    here(os.fork())", True),
        ("with suppress(OSError):\n    here(os.fork())", False),
        ("with open(AttributeError):\n    here(os.fork())", False),
        ("a = (\n    1 if os.name == 'nt' else\n    here()\n)", True),
        ("a = (\n    here() if os.name == 'nt' else\n    2\n)", False),
        ("a = here(1 if os.name == 'nt' else 2)", False),
        ("os.name == 'nt' or here()", True),
        ("os.name == 'posix' and here()", True),
        ("os.name == 'posix' or here()", False),
        ("match sys.platform:\n    case 'win32':\n        pass\n    case _:\n        here()", True),
        ("match os.name:\n    case 'posix':\n        here()", True),
        ("match os.name:\n    case 'posix' | 'nt':\n        here()", False),
        ("match os.name:\n    case 'java':\n        pass\n    case _:\n        here()", False),
        ("match os.name:\n    case 'posix' if wanted:\n        here()", False),
        ("match os.name:\n    case str():\n        pass\n    case 'posix':\n        here()", False),
        ("match version:\n    case 1:\n        pass\n    case _:\n        here()", False),
        ("if (", False),
        ("if 'no code':\n    here()", False),
    ],
)
def test_a_block(tmp_path: Path, text: str, elsewhere: bool) -> None:
    assert marked(tmp_path, text if "here" in text else f"{text}  # here") is elsewhere


@pytest.mark.parametrize(
    ("mark", "elsewhere"),
    [
        ("pytest.mark.skipif(sys.platform == 'win32', reason='')", True),
        ("pytest.mark.skipif('sys.platform == \"win32\"')", True),
        ("pytest.mark.skipif(condition=os.name == 'nt', reason='')", True),
        ("pytest.mark.xfail('platform.system() == \"Windows\"', strict=True)", True),
        ("unittest.skipIf(os.name == 'nt', '')", True),
        ("unittest.skipUnless(hasattr(os, 'mkfifo'), '')", True),
        ("POSIX_ONLY", True),
        ("pytest.mark.skipif(sys.platform == 'darwin', reason='')", False),
        ("pytest.mark.skipif(sys.version_info < (3, 12), reason='')", False),
        ("pytest.mark.skipif(not can_link(), reason='')", False),
        ("pytest.mark.skip", False),
        ("pytest.mark.parametrize('name', ['sys.platform'])", False),
        ("staticmethod", False),
    ],
)
def test_a_mark(tmp_path: Path, mark: str, elsewhere: bool) -> None:
    text = f"""
        POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
        @{mark}
        def test():
            here()
        """
    assert marked(tmp_path, text) is elsewhere
    assert marked(tmp_path, text.replace("def test():", "class Test:")) is elsewhere
    assert not marked(tmp_path, textwrap.dedent(text).replace("here", "gone") + "def other():\n    here()\n")


def test_a_mark_of_a_module(tmp_path: Path) -> None:
    mark = "pytest.mark.skipif(sys.platform == 'win32', reason='')"
    assert marked(tmp_path, f"pytestmark = {mark}\nhere()")
    assert not is_not_for_windows((Frame(str(tmp_path / "absent.py"), "f", 1),))
    (tmp_path / "other.py").write_text(f"pytestmark = [pytest.mark.slow, {mark}]\n")
    assert is_not_for_windows((Frame(str(tmp_path / "other.py"), "f", 9),))


def test_the_standard_library_and_programs_say_nothing(tmp_path: Path) -> None:
    library = tmp_path / "lib" / "python3.11"
    library.mkdir(parents=True)
    (library / "shutil.py").write_text("if os.name == 'posix':\n    rmtree()\n")
    assert not is_not_for_windows(
        (Frame(str(library / "shutil.py"), "rmtree", 2), Frame("/bin/tool", "main", offset=2))
    )
