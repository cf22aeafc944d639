"""What a run changed, what the host changed meanwhile, what a commit then does: a table, and its execution."""

from __future__ import annotations

import os
import subprocess
import time
from typing import NamedTuple

from picobox._native._core import lib
from picobox.confine.commit import ConflictError, commit

from .mounted import layer_of, mount


class Case(NamedTuple):
    """Shell scripts: what is there, what runs do under the layer, what the host does afterwards.

    `wanted`: the paths that are committed, all if none. `conflicts`: those that stand against it. `then`: a script that
    succeeds if the host is as it is to be afterwards. `root`: whether only root's layers can rename directories.
    """

    name: str
    before: str
    run: str
    host: str = "true"
    wanted: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    then: str = "true"
    force: bool = False
    root: bool = False
    second_run: str = ""


CASES = (
    Case("nothing stands against it", "echo 1 >f", "echo 2 >f", then="grep -qx 2 f"),
    Case("changed by both", "echo 1 >f", "echo 2 >f", "echo 3 >f", conflicts=("f",), then="grep -qx 3 f"),
    Case("another file changed", "echo 1 >f; echo 1 >g", "echo 2 >f", "echo 3 >g", then="grep -qx 2 f && grep -qx 3 g"),
    Case("force takes the layer's", "echo 1 >f", "echo 2 >f", "echo 3 >f", force=True, then="grep -qx 2 f"),
    Case(
        "size and time put back",
        "echo 1 >f; touch -d 2001-01-01 f",
        "echo 2 >f",
        "echo 3 >f; touch -d 2001-01-01 f",
        conflicts=("f",),
    ),
    Case("mode changed on the host", "echo 1 >f", "echo 2 >f", "chmod 600 f", conflicts=("f",)),
    Case("replaced on the host", "echo 1 >f", "echo 2 >f", "cp -p f g; mv g f", conflicts=("f",)),
    Case("replaced in the layer", "echo 1 >f", "echo 2 >g; mv g f", "echo 3 >f", conflicts=("f",)),
    Case("deleted here, changed there", "echo 1 >f", "rm f", "echo 3 >f", conflicts=("f",), then="grep -qx 3 f"),
    Case("deleted by both", "echo 1 >f", "rm f", "rm f", then="! test -e f"),
    Case("changed here, deleted there", "echo 1 >f", "echo 2 >f", "rm f", conflicts=("f",), then="! test -e f"),
    Case("made by both", "true", "echo 2 >f", "echo 3 >f", conflicts=("f",), then="grep -qx 3 f"),
    Case("made by both, the same", "true", "echo 2 >f", "echo 2 >f", then="grep -qx 2 f"),
    Case("the same change by both", "echo 1 >f", "echo 2 >f", "echo 2 >f", then="grep -qx 2 f"),
    Case("a file in a deleted directory", "mkdir d; echo 1 >d/f", "rm -r d", "echo 3 >d/f", conflicts=("d",)),
    Case("new in a deleted directory", "mkdir d; echo 1 >d/f", "rm -r d", "echo 3 >d/g", conflicts=("d",)),
    Case("an empty directory in a deleted one", "mkdir d", "rm -r d", "mkdir d/e", conflicts=("d",)),
    Case("new in a replaced directory", "mkdir d; echo 1 >d/f", "rm -r d; mkdir d", "echo 3 >d/g", conflicts=("d",)),
    Case(
        "new in a directory that shows", "mkdir d", "echo 2 >d/f", "echo 3 >d/g", then="grep -qx 2 d/f; grep -qx 3 d/g"
    ),
    Case("a directory is now a file", "mkdir d; echo 1 >d/f", "rm -r d; echo 2 >d", "echo 3 >d/f", conflicts=("d",)),
    Case("a file is now a directory", "echo 1 >f", "rm f; mkdir f; echo 2 >f/g", then="grep -qx 2 f/g"),
    Case("a link instead of a file", "echo 1 >f", "ln -sf g f", "echo 3 >f", conflicts=("f",)),
    Case(
        "a directory is now a link there",
        "mkdir d; echo 1 >d/f",
        "echo 2 >d/f",
        "rm -r d; ln -s /tmp d",
        conflicts=("d",),
    ),
    Case("renamed here, changed there", "echo 1 >f", "mv f g", "echo 3 >f", conflicts=("f",), then="! test -e g"),
    Case("renamed and nothing else", "echo 1 >f", "mv f g", then="grep -qx 1 g && ! test -e f"),
    Case("modes of a directory", "mkdir d", "chmod 700 d", "chmod 711 d", conflicts=("d",)),
    Case(
        "part of it", "echo 1 >f; echo 1 >g", "echo 2 >f; echo 2 >g", wanted=("f",), then="grep -qx 2 f && grep -qx 1 g"
    ),
    Case(
        "part without the conflict",
        "echo 1 >f; echo 1 >g",
        "echo 2 >f; echo 2 >g",
        "echo 3 >g",
        wanted=("f",),
        then="grep -qx 2 f",
    ),
    Case(
        "part of a new directory",
        "true",
        "mkdir -m 750 d; touch d/f d/g",
        wanted=("d/f",),
        then='test "$(ls d)" = f && test $(stat -c %a d) = 750',
    ),
    Case(
        "one side of a renaming brings the other",
        "echo 1 >f",
        "mv f g; touch h",
        wanted=("f",),
        then='test "$(ls)" = g',
    ),
    Case(
        "a directory renamed, its files changed there",
        "mkdir d; echo 1 >d/f",
        "mv d e",
        "echo 3 >d/f",
        root=True,
        then="grep -qx 3 e/f && ! test -e d",
    ),
    Case("a renamed directory is gone", "mkdir d", "mv d e", "rmdir d", root=True, conflicts=("e",)),
    Case(
        "a directory renamed into a replaced one",
        "mkdir d e; touch d/old; touch e/f",
        "rm -r d; mkdir d; mv e d/e",
        root=True,
        then="test -e d/e/f && ! test -e d/old && ! test -e e",
    ),
    Case(
        "directories swapped",
        "mkdir d e; touch d/1 e/2",
        "mv d x; mv e d; mv x e",
        root=True,
        then="test -e d/2 && test -e e/1 && ! test -e x",
    ),
    Case(
        "a directory goes round its parent",
        "mkdir -p d/e; touch d/f",
        "mv d/e x; mv d x/d; mv x d",
        root=True,
        then="test -e d/d/f",
    ),
    Case(
        "changed there between two runs, not here",
        "echo 1 >f; echo 1 >g",
        "echo 2 >f",
        "echo 3 >g",
        second_run="echo 4 >>g",
        then="grep -qx 4 g && grep -qx 3 g",
    ),
    Case(
        "changed there between two runs, replaced in both",
        "echo 1 >f",
        "echo 2 >g; mv g f",
        "echo 3 >f",
        second_run="echo 4 >g; mv g f",
        conflicts=("f",),
    ),
    Case(
        "deleted, made there anew, made here anew",
        "echo 1 >f",
        "rm f",
        "echo 3 >f",
        second_run="echo 4 >f",
        conflicts=("f",),
    ),
    Case(
        "closed to their owner",
        "mkdir c; echo 1 >c/f",
        "mkdir -p d/e; echo 2 >d/e/f; chmod 0 d/e/f d/e; chmod 300 d; echo 2 >c/f; chmod 500 c",
        then="set -e; test $(stat -c %a c) = 500; test $(stat -c %a d) = 300; chmod 700 c d; "
        "test $(stat -c %a d/e) = 0; chmod 700 d/e; test $(stat -c %a d/e/f) = 0; chmod 600 d/e/f; "
        "grep -qx 2 d/e/f; grep -qx 2 c/f",
    ),
    Case("opened for writing is no change", "echo 1 >f", "exec 3<>f", then="grep -qx 1 f"),
    Case("names of one file", "echo 1 >f", "ln f g; echo 2 >h; ln h i", then="test f -ef g && test h -ef i"),
    Case(
        "a FIFO and a hole",
        "true",
        "mkfifo p; truncate -s 9M s",
        then="test -p p && test $(stat -c %s,%b s) = 9437184,0",
    ),
)


