"""Which sources are prepared for a refusal: of a link, also by asking first, and of what is read-only."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

import pytest
from fake_judge import PACKAGES, FakeJudge

from picobox.check.handlers import asks, clears_readonly, expects_failure, retries, yields
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from pathlib import Path

LINK = 2


def source(directory: Path, handler: str, *, caught: str = "OSError as error") -> Path:
    """A module whose second line makes a link, with one handler."""
    file = directory / "links.py"
    file.write_text(f"try:\n    os.symlink(a, b)\nexcept {caught}:\n{textwrap.indent(handler, '    ')}\n")
    return file


def stack(file: Path) -> tuple[Frame, ...]:
    return Frame("/usr/lib/python3.11/pathlib.py", "symlink_to", 1198), Frame(str(file), "<module>", LINK)


@pytest.mark.parametrize(
    ("handler", "expects"),
    [
        ("shutil.copy(a, b)", True),
        ("pass", True),
        ("pytest.skip('no links here')", True),
        ("raise unittest.SkipTest('no links here')", True),
        ("raise unittest.SkipTest", True),
        ("self.skipTest('no links here')", True),
        ("if error.winerror != 1314:\n    raise", True),
        ("if sys.platform != 'win32':\n    raise", True),
        ("raise", False),
        ("raise error", False),
        ("if error.errno != errno.EEXIST:\n    raise", False),
        ("if error.errno == errno.EPERM:\n    return\nraise", False),
        ("raise InstallError('no link') from error", False),
        ("print(error)\nsys.exit(1)", False),
        ("os._exit(1)", False),
        ("pytest.fail('no link')", False),
        ("os.remove(b)\nos.symlink(a, b)", False),
        ("b.unlink()\nb.symlink_to(a)", False),
    ],
)
def test_a_handler_that_goes_on_expects_it(tmp_path: Path, handler: str, expects: bool) -> None:
    assert expects_failure(stack(source(tmp_path, handler))) is expects


@pytest.mark.parametrize(
    ("caught", "expects"),
    [
        ("OSError", True),
        ("(NotImplementedError, OSError)", True),
        ("Exception", True),
        ("builtins.OSError", True),
        # WinError 1314 is none of these.
        ("PermissionError", False),
        ("FileExistsError", False),
        ("NotImplementedError", False),
        ("FileExistsError:\n    pass\nexcept OSError", True),
    ],
)
def test_what_catches_it(tmp_path: Path, caught: str, expects: bool) -> None:
    assert expects_failure(stack(source(tmp_path, "pass", caught=caught))) is expects


def test_the_first_handler_that_catches_it_decides(tmp_path: Path) -> None:
    assert not expects_failure(stack(source(tmp_path, "pass", caught="OSError:\n    raise\nexcept Exception")))


@pytest.mark.parametrize(
    ("handler", "answer"),
    [
        ("return False", True),
        ("can_link = False", True),
        ("can_link: bool = False\nreason = error", True),
        ("pass", False),
        ("return None", False),
        ("return", False),
        ("shutil.copy(a, b)\nreturn True", False),
        ("copied = shutil.copy(a, b)", False),
        ("pytest.skip('no links here')", False),
    ],
)
def test_who_keeps_the_answer_has_asked(tmp_path: Path, handler: str, answer: bool) -> None:
    assert asks(stack(source(tmp_path, handler))) is answer


def test_who_notes_that_it_could_has_asked_too(tmp_path: Path) -> None:
    (tmp_path / "links.py").write_text("try:\n    os.symlink(a, b)\n    can = True\nexcept OSError:\n    pass\n")
    assert asks(stack(tmp_path / "links.py"))
    (tmp_path / "later.py").write_text("try:\n    os.symlink(a, b)\nexcept OSError:\n    pass\nelse:\n    can = True\n")
    assert asks(stack(tmp_path / "later.py"))


def test_a_package_that_the_project_asks(tmp_path: Path) -> None:
    packages = tmp_path / PACKAGES.lstrip("/")
    packages.mkdir(parents=True)
    asked, caller = Frame(str(source(packages, "can = False")), "can_link", LINK), Frame(str(tmp_path / "t.py"), "t", 1)
    assert asks((asked, caller))
    assert not asks((asked, Frame(f"{PACKAGES}/downloads.py", "download", 9), caller))
    assert not asks((asked,))


def test_the_library_asks_for_its_caller(tmp_path: Path) -> None:
    library = tmp_path / "lib" / "python3.11" / "test"
    library.mkdir(parents=True)
    asked = Frame(str(source(library, "can = False")), "can_symlink", LINK)
    caller = Frame(str(tmp_path / "test_links.py"), "<module>", 1)
    assert asks((asked, caller))
    assert not asks((asked._replace(line=LINK + 1), caller))
    assert not asks((caller, Frame(str(source(tmp_path, "can = False")), "main", LINK)))
    assert not asks((asked,))


@pytest.mark.parametrize(
    ("text", "clears"),
    [
        ("try:\n    os.unlink(a)\nexcept PermissionError:\n    os.chmod(a, stat.S_IWRITE)\n    os.unlink(a)", True),
        ("try:\n    a.unlink()\nexcept OSError:\n    a.chmod(0o600)\n    a.unlink()", True),
        ("try:\n    os.unlink(a)\nexcept FileNotFoundError:\n    os.chmod(a, stat.S_IWRITE)", False),
        pytest.param("try:\n    os.unlink(a)\nexcept OSError:\n    pass", False, id="ignored"),
    ],
)
def test_who_makes_writable_what_cannot_be_removed(tmp_path: Path, text: str, clears: bool) -> None:
    (tmp_path / "links.py").write_text(text)
    assert clears_readonly(stack(tmp_path / "links.py")) is clears


def test_a_file_that_is_no_python_expects_nothing(tmp_path: Path) -> None:
    (tmp_path / "links.py").write_text("try: (")
    assert not expects_failure(stack(tmp_path / "links.py"))
    assert not asks(stack(tmp_path / "absent.py"))
    assert not asks(())


def test_a_process_that_has_asked_makes_the_others_where_it_could(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    judge, link = FakeJudge(drive), os.fsencode(drive / "link")
    asking = stack(source(tmp_path, "return False"))
    plain = (Frame(str(tmp_path / "links.py"), "other", 90),)

    def rules(frames: tuple[Frame, ...]) -> list[str]:
        judge.frames = frames
        return judge.call("symlink", b"target", link)

    assert rules(plain) == ["PB019"]
    installed = tmp_path / PACKAGES.lstrip("/")
    installed.mkdir(parents=True)
    assert rules(stack(source(installed, "return False"))) == []
    assert rules(plain) == ["PB019"]
    assert rules(asking) == []
    assert rules(plain) == []
    judge.executable = b"/usr/bin/other"
    assert rules(plain) == ["PB019"]


@pytest.mark.parametrize(
    ("caught", "handler", "after", "expects"),
    [
        ("PermissionError", "time.sleep(1)", "", True),
        ("OSError", "pass", "time.sleep(1)", True),
        ("OSError", "if last:\n    raise\ntime.sleep(1)", "", True),
        ("OSError", "pass", "", False),
        ("OSError", "time.sleep(1)\nraise", "", False),
        ("OSError", "return", "time.sleep(1)", False),
        ("FileExistsError", "time.sleep(1)", "", False),
    ],
)
def test_what_is_tried_until_others_let_go(
    tmp_path: Path, caught: str, handler: str, after: str, expects: bool
) -> None:
    file = tmp_path / "replacing.py"
    body = f"try:\n    os.replace(a, b)\nexcept {caught}:\n{textwrap.indent(handler, '    ')}\n{after}\n"
    file.write_text(f"while True:\n{textwrap.indent(body, '    ')}")
    assert retries((Frame(str(file), "<module>", LINK + 1),)) is expects
    assert not retries((Frame(str(file), "<module>", LINK + 9),))
    assert not retries(())


@pytest.mark.parametrize(
    ("caught", "handler", "expects"),
    [
        ("PermissionError", "pass", True),
        ("(FileNotFoundError, PermissionError)", "log(error)", True),
        ("PermissionError", "raise", False),
        ("", "pass", False),
        ("OSError", "pass", False),
        ("FileNotFoundError", "pass", False),
    ],
)
def test_what_is_left_where_it_is(tmp_path: Path, caught: str, handler: str, expects: bool) -> None:
    assert yields(stack(source(tmp_path, handler, caught=caught))) is expects
    assert not yields(())
