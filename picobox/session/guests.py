"""Owns what serves the programs of a running instance: walls, platform, executive and supervisor, made once for all."""

from __future__ import annotations

import os
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Self

from ntshim.fs.rules import CaseMode
from ntshim.ps.executive import Executive
from picobox.abi.row import FAKE_ROOT
from picobox.cli.options import run_options
from picobox.cli.parts import served_by
from picobox.confine.hardening import harden
from picobox.confine.instance import InstanceWalls
from picobox.errors import PicoboxError
from picobox.names import Names
from picobox.platform import init
from picobox.platform.drives import Drives
from picobox.platform.executive_host import ExecutiveHost
from picobox.platform.forms import KeptForms
from picobox.platform.names import NativeIndex
from picobox.platform.site_cache import SiteCache
from picobox.platform.trace import TracePlatform
from picobox.provider import PicoProvider
from picobox.session import wsl_conf
from picobox.session.fakeroot.credentials import credentials_of_user
from picobox.session.fakeroot.mounts import Mounts
from picobox.session.fakeroot.nodes import World
from picobox.session.fakeroot.root import FakeRoot
from picobox.session.programs import drives_of
from picobox.session.texts import Tree, text_of
from picobox.session.users import Users
from picobox.supervisor import Served, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from picobox.nt_files.process import NtFiles
    from picobox.platform.base import HostTid, SpawnRequest
    from picobox.session.registry import Instance
    from picobox.session.users import User


class Guests:
    """The programs of an instance. As a context manager it ends whatever is left of them."""

    def __init__(self, instance: Instance, bells: Iterable[int]) -> None:
        """This process has one thread, and starts no program itself afterwards. `bells`: the signals that it serves.

        PicoboxError where the machine lets no instance run.
        """
        options = SimpleNamespace(**{option.attribute(): option.default() for option in run_options()})
        gate = 0 if options.no_gate or options.no_fast else options.gate
        sites = SiteCache.of_user() if gate else None
        if sites is not None:
            with suppress(OSError):
                sites.hold()
        forms = KeptForms()
        self.settings = _prepared(instance)
        self.drives = drives_of(instance, self.settings)
        drives = {os.fsencode(point): os.fsencode(path) for point, path in self.drives.items()}
        self.nt_files = _nt_files(instance)
        self.walls = InstanceWalls(os.fsencode(instance.rootfs), drives, self.settings.host_name, self.nt_files)
        # VolFs: case counts everywhere in an instance (facts wsl1.md 4.5).
        names = Names(NativeIndex(), Drives({}, CaseMode.SENSITIVE))
        features = names.features | self.walls.features | {FAKE_ROOT}
        self.platform = TracePlatform(
            None, features=features, notify=not options.no_fast, gate=gate, sites=sites, walls=self.walls, kept=forms
        )
        if self.nt_files is not None:
            # Whose names this process may not look up: see PseudoDevices.
            names.pseudo.served = self.nt_files.place
        names.root_may_change()
        self.platform.roots_differ()
        executive_host = ExecutiveHost(self.platform)
        provider = PicoProvider(self.platform, Executive(executive_host), names, features)
        provider.executive.boot()
        self.supervisor = Supervisor(self.platform, lambda: served)
        served: Served = served_by(provider, executive_host, self.supervisor)
        self.users = Users(self.walls.opened)
        init.adopt_orphans()
        self.platform.open_doorbell(bells)
        self.walls.raise_up()
        world = World(Mounts(self.walls.init, drives), self.walls.root, self._owner_of_drives(instance))
        self._fake_root = FakeRoot(world, self.platform, self.supervisor.has_lesser_tracer)
        provider.fake_root = self._fake_root
        # Programs have it from who makes them.
        ours = os.umask(self.settings.umask)
        self.platform.open_spawner()
        os.umask(ours)
        harden(self.platform.hardening)

    def _owner_of_drives(self, instance: Instance) -> tuple[int, int]:
        owner = self.users.of(instance.default_uid)
        uid, gid = self.settings.drive_uid, self.settings.drive_gid
        return owner.uid if uid is None else uid, owner.gid if gid is None else gid

    def start(self, request: SpawnRequest, user: User, ended: Callable[[int], None]) -> tuple[HostTid, int]:
        """Starts one of the programs; its number, and a descriptor for `failure_in`, to be asked once it has ended."""
        tid = self.supervisor.launch(request, ended, lambda thread: self._fake_root.executed(thread.context))
        task = self.supervisor.threads()[tid].context
        self._fake_root.become(task, credentials_of_user(user.uid, user.gid, self.users.groups_of(user)))
        return tid, self.platform.take_status()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.end()
        self.platform.close()
        self.walls.close()


def _nt_files(instance: Instance) -> NtFiles | None:
    """What serves `/nt`, if the instance is to have it. PicoboxError if it has one of its own."""
    if not instance.nt_files:
        return None
    from picobox.nt_files.process import NtFiles

    with Tree(instance.rootfs) as tree:
        if not tree.is_free(NtFiles.place):
            raise PicoboxError(
                f"the instance has a {os.fsdecode(NtFiles.place)} of its own, which would be hidden. Rename it, or "
                f"leave NT's namespace out: `picobox instance config {instance.name} --nt-files off`."
            )
    return NtFiles()


def _prepared(instance: Instance) -> wsl_conf.Settings:
    """What the instance's wsl.conf says; what it has written as an instance starts is written. No guest runs yet."""
    resolver = ""
    with suppress(OSError), open("/etc/resolv.conf", encoding="utf-8", errors="surrogateescape") as file:
        resolver = file.read()
    try:
        with Tree(instance.rootfs) as tree:
            settings = wsl_conf.read(text_of(tree.opened, wsl_conf.PATH))
            files = wsl_conf.generated(settings, wsl_conf.host_name_of(settings), resolver)
            for path, (header, rest) in files.items():
                tree.generate(path, header, rest)
    except FileNotFoundError:
        # The walls tell that there is no tree.
        return wsl_conf.Settings()
    return settings