def carry_out(place: str, is_root: bool) -> None:
    """All cases; fails with those that end otherwise than the table says."""
    assert lib.pb_own_mounts() == 0
    wrong = []
    for number, case in enumerate(CASES):
        if is_root or not case.root:
            try:
                _carry_out(os.path.join(place, str(number)), case)
            except AssertionError as error:
                wrong.append(f"{case.name}: {error}")
    assert not wrong, "\n".join(wrong)


def _carry_out(place: str, case: Case) -> None:
    directory = os.path.join(place, "work")
    os.makedirs(directory)
    layer = layer_of(os.path.join(place, "store"))
    layer.create()
    _shell(directory, case.before)
    for script in (case.run, case.second_run):
        if script:
            with layer:
                mount(layer, directory)
                _shell(directory, script)
                assert lib.pb_unmount(os.fsencode(directory)) == 0
        if script == case.run:
            _shell(directory, case.host)
            # Longer than the clock of file times takes for a step: what is before a run is earlier than it.
            time.sleep(0.011)
    found: list[str] = []
    with layer:
        try:
            commit(layer, [os.fsencode(os.path.join(directory, path)) for path in case.wanted], force=case.force)
        except ConflictError as error:
            found = [os.path.relpath(os.fsdecode(each.path), directory) for each in error.conflicts]
    assert found == list(case.conflicts), f"conflicts {found}"
    _shell(directory, case.then)
    assert not [name for name in os.listdir(directory) if name.startswith(".picobox")]


def _shell(directory: str, script: str) -> None:
    done = subprocess.run(["bash", "-c", script], cwd=directory, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}: {done.stderr} status {done.returncode}"
