"""Sources that choose names by the system (picobox/check/other_names.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from picobox.check.other_names import is_written_otherwise
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from pathlib import Path

RETURNS = "def safe(name):\n    if os.name != 'nt':\n        return name\n    return name{}\n"


@pytest.mark.parametrize(
    ("rule", "source", "is_one"),
    [
        ("PB005", "SEPARATOR = '-' if sys.platform == 'win32' else ':'", True),
        ("PB005", "form = '%H-%M' if os.name == 'nt' else '%H:%M'", True),
        ("PB005", "if os.name == 'nt':\n    name = name.replace(':', '-')", True),
        ("PB005", "if os.name == 'nt' and ':' in name:\n    name = name.replace(':', '-')", True),
        ("PB005", RETURNS.format(".replace(':', '_')"), True),
        ("PB005", "if verbose:\n    name = name.replace(':', '-')", False),
        ("PB005", "root = 'C:\\\\' if os.name == 'nt' else '/'", False),
        ("PB005", "if os.name == 'nt':\n    print('note: this is slow, see https://example.org')", False),
        ("PB004", "if os.name == 'nt':\n    name = re.sub(r'[<>:\"|?*]', '_', name)", True),
        ("PB004", "if os.name == 'nt':\n    name = name.replace('?', '_')", True),
        ("PB004", "if os.name == 'nt':\n    print('what now?')", False),
        ("PB006", RETURNS.format(".rstrip('. ')"), True),
        ("PB006", "if os.name == 'nt':\n    name = name.lower()", False),
        ("PB003", "if os.name == 'nt' and stem in ('CON', 'NUL'):\n    name = '_' + name", True),
        ("PB003", "if os.name == 'nt' and stem in names:\n    name = '_' + name", False),
        ("PB007", "if os.name == 'nt':\n    path = '\\\\\\\\?\\\\' + path", True),
        ("PB001", "SEPARATOR = '-' if sys.platform == 'win32' else ':'", False),
        ("PB005", "if (", False),
    ],
)
def test_what_is_chosen(tmp_path: Path, rule: str, source: str, is_one: bool) -> None:
    file = tmp_path / "names.py"
    file.write_text(source)
    assert is_written_otherwise((Frame(str(file), "f", 9), Frame("<string>", "<module>", 1)), rule) is is_one


def test_files_of_others_choose_nothing(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "names.py").write_text("SEPARATOR = '-' if sys.platform == 'win32' else ':'")
    assert not is_written_otherwise((Frame(str(packages / "names.py"), "f", 1),), "PB005")
    assert not is_written_otherwise((), "PB005")
