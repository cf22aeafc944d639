"""Every call that takes a path, in every situation: under nt it gives what it gives natively on the stored spelling."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from errno import EPERM
from typing import TYPE_CHECKING, NamedTuple

import pytest
from build import compile_source

from . import tree
from .guests import HERE, picobox
from .situations import NOWHERE, NULL, SITUATIONS, Situation
from .table import CALLS, FLAGGED, PLAIN, REFUSED, RESPELLING

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 300
# Situations in which the names are the stored ones throughout.
EXACT = frozenset(("exact", "missing", "missing middle", "exact twin", "link", "empty", "NULL", "nowhere"))
# From the first call of a site on.
IN_THE_GATE = ("--gate", "1")
# An ordinary user's rights, also for root: without them nobody may read an execute-only program (ptrace(2)).
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--")


class Outcome(NamedTuple):
    """What a row gave: what the guest printed, and the tree afterwards."""

    printed: str
    tree: list[tuple[object, ...]]


Rows = list[tuple[str, Situation]]


def rows(calls: tuple[str, ...]) -> Rows:
    """The situations of some calls, without those that a call cannot be in."""
    return [
        (call, situation)
        for call in calls
        for situation in SITUATIONS
        if (not situation.flags or call in FLAGGED)
        and (not situation.directory[0] or call not in PLAIN)
        and not (call in tree.SOCKETS or call == "bind") * (situation.asked in (NULL, NOWHERE))
    ]


def outcomes(
    base: Path,
    platform: str | None,
    chosen: Rows,
    *,
    own_root: bool = False,
    closed: bool = False,
    options: tuple[str, ...] = (),
) -> list[Outcome]:
    """Runs some rows natively (`platform` None) or under nt with `options`, all in one guest.

    `own_root`: the guest makes `base` its root. `closed`: nobody may read its memory.
    """
    base.mkdir()
    calls_program = base / "calls"
    shutil.copy(compile_source(HERE / "calls.c"), calls_program)
    tool = os.fsencode(shutil.copy(calls_program, base / "tool"))
    if closed:
        calls_program.chmod(0o111)
    top = "/" if own_root else str(base)
    records, live = [], []
    for number, (call, situation) in enumerate(chosen):
        live.append(tree.make(os.fsencode(base / str(number)), call, tool, turned=platform is not None))
        root = os.path.join(top, str(number))
        pick = 1 if platform is None else 0
        path = (situation.meant if platform is None else situation.asked).replace("{root}", root)
        fields = (root, situation.cwd[pick], situation.directory[pick], call, str(situation.flags), path)
        records += [os.fsencode(field) for field in fields]
    command = [str(calls_program), *([str(base)] if own_root else [])]
    if platform is not None:
        command = picobox(*command, platform=platform, options=options)
    done = subprocess.run(
        [*(UNPRIVILEGED if closed else ()), *command],
        input=b"".join(record + b"\0" for record in records),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    printed = done.stdout.split(b"\n")[:-1]
    assert len(printed) == len(live)
    found = []
    for number, line in enumerate(printed):
        place = os.fsencode(base / str(number))
        shown = line.replace(place, b"{root}").replace(os.fsencode(os.path.join(top, str(number))), b"{root}")
        found.append(Outcome(os.fsdecode(shown), tree.describe(place)))
        for made in live[number]:
            made.close()
    return found


def compare(
    directory: Path, platform: str, chosen: Rows, *, own_root: bool = False, options: tuple[str, ...] = ()
) -> None:
    """Rows that do not give what they should, if any."""
    native = outcomes(directory / "native", None, chosen, own_root=own_root)
    ours = outcomes(directory / "ours", platform, chosen, own_root=own_root, options=options)
    wrong = [
        f"{call}, {situation.name}: {difference}"
        for (call, situation), expected, got in zip(chosen, native, ours, strict=True)
        if (difference := unlike(call, situation, expected, got))
    ]
    assert not wrong, f"{len(wrong)} of {len(ours)}:\n" + "\n".join(wrong)


def unlike(call: str, situation: Situation, expected: Outcome, got: Outcome) -> str:
    """What tells an outcome from the expected one."""
    printed, wanted = got.printed, expected.printed
    if call in REFUSED:
        wanted = re.sub(r"(errno|result)=\d+", f"errno={EPERM}", wanted)
    if "text=" in wanted and "link" in call:
        printed, wanted = printed.lower(), wanted.lower()
    if printed != wanted:
        return f"{got.printed!r} instead of {expected.printed!r}"
    tree_wanted = expected.tree
    if call in RESPELLING and " result=0" in expected.printed:
        tree_wanted = respelled(tree_wanted, situation)
    missing = [entry for entry in tree_wanted if entry not in got.tree]
    extra = [entry for entry in got.tree if entry not in tree_wanted]
    return f"has {extra} instead of {missing}" if missing or extra else ""


def respelled(entries: list[tuple[object, ...]], situation: Situation) -> list[tuple[object, ...]]:
    """The tree after the last component of the path was stored as it was asked for."""
    asked = os.fsencode(situation.asked).rstrip(b"/").rpartition(b"/")[2]
    meant = os.fsencode(situation.meant).rstrip(b"/").rpartition(b"/")[2]
    head = os.path.join(situation.cwd[1], situation.directory[1], os.path.dirname(situation.meant))
    head = head.rpartition("{root}/")[2].replace("DirLink", "Dir").replace("DirTurned", "Dir").replace("Dir/Top", ".")
    old = os.path.normpath(os.path.join(os.fsencode(head), meant))
    new = os.path.normpath(os.path.join(os.fsencode(head), asked))
    return [(new if entry[0] == old else entry[0], *entry[1:]) for entry in entries]


@pytest.fixture
def nth(request: pytest.FixtureRequest) -> int:
    """Of rows, every how manieth is run: in the full tier all, before it some situations of each call."""
    return 1 if request.config.getoption("--full") else 3


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("platform", ["trace", pytest.param("reference", marks=pytest.mark.full)])
def test_every_call(platform: str, tmp_path: Path, nth: int) -> None:
    compare(tmp_path, platform, rows(CALLS)[::nth])


# One of each way to mean a path: a root of one's own changes nothing but where paths begin.
WAYS = (
    "open", "open_creat", "open_excl", "getdents64", "lstat", "stat", "mkdir", "rmdir", "unlink", "rename_to",
    "rename_from", "symlink", "link_to", "chdir", "chroot", "bind", "connect", "openat2_in_root", "openat2_no_links",
    "renameat2_exchange", "linkat_from", "fchownat", "inotify_add_watch_nofollow",
)  # fmt: skip


@pytest.mark.full
@pytest.mark.timeout(TIMEOUT)
def test_every_call_in_the_gate(tmp_path: Path) -> None:
    compare(tmp_path, "trace", rows(CALLS), options=IN_THE_GATE)


@pytest.mark.full
@pytest.mark.timeout(TIMEOUT)
def test_calls_in_the_gate_of_a_guest_with_its_own_root(tmp_path: Path) -> None:
    compare(tmp_path, "trace", rows(WAYS), own_root=True, options=IN_THE_GATE)


@pytest.mark.timeout(TIMEOUT)
def test_calls_of_a_guest_with_its_own_root(tmp_path: Path, nth: int) -> None:
    compare(tmp_path, "trace", rows(WAYS)[::nth], own_root=True)


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("platform", ["trace", pytest.param("reference", marks=pytest.mark.full)])
def test_calls_of_a_guest_that_cannot_be_read(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names mean what they say: every call with exact names gives what it gives natively."""
    exact = tuple(situation for situation in SITUATIONS if situation.name in EXACT)
    monkeypatch.setattr(f"{__name__}.SITUATIONS", exact)
    native = outcomes(tmp_path / "native", None, rows(CALLS), closed=True)
    ours = outcomes(tmp_path / "ours", platform, rows(CALLS), closed=True)
    wrong = [
        f"{call}, {situation.name}: {got.printed!r} instead of {expected.printed!r}"
        for (call, situation), expected, got in zip(rows(CALLS), native, ours, strict=True)
        if got.printed != expected.printed
    ]
    assert not wrong, wrong
