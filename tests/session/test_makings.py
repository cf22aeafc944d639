"""Names that two users of an instance make at once: each is its maker's, and nothing stays open behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from build import FLAGS
from confine.guests import USERS

from session.test_running import Home, home_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_WAYS = ("open", "mkdir", "bind")
# What is kept of sockets is one attribute of their directory (metadata.py).
_ROUNDS = 80


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("program") / "root_races"
    source = Path(__file__).with_name("root_races.c")
    subprocess.run(["gcc", *FLAGS, "-static", "-o", made, source], check=True)
    return made


@pytest.fixture(scope="module")
def home(program: Path) -> Iterator[Home]:
    def added(tree: Path) -> None:
        (tree / "bin/mkdir").symlink_to("busybox")
        shutil.copy(program, tree / "bin/root_races")

    with (
        tempfile.TemporaryDirectory(prefix="picobox-makings-") as directory,
        home_of(Path(directory), USERS[-1], added) as made,
    ):
        yield made


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users natively")
@pytest.mark.parametrize("way", _WAYS)
def test_the_kernel_says_the_same(program: Path, way: str) -> None:
    with tempfile.TemporaryDirectory(prefix="picobox-makings-") as directory:
        Path(directory).chmod(0o777)
        done = subprocess.run(
            [program, way, str(_ROUNDS)], cwd=directory, stdout=subprocess.PIPE, text=True, check=True
        )
    assert done.stdout == "0 wrong\n"


@pytest.mark.parametrize("way", _WAYS)
def test_a_name_is_its_makers(home: Home, way: str) -> None:
    home.runs("true")
    server = Path(f"/proc/{home.server()}/fd")
    before = len(os.listdir(server))
    line = f"umask 0; mkdir /{way}; cd /{way}; exec root_races {way} {_ROUNDS}"
    assert home.runs(line) == "0 wrong\n"
    # What a client has is gone with him; of the names nothing is open.
    assert len(os.listdir(server)) <= before + 10
