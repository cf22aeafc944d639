"""Does the same operations directly and through a layer that is then committed: what the tests of commits start."""

from __future__ import annotations

import os
import shutil
import signal
import time
import traceback
from random import Random
from typing import TYPE_CHECKING

from picobox._native._core import lib
from picobox.confine.changes import changes_of
from picobox.confine.commit import commit

from .mounted import layer_of, mount
from .operations import Operations, picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.confine.layers import Layer

    Picture = Mapping[bytes, object]


def sequences(place: str, first: int, count: int) -> None:
    """For each seed: two trees are equal after the same operations, one of them by way of a layer."""
    assert lib.pb_own_mounts() == 0
    for seed in range(first, first + count):
        try:
            sequence(os.fsencode(place), seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


def sequence(place: bytes, seed: int) -> None:
    """One of them, in up to three runs."""
    root = os.path.join(place, b"%d" % seed)
    directly, layered, layer = prepare(root, seed, commits=True)
    before = picture(layered)
    with layer:
        commit(layer)
    # A commit of a part leaves the time of that commit in its directories.
    compare(directly, layered, layer, before, times=seed % 3 != PARTS)
    shutil.rmtree(root)


# What is committed after a run that is not the last one, by the remainder of the seed; else nothing.
WHOLE, PARTS = 1, 2


def prepare(root: bytes, seed: int, *, commits: bool = False) -> tuple[bytes, bytes, Layer]:
    """Two equal trees, one of them operated on directly, one through a layer; and the layer.

    `commits`: it may be committed in between.
    """
    random = Random(seed)
    directly, layered = root + b"/direct", root + b"/layered"
    for directory in (directly, layered):
        os.makedirs(directory)
        os.chdir(directory)
        Operations(seed, is_root=os.geteuid() == 0).make_tree()
    assert picture(directly) == picture(layered)
    layer = layer_of(os.fsdecode(root + b"/store"))
    layer.create()
    for number in range(random.randrange(1, 4)):
        length = random.randrange(1, 40)
        os.chdir(directly)
        # Names of one file on the host become files of their own in a layer.
        plain = commits and seed % 3 != 0
        operate(seed + number, length, plain=plain)
        with layer:
            seen = through(layer, layered, seed + number, length, plain=plain)
        shown = picture(directly, links=False)
        if not plain:
            assert seen == shown, "under the layer: " + difference(shown, seen, {})
        if commits and seed % 3 == WHOLE:
            with layer:
                commit(layer)
            compare(directly, layered, layer, {})
        elif commits and seed % 3 == PARTS:
            with layer:
                changed = [each.path for part in layer.parts for each in changes_of(part, layer.prefix)]
                commit(layer, random.sample(changed, min(len(changed), 3)))
    os.chdir("/")
    return directly, layered, layer


def compare(directly: bytes, layered: bytes, layer: Layer, before: Picture, *, times: bool = True) -> None:
    """The two trees are equal, and the layer has nothing more to say. `times`: of directories too."""
    expected, found = (picture(directory, links=times, times=times) for directory in (directly, layered))
    assert found == expected, difference(expected, found, before)
    with layer:
        left = [change for part in layer.parts for change in changes_of(part, layer.prefix)]
    assert [change.entry.path for change in left] == [b""]


def interruptions(place: str, first: int, count: int) -> None:
    """For each seed: a commit that is killed at random moments, and begun anew each time, ends as any other."""
    assert lib.pb_own_mounts() == 0
    killed = 0
    for seed in range(first, first + count):
        root = os.path.join(os.fsencode(place), b"%d" % seed)
        directly, layered, layer = prepare(root, seed)
        before = picture(layered)
        random = Random(seed)
        try:
            # Longer each time: the first come to nothing, a later one comes to the end.
            for attempt in range(200):
                status = _killed_after(layer, attempt * random.random() * 0.002)
                assert status in (0, signal.SIGKILL), status
                killed += status != 0
                if not status:
                    break
            with layer:
                commit(layer)
            compare(directly, layered, layer, before)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        shutil.rmtree(root)
    assert killed


def _killed_after(layer: Layer, seconds: float) -> int:
    """The wait status of a commit that is killed after a time, unless it was faster."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with layer:
                commit(layer)
            status = 0
        except BaseException:  # noqa: BLE001 - the parent sees the status
            traceback.print_exc()
        finally:
            os._exit(status)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def through(layer: Layer, directory: bytes, seed: int, length: int, *, plain: bool) -> Picture:
    """Operates on a directory under a layer; gives what it looks like there."""
    mount(layer, directory)
    os.chdir(directory)
    try:
        operate(seed, length, plain=plain)
        # overlayfs gives names of one file different inode numbers where a file system has no handles.
        return picture(directory, links=False)
    finally:
        os.chdir("/")
        assert lib.pb_unmount(directory) == 0


def operate(seed: int, length: int, *, plain: bool) -> None:
    """Random operations in the working directory."""
    operations = Operations(seed, is_root=os.geteuid() == 0, plain=plain)
    operations.run(length)
    operations.set_times()


def difference(expected: Picture, found: Picture, before: Picture) -> str:
    """What two trees do not have in common, for a reader."""
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    lines = [
        f"{name!r}\n  directly  {expected.get(name)}\n  layered   {found.get(name)}\n  before    {before.get(name)}"
        for name in names
    ]
    return "\n".join(lines)
