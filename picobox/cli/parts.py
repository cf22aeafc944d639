"""What a run is put together from: platform, walls, `/nt`, judge, disturbances, what is kept for later runs."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from picobox.cli.naming import no_core
from picobox.cli.policies import NO_NAMESPACES
from picobox.errors import PicoboxError
from picobox.profile import profile_of
from picobox.supervisor import Served, Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace

    from picobox.check.chaos import Chaos, ChaosSettings
    from picobox.check.judge import Judge
    from picobox.check.judge import Settings as CheckSettings
    from picobox.confine.limits import LimitsAlone
    from picobox.confine.namespaces import Walls
    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import Policy
    from picobox.confine.supervised import SupervisedWalls
    from picobox.nt_files.process import NtFiles
    from picobox.platform.base import Platform
    from picobox.platform.executive_host import ExecutiveHost
    from picobox.platform.forms import KeptForms
    from picobox.platform.site_cache import SiteCache
    from picobox.provider import PicoProvider
    from picobox.trace.core_recorder import CoreRecorder


def make_walls(
    options: SimpleNamespace,
    policy: Policy,
    kept: Mapping[bytes, LayerMount] | None,
    nt_files: NtFiles | None,
) -> Walls | SupervisedWalls | LimitsAlone | None:
    """The walls of a policy, or its limits alone; None if it needs none."""
    if policy.confines and options.platform == "reference":
        raise PicoboxError("--platform reference has no walls. Leave it out, or add --unconfined.")
    if policy.confines and profile_of(options.profile).wsl:
        raise PicoboxError("--profile wsl1 lays out a tree of its own: it has no walls yet. Add --unconfined.")
    if options.platform == "reference" and policy.limits.by_kernel:
        raise PicoboxError("--platform reference keeps no limits but of processes and wall time. Leave it out.")
    from picobox.confine.walls import walls_of

    namespaces = getattr(options, "walls", None) != NO_NAMESPACES
    walls = walls_of(policy, kept, namespaces=namespaces, nt_files=nt_files)
    if walls is not None and walls.confines and walls.note is not None and not options.quiet:
        sys.stderr.write(f"picobox: note: {walls.note}.\n")
    return walls


def make_nt_files(options: SimpleNamespace, policy: Policy | None) -> NtFiles | None:
    """The server of `/nt`, None if it is not wanted; PicoboxError where it cannot be had."""
    if not getattr(options, "nt_files", False):
        return None
    if profile_of(options.profile).wsl:
        raise PicoboxError(
            "--nt-files needs walls, which --profile wsl1 has not. Leave one of the two out, or run the program in an "
            "instance: `picobox instance config NAME --nt-files on`."
        )
    if policy is None or not policy.confines:
        raise PicoboxError("--nt-files needs walls, behind which a tree can be mounted. Add --policy default.")
    from picobox.nt_files.process import NtFiles, check_host

    check_host()
    return NtFiles()


def make_judge(provider: PicoProvider, settings: CheckSettings) -> Judge:
    """Who judges the calls of a check; PicoboxError without the rules of Windows."""
    from picobox.check import analyses
    from picobox.check.judge import Judge

    opens, changes, names = provider.opens, provider.changes, provider.names
    if opens is None or changes is None or names is None or names.windows is None:
        raise PicoboxError("a check needs the rules of Windows: --profile windows10 or windows11")
    analyses.keep()
    return Judge(settings, provider, opens, changes, names.windows)


def make_chaos(provider: PicoProvider, settings: ChaosSettings) -> Chaos:
    """Who disturbs a check; ValueError without the rules of Windows."""
    from picobox.check.chaos import Chaos

    if provider.names is None or provider.names.windows is None:
        raise ValueError("disturbances need the rules of Windows")
    return Chaos(settings, provider.names.windows)


def served_by(provider: PicoProvider, executive_host: ExecutiveHost, supervisor: Supervisor) -> Served:
    """The NT side of a run under a provider that has registered; tasks may be left unseen."""
    provider.meet_children = supervisor.meet_children
    provider.debuggers = supervisor.debuggers
    provider.executive.catch_up = supervisor.meet_all
    return Served(provider.executive, executive_host, provider.first_thread, provider, provider.names)


def make_platform(
    name: str,
    subscription: dict[str, Any],
    *,
    notify: bool = True,
    gate: int = 0,
    enter: bool = False,
    sites: SiteCache | None = None,
    walls: Walls | SupervisedWalls | LimitsAlone | None = None,
    recorder: CoreRecorder | None = None,
    forms: KeptForms | None = None,
) -> Platform:
    """The platform of that name; PicoboxError tells what is missing for it. Only the default one has walls."""
    if name == "reference":
        try:
            from picobox.platform.reference import ReferencePlatform
        except ImportError as error:
            raise PicoboxError(
                f"--platform reference needs python-ptrace ({error}): pip install picobox-nt[reference]"
            ) from None
        from picobox.abi.table import ROWS

        return ReferencePlatform(ROWS, **subscription)
    try:
        from picobox.platform.trace import TracePlatform
    except ImportError as error:
        raise no_core(error) from None
    return TracePlatform(
        None, **subscription, notify=notify, gate=gate, enter=enter, sites=sites, walls=walls, recorder=recorder,
        kept=forms,
    )  # fmt: skip


def hold_plans() -> SiteCache:
    """Where the user's plans of call sites are kept; where nothing can be kept, they are made anew in each run."""
    from picobox.platform.site_cache import SiteCache

    sites = SiteCache.of_user()
    with suppress(OSError):
        sites.hold()
    return sites


def hold_forms() -> KeptForms | None:
    """Where forms of the table are kept, as it is before there are walls; without the core there are none."""
    try:
        from picobox.platform.forms import KeptForms
    except ImportError:
        return None
    return KeptForms()
