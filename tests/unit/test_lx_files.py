"""Files of WSL drives on the host: the access that new ones inherit."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from picobox.platform import lx_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("file_type", "mode", "inherited"),
    [
        (stat.S_IFREG, 0o644, 0o755),
        (stat.S_IFREG, 0o600, 0o700),
        (stat.S_IFREG, 0o440, 0o550),
        (stat.S_IFREG, 0o000, 0o500),
        (stat.S_IFREG, 0o755, 0o755),
        (stat.S_IFDIR, 0o000, 0o700),
        (stat.S_IFDIR, 0o750, 0o750),
    ],
)
def test_access_that_new_files_inherit(tmp_path: Path, file_type: int, mode: int, inherited: int) -> None:
    path = tmp_path / "new"
    path.mkdir() if file_type == stat.S_IFDIR else path.touch()
    path.chmod(mode)
    file = lx_files.look_at(bytes(path), follow=False, wanted=lambda _: True)
    assert file is not None
    lx_files.inherit_access(file)
    assert stat.S_IMODE(path.stat().st_mode) == inherited


def test_another_file_at_the_path_inherits_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new"
    path.touch(0o600)
    file = lx_files.look_at(bytes(path), follow=False, wanted=lambda _: True)
    assert file is not None
    path.rename(tmp_path / "moved")
    path.touch(0o600)
    with pytest.raises(FileNotFoundError):
        lx_files.inherit_access(file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
