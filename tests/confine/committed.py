"""Does the same operations directly and through a layer that is then committed: what the tests of commits start."""

from __future__ import annotations

import os
import shutil
from random import Random
from typing import TYPE_CHECKING

from picobox._native._core import lib
from picobox.confine import overlay
from picobox.confine.changes import changes_of
from picobox.confine.commit import commit

from .mounted import layer_of
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
    random = Random(seed)
    root = os.path.join(place, b"%d" % seed)
    directly, layered = root + b"/direct", root + b"/layered"
    runs = [random.randrange(1, 40) for _ in range(random.randrange(1, 4))]
    for directory in (directly, layered):
        os.makedirs(directory)
        os.chdir(directory)
        Operations(seed, is_root=os.geteuid() == 0).make_tree()
    assert picture(directly) == picture(layered)
    store = os.fsdecode(root + b"/store")
    layer = layer_of(store)
    layer.create()
    for number, length in enumerate(runs):
        os.chdir(directly)
        operate(seed + number, length)
        with layer:
            seen = through(layer, layered, seed + number, length)
        shown = picture(directly)
        assert seen == shown, "under the layer: " + difference(shown, seen, {})
    before = picture(layered)
    with layer:
        commit(layer)
        left = [change for part in layer.parts for change in changes_of(part, layer.prefix)]
    expected, found = picture(directly), picture(layered)
    assert found == expected, difference(expected, found, before)
    assert [change.entry.path for change in left] == [b""]
    os.chdir("/")
    shutil.rmtree(root)


def through(layer: Layer, directory: bytes, seed: int, length: int) -> Picture:
    """Operates on a directory under a layer; gives what it looks like there."""
    overlay.mount(overlay.plan(layer, [directory]))
    os.chdir(directory)
    try:
        operate(seed, length)
        return picture(directory)
    finally:
        os.chdir("/")
        assert lib.pb_unmount(directory) == 0


def operate(seed: int, length: int) -> None:
    """Random operations in the working directory."""
    operations = Operations(seed, is_root=os.geteuid() == 0)
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
