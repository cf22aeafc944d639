"""A command for which there is no memory says so, wherever it runs out."""

from __future__ import annotations

from errno import EIO, ENOMEM
from typing import TYPE_CHECKING, NoReturn

import pytest

from picobox import cli

if TYPE_CHECKING:
    from collections.abc import Callable


def loading(error: Exception) -> Callable[[str], NoReturn]:
    """Loads no command: an error comes instead."""

    def load(_verb: str) -> NoReturn:
        raise error

    return load


@pytest.mark.parametrize("error", [MemoryError(), OSError(ENOMEM, "Cannot allocate memory", "ntshim/ob")])
def test_it_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "_import", loading(error))
    assert cli.main(["doctor"]) == 125
    said = capfd.readouterr().err
    assert said.startswith("picobox: out of memory; close other programs")
    assert said.count("\n") == 1


def test_other_errors_are_faults_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_import", loading(OSError(EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output error"):
        cli.main(["doctor"])
