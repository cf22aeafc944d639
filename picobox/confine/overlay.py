"""Lays layers over directories of the host for one run: which, with what options, and why that cannot be."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from picobox.confine import journal
from picobox.confine.changes import since_when
from picobox.confine.closed import readable
from picobox.confine.policy import LAYER, READ, WRITE, of_host
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.confine.layers import Layer
    from picobox.confine.policy import Policy

# How /proc shows blanks in paths (proc(5)).
_ESCAPE = re.compile(rb"\\([0-7]{3})")
# Directories whose mounts are the kernel's own or another run's business.
_NEVER = (b"/proc", b"/sys", b"/dev")


class LayerMount(NamedTuple):
    """An overlayfs to be mounted over the directory `target`: changes go to `upper`, `work` is beside it.

    `trusted`: overlayfs's notes are attributes of the class `trusted`, which only root of the host has.
    """

    target: bytes
    upper: bytes
    work: bytes
    trusted: bool

    def opened(self) -> tuple[int, int]:
        """Descriptors of `upper` and `work`: to be had before anything is mounted over their paths."""
        upper = os.open(self.upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return upper, os.open(self.work, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            os.close(upper)
            raise

    def options(self, lower: int, upper: int, work: int) -> bytes:
        """Its options, which name directories by descriptors; `lower` is the host's.

        Of a directory of the host only `trusted` notes may say that it was renamed; without them renaming it is EXDEV,
        as between file systems.
        """
        notes = b"redirect_dir=on" if self.trusted else b"userxattr"
        directories = tuple(b"/proc/self/fd/%d" % fd for fd in (lower, upper, work))
        # xino: one device and lasting inode numbers where the host's directory is on another file system.
        return (b"lowerdir=%s,upperdir=%s,workdir=%s," % directories) + notes + b",xino=auto,index=off,metacopy=off"

    def refusal(self, error: int) -> str:
        """Why it could not be mounted: cause and remedy, in one line."""
        store, target = os.fsdecode(self.upper), os.fsdecode(self.target)
        remedies = {
            errno.EINVAL: f"the file system of {store} takes no layers (it may be overlayfs itself, or NFS): "
            "set XDG_STATE_HOME to a directory on ext4, xfs, btrfs or tmpfs",
            errno.ENODEV: "this kernel has no overlayfs: load the module `overlay`",
            errno.EPERM: "mounts are forbidden here; `picobox doctor` tells what this machine allows",
            errno.EBUSY: "another run has this layer mounted: wait for it, or name another layer",
            errno.ESTALE: "the layer was kept over another directory of that name: commit or discard it first",
        }
        return f"--overlay over {target}: {os.strerror(error)}; {remedies.get(error, 'see the kernel log (dmesg)')}"


def plan(layer: Layer, directories: Iterable[bytes]) -> list[LayerMount]:
    """What to mount for a run that writes into a layer instead of these directories, which are paths without links.

    Needs the layer's lock; the record then says that the run began. PicoboxError for what overlayfs cannot do.
    """
    wanted = sorted(set(directories))
    if layer.trusted and os.geteuid():
        raise PicoboxError(f"layer {layer.name} was kept by root: run as root, or name another layer")
    if journal.read(layer) is not None:
        raise PicoboxError(
            f"a commit of layer {layer.name} was interrupted: `picobox commit {layer.name}` finishes it first"
        )
    for directory in wanted:
        _check(directory, layer)
    with readable(layer):
        parts = [layer.part_of(directory) for directory in wanted]
        for part in parts:
            seen = {**part.seen, **since_when(part, layer.prefix)} if part.runs else {}
            layer.replace(part._replace(runs=(*part.runs, layer.now()), seen=seen))
    layer.write()
    return [LayerMount(part.directory, part.upper, part.work, layer.trusted) for part in parts]


def layered(policy: Policy, layer: Layer) -> tuple[Policy, dict[bytes, LayerMount]]:
    """A policy under which a layer takes all that the host's tree would have, and what to mount for it, by target.

    Needs the layer's lock. PicoboxError if there is nothing to write, or no layer can take it.
    """
    decide = policy.decider()
    written = [rule for rule in policy.rules().values() if of_host(rule) == WRITE]
    if any(rule.path == b"/" for rule in written):
        raise PicoboxError(f"--overlay: policy {policy.name} lets the program write everywhere. Add --policy default.")
    written = [rule for rule in written if not any(is_below(rule.path, no) for no in _NEVER)]
    directories = [rule for rule in written if os.path.isdir(rule.path)]
    if not directories:
        raise PicoboxError(
            f"--overlay: policy {policy.name} gives no directory to write in. Run in a project's, or add --write DIR."
        )
    inner = [place for rule in directories for place in _with_mounts(rule.path) if decide(place).right == WRITE]
    planned = {each.target: each for each in plan(layer, inner)}
    # A file that could be written by itself, outside of all directories, has no layer.
    rules = [rule._replace(right=READ) for rule in written if rule not in directories]
    rules += [decide(target)._replace(path=target, right=LAYER, kept=layer.name) for target in planned]
    return policy._replace(files=(*policy.files, *rules)), planned


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
