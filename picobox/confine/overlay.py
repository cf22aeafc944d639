"""Lays layers over directories of the host for one run: which, with what options, and why that cannot be."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from picobox._native._core import lib
from picobox.confine import journal
from picobox.confine.changes import since_when
from picobox.confine.layers import Part
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.confine.layers import Layer

# linux/mount.h: what a mount keeps of the one it covers.
_KEPT_FLAGS = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC
KIND = b"overlay"
# How /proc shows blanks in paths (proc(5)).
_ESCAPE = re.compile(rb"\\([0-7]{3})")
# Directories whose mounts are the kernel's own or another run's business.
_NEVER = (b"/proc", b"/sys", b"/dev")


class LayerMount(NamedTuple):
    """An overlayfs to be mounted at `target`: a directory of the host below, changes in `upper`, `work` beside it.

    `trusted`: overlayfs's notes are attributes of the class `trusted`, which only root of the host has.
    """

    target: bytes
    lower: bytes
    upper: bytes
    work: bytes
    trusted: bool

    def options(self, lower: bytes, upper: bytes, work: bytes) -> bytes:
        """The options of mount(2); the paths of its directories hold no comma, colon or backslash.

        Of a directory of the host only `trusted` notes may say that it was renamed; without them renaming it is EXDEV,
        as between file systems.
        """
        notes = b"redirect_dir=on" if self.trusted else b"userxattr"
        directories = b"lowerdir=%s,upperdir=%s,workdir=%s" % (lower, upper, work)
        # xino: one device and lasting inode numbers where the host's directory is on another file system.
        return b"%s,%s,xino=auto,index=off,metacopy=off" % (directories, notes)

    def flags(self) -> int:
        """The flags of mount(2)."""
        return os.statvfs(self.lower).f_flag & _KEPT_FLAGS


def plan(layer: Layer, directories: Iterable[bytes]) -> list[LayerMount]:
    """What to mount for a run that writes into a layer instead of these directories; the outer before the inner.

    Needs the layer's lock; the record then says that the run began. PicoboxError for what overlayfs cannot do.
    """
    wanted = sorted({place for directory in directories for place in _with_mounts(os.path.realpath(directory))})
    if layer.trusted and os.geteuid():
        raise PicoboxError(f"layer {layer.name} was kept by root: run as root, or name another layer")
    if journal.read(layer) is not None:
        raise PicoboxError(
            f"a commit of layer {layer.name} was interrupted: `picobox commit {layer.name}` finishes it first"
        )
    mounts = []
    for directory in wanted:
        _check(directory, layer)
        part = layer.part_of(directory)
        seen = {**part.seen, **since_when(part, layer.prefix)} if part.runs else {}
        layer.replace(part._replace(runs=(*part.runs, layer.now()), seen=seen))
        mounts.append(LayerMount(directory, directory, part.upper, part.work, layer.trusted))
    layer.write()
    return mounts


def mount_dropped(directory: bytes, target: bytes, *, trusted: bool) -> LayerMount:
    """What to mount where changes are dropped: `directory` is an empty one that goes with the run, as on a tmpfs."""
    part = Part(target, directory)
    os.mkdir(part.upper, stat.S_IMODE(os.stat(target).st_mode))
    os.mkdir(part.work)
    return LayerMount(target, target, part.upper, part.work, trusted)


def mount(planned: Iterable[LayerMount], below: bytes = b"") -> None:
    """Mounts what was planned, each at its target below a directory. PicoboxError where the kernel refuses."""
    for each in planned:
        with _paths(each.lower, each.upper, each.work) as paths:
            error = -lib.pb_mount(b"none", below + each.target, KIND, each.flags(), each.options(*paths))
        if error:
            raise PicoboxError(refusal(each, error))


@contextmanager
def _paths(*directories: bytes) -> Iterator[list[bytes]]:
    """Short paths to directories, without what separates options of a mount."""
    with ExitStack() as stack:
        paths = []
        for directory in directories:
            fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, fd)
            paths.append(b"/proc/self/fd/%d" % fd)
        yield paths


def refusal(planned: LayerMount, error: int) -> str:
    """Why an overlay could not be mounted: cause and remedy, in one line."""
    store, target = os.fsdecode(planned.upper), os.fsdecode(planned.target)
    remedies = {
        errno.EINVAL: f"the file system of {store} takes no layers (it may be overlayfs itself, or NFS): "
        "set XDG_STATE_HOME to a directory on ext4, xfs, btrfs or tmpfs",
        errno.ENODEV: "this kernel has no overlayfs: load the module `overlay`",
        errno.EPERM: "mounts are forbidden here; `picobox doctor` tells what this machine allows",
        errno.EBUSY: "another run has this layer mounted: wait for it, or name another layer",
        errno.ESTALE: "the layer was kept over another directory of that name: commit or discard it first",
    }
    return f"--overlay over {target}: {os.strerror(error)}; {remedies.get(error, 'see the kernel log (dmesg)')}"


def _check(directory: bytes, layer: Layer) -> None:
    where = os.fsdecode(directory)
    if directory == b"/" or is_below(layer.path, directory):
        raise PicoboxError(
            f"--overlay over {where}: layers are kept below it, in {os.fsdecode(layer.path)}; "
            "run in a directory further down, or set XDG_STATE_HOME to one elsewhere"
        )
    if not os.path.isdir(directory):
        raise PicoboxError(f"--overlay over {where}: it is no directory")


def is_below(path: bytes, directory: bytes) -> bool:
    """Whether a path is a directory or below it."""
    return path == directory or path.startswith(directory.rstrip(b"/") + b"/")


def _with_mounts(directory: bytes) -> Iterator[bytes]:
    """A directory, and what else is mounted below it: overlayfs sees one file system and not what is mounted there."""
    yield directory
    with open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            target = _ESCAPE.sub(lambda octal: bytes([int(octal[1], 8)]), line.split()[4])
            is_inside = target != directory and is_below(target, directory)
            if is_inside and not any(is_below(target, no) for no in _NEVER) and os.path.isdir(target):
                yield target
