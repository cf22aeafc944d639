"""Builds the file tree of a policy: what each rule gives, mounted at its path below a new root."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from picobox._native._core import lib
from picobox.confine.devices import DEV, Devices
from picobox.confine.mounting import (
    NO_DEVICES,
    NO_EXEC,
    NO_SET_ID,
    READ_ONLY,
    attach,
    change,
    check,
    copied,
    hide,
    new,
    new_directory,
    share_of_memory,
    with_something,
)
from picobox.confine.policy import HIDE, HOST, LAYER, READ, TEMPORARY, decider_of
from picobox.errors import PicoboxError, PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import FileRule, Policy
    from picobox.nt_files.process import NtFiles

PROC, SYS = b"/proc", b"/sys"
# The kernel's own, which no rule gives as the host has them.
_KERNEL = (DEV, PROC, SYS)
_GIVEN = NO_SET_ID | NO_DEVICES
_OF_THE_MACHINE = _GIVEN | READ_ONLY | NO_EXEC
# Where the new tree stands until it is entered: what is there on the host is not seen meanwhile.
_STAGES = (b"/tmp", b"/mnt", b"/var", b"/home")
# Of the machine's memory in percent, which may be limited by nothing else.
_SHARES = {TEMPORARY[0]: 30, TEMPORARY[1]: 10}
_SHARE_OF_LAYERS = 30
_OWN_PACKAGES = ("picobox", "ntshim")
# What of the host's /sys is no business of guests, where they cannot have one of their own.
_HIDDEN_IN_SYS = (b"/sys/kernel/debug", b"/sys/kernel/tracing", b"/sys/kernel/security", b"/sys/firmware")


class Tree:
    """The mounts of one policy: make it before namespaces are entered, then build it, then enter it."""

    def __init__(self, policy: Policy, kept: Mapping[bytes, LayerMount], nt_files: NtFiles | None = None) -> None:
        """`kept`: the layers that outlast the run, by the paths of their rules. `nt_files`: what is to be at /nt."""
        self._policy = policy
        self._nt_files = nt_files
        self._kept = kept
        # Those of rules at which something is, once that is known.
        self.paths: list[bytes] = []
        self._kept_directories: dict[bytes, tuple[int, int]] = {}
        self._rules = policy.rules()
        self.decide = decider_of(self._rules)
        # Those of our network, which is another one later.
        self._sockets = _bound_sockets()
        self._sources: dict[bytes, int] = {}
        # File systems of ours that can be written until the tree is finished.
        self._unfinished: list[int] = []
        # Paths at which something is mounted, or made to be.
        self._made: set[bytes] = set()
        self._scratch = self._root = -1
        # What is in the host's root, where that itself cannot be the tree's: mounts and links.
        self._entries: dict[bytes, int] = {}
        self._links: dict[bytes, bytes] = {}
        self._layers = 0
        self._has_own_sys = False
        # Directories that this process needs, and guests do not get; which of them were mounted. No private directory
        # is among them: names there are looked up for guests.
        self.mounted: list[bytes] = []
        self._ours = sorted(path for path in _own_directories() if self._is_gone(path) and not self._is_temporary(path))

    def build(self) -> None:
        """Mounts it beside the tree that there is. PlatformError where that is forbidden."""
        host = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            devices = self._collect(host)
            self._make_root(host)
        finally:
            os.close(host)
        for path in sorted({*self.paths, *_KERNEL}):
            if path == DEV:
                devices.lay_out(self._root)
            elif path == SYS:
                self._place_sys()
            elif path == PROC or path in self._rules:
                self._place(path)
        if self._nt_files is not None:
            self._place_nt(self._nt_files)
        self._link()
        for path in self._sockets:
            with suppress(ValueError):
                if self.decide(path).right == READ:
                    # A read-only mount keeps nobody from calling a service by its socket.
                    self._hide(path)
        for path in self._ours:
            if path in self._sources and attach(self._sources[path], self._root, path):
                self.mounted.append(path)
        for tree in self._unfinished:
            change(tree, READ_ONLY | _GIVEN, b"/", recursive=False)

    def enter(self) -> None:
        """It is this process's root from now on; the working directory is what it was, if that is there."""
        try:
            directory = os.getcwdb()
        except OSError:
            directory = b"/"
        check(lib.pb_tree_enter(self._root), "entering the tree")
        unplaced = (fd for pair in self._kept_directories.values() for fd in pair)
        for fd in (self._root, self._scratch, *self._unfinished, *self._sources.values(), *unplaced):
            os.close(fd)
        try:
            os.chdir(directory)
        except OSError:
            os.chdir("/")

    def _collect(self, host: int) -> Devices:
        """Copies what the rules give, before anything is mounted over it."""
        self.paths = self._that_count(host)
        for path in self.paths:
            rule = self._rules[path]
            if rule.right == HIDE or path == SYS or self._is_temporary(path) or _is_below(path, (DEV, PROC)):
                continue
            if rule.right == LAYER:
                # As the lower directory of an overlay, which makes a copy of its own.
                found = lib.pb_open_below(host, path)
                if found >= 0:
                    self._sources[path] = found
                if rule.kept:
                    self._kept_directories[path] = self._kept[path].opened()
            elif path == b"/" and self._nt_files is not None:
                self._copy_root(host, _GIVEN | READ_ONLY if rule.right == READ else _GIVEN)
            else:
                self._copy(host, path, _GIVEN | READ_ONLY if rule.right == READ else _GIVEN)
        for path in self._ours:
            self._copy(host, path, _GIVEN | READ_ONLY)
        self._made.update(self._sources, TEMPORARY, (rule.written for rule in self._policy.files if rule.written))
        self._copy(host, PROC, _GIVEN | NO_EXEC)
        if self.decide(SYS).right != HIDE:
            self._has_own_sys = self._new_sys()
            if not self._has_own_sys:
                self._copy(host, SYS, _OF_THE_MACHINE)
        return Devices(self._policy, host)

    def _that_count(self, host: int) -> list[bytes]:
        """The rules' paths that count, sorted: most name what is not there."""
        paths = sorted(self._rules)
        # In the tree, the kernel's own and layers that are kept may have what the host has not.
        unknown = (*_KERNEL, *self._kept)
        temporary = filter(self._is_temporary, TEMPORARY)
        return sorted({*with_something(host, paths), *(path for path in paths if path.startswith(unknown)), *temporary})

    def _copy(self, host: int, path: bytes, attributes: int) -> None:
        tree = copied(host, path, attributes)
        if tree >= 0:
            self._sources[path] = tree

    def _copy_root(self, host: int, attributes: int) -> None:
        """Copies what is in the root one by one: nothing can be added to the host's."""
        for name in os.listdir(b"/"):
            try:
                self._links[name] = os.readlink(name, dir_fd=host)
            except OSError:  # it is no link
                tree = -1 if b"/" + name in _KERNEL else copied(host, b"/" + name, attributes)
                if tree >= 0:
                    self._entries[name] = tree

    def _make_root(self, host: int) -> None:
        stage = next(path for path in _STAGES if os.path.isdir(path))
        self._scratch = new(b"tmpfs", b"mode=0700," + self._size(_SHARE_OF_LAYERS), _GIVEN)
        attach(self._scratch, host, stage)
        root = self._sources.pop(b"/", -1)
        if root < 0:
            root = new_directory(0o755)
            self._unfinished.append(os.dup(root))
        attach(root, self._scratch, b"/root")
        self._root = root
        for name, tree in self._entries.items():
            self._mount(b"/" + name, tree)
        for name, target in self._links.items():
            os.symlink(target, name, dir_fd=root)

    def _is_gone(self, path: bytes) -> bool:
        """Whether what the host has at a path is not in the tree."""
        rule = self.decide(path)
        return rule.right == HIDE or self._is_temporary(rule.path)

    def _is_temporary(self, path: bytes) -> bool:
        return self._policy.private_tmp and path in TEMPORARY and self._rules[path].source == "private-tmp"

    def _place(self, path: bytes) -> None:
        rule = self._rules.get(path)
        if rule is not None and rule.right == HIDE:
            self._hide(path)
        elif rule is not None and self._is_temporary(path):
            self._mount(path, new(b"tmpfs", b"mode=1777," + self._size(_SHARES[path]), _GIVEN))
        elif path in self._sources:
            source = self._sources.pop(path)
            self._mount(path, source if rule is None or rule.right != LAYER else self._layer(rule, source))

    def _size(self, percent: int) -> bytes:
        return share_of_memory(percent, self._policy.limits.memory)

    def _mount(self, path: bytes, tree: int) -> None:
        attach(tree, self._root, path)
        os.close(tree)

    def _hide(self, path: bytes) -> None:
        """An empty directory, or a file that nobody may open, is all that is there, and what rules give below it."""
        start = path + b"/"
        if path == b"/":
            return
        if any(each.startswith(start) for each in self._made) and self._has_directory(path):
            tree = new_directory(0o555)
            self._unfinished.append(os.dup(tree))
            self._mount(path, tree)
        else:
            hide(self._root, path, self._scratch)

    def _has_directory(self, path: bytes) -> bool:
        found = lib.pb_open_below(self._root, path)
        if found < 0:
            return False
        try:
            return stat.S_ISDIR(os.fstat(found).st_mode)
        finally:
            os.close(found)

    def _layer(self, rule: FileRule, source: int) -> int:
        """An overlay over a directory, whose changes go with the run; what takes none may only be read."""
        if rule.kept:
            return self._kept_layer(self._kept[rule.path], source)
        tree = -1
        if stat.S_ISDIR(os.fstat(source).st_mode):
            place = b"/proc/self/fd/%d/layer%d" % (self._scratch, self._layers)
            self._layers += 1
            for name in (b"", b"/upper", b"/work"):
                os.mkdir(place + name, 0o700)
            os.chmod(place + b"/upper", stat.S_IMODE(os.fstat(source).st_mode))
            options = b"lowerdir=/proc/self/fd/%d,upperdir=%s/upper,workdir=%s/work" % (source, place, place)
            tree = lib.pb_tree_new(b"overlay", options + (b",userxattr" if self._is_lent else b""), _GIVEN)
        if tree < 0:
            tree = check(lib.pb_tree_clone(source), f"copying the mounts of {os.fsdecode(rule.path)}")
            change(tree, READ_ONLY | _GIVEN, rule.path)
        os.close(source)
        return tree

    @cached_property
    def _is_lent(self) -> bool:
        """Whether our rights are those of a user namespace."""
        with open("/proc/self/uid_map", "rb") as ids:
            return ids.read().split() != [b"0", b"0", b"4294967295"]

    def _kept_layer(self, planned: LayerMount, source: int) -> int:
        """An overlay whose changes outlast the run."""
        is_closed = os.fstatvfs(source).f_flag & os.ST_NOEXEC
        directories = self._kept_directories.pop(planned.target)
        options = planned.options(source, *directories)
        tree = lib.pb_tree_new(b"overlay", options, _GIVEN | NO_EXEC if is_closed else _GIVEN)
        for fd in directories:
            os.close(fd)
        if tree < 0:
            raise PicoboxError(planned.refusal(-tree))
        os.close(source)
        return int(tree)

    def _link(self) -> None:
        """Paths that lead elsewhere are links here too, where nothing else has made them."""
        for rule in self._policy.files:
            found = lib.pb_open_below(self._root, rule.path) if rule.written and rule.right != HIDE else -1
            if found >= 0:
                os.close(found)
                lib.pb_point_link(self._root, rule.written, rule.path)

    def _place_nt(self, nt_files: NtFiles) -> None:
        tree = nt_files.mount()
        if not attach(tree, self._root, nt_files.place):
            raise PlatformError(f"--nt-files: there is no place for {os.fsdecode(nt_files.place)}")
        os.close(tree)

    def _new_sys(self) -> bool:
        """Makes a /sys that shows our network, where that is ours and the machine lets us."""
        own = -1 if self._policy.network == HOST else lib.pb_tree_new(b"sysfs", b"", _OF_THE_MACHINE)
        if own >= 0:
            self._sources[SYS] = own
        return bool(own >= 0)

    def _place_sys(self) -> None:
        tree = self._sources.pop(SYS, -1)
        if tree < 0:
            # The host's is there still, where a rule gives all that lies around it.
            self._hide(SYS)
            return
        self._mount(SYS, tree)
        if not self._has_own_sys:
            for path in _HIDDEN_IN_SYS:
                self._hide(path)


def _is_below(path: bytes, directories: tuple[bytes, ...]) -> bool:
    return any(path == directory or path.startswith(directory + b"/") for directory in directories)


def _own_directories() -> set[bytes]:
    """Where Python finds modules, which may be imported later: those of picobox as well."""
    places = {*sys.path, *(place for name in _OWN_PACKAGES for place in import_module(name).__path__)} - {""}
    found = set()
    for place in places:
        with suppress(OSError):
            fd = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            # The kernel follows links faster than os.path does.
            found.add(os.fsencode(os.readlink(f"/proc/self/fd/{fd}")))
            os.close(fd)
    return found - {b"/"}


def _bound_sockets() -> list[bytes]:
    """The paths to which sockets are bound (proc(5), /proc/net/unix)."""
    with open("/proc/net/unix", "rb") as table:
        fields = [line.rstrip(b"\n").split(b" ", 7)[-1] for line in table]
    return sorted({path for path in fields if path.startswith(b"/")})
