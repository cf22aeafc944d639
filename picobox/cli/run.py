"""The default verb: run a program as a pico process and exit as it did."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picobox.cli.options import Option, Usage, output_options, run_options
from picobox.cli.policies import OPEN, RUN_POLICY, chosen_policy, policy_options
from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace

    from picobox.confine.overlay import LayerMount
    from picobox.confine.policy import Policy
    from picobox.confine.refusals import Refusals

_DESCRIPTION = """Run a Linux program as a pico process: every system call it makes is intercepted and served through
an NT executive in miniature. The program reads what you can read but for secrets, writes to the working
directory and a /tmp of its own, and reaches no network but its own: --policy and its kin say otherwise."""

_EXAMPLES = """examples:
  picobox -- /bin/ls                 run a program; its exit status is picobox's
  picobox --timeout 10 -- make test  status 124 when it takes longer
  picobox -E LC_ALL=C -w /tmp -- sh  with a variable, in a directory
  picobox --unconfined -- make       without walls: it can do whatever you can
  picobox --overlay -- make          what it writes is kept apart: picobox diff, commit, discard
  picobox trace -- cat /etc/hosts    each call with the NT call and status behind it
  picobox names --git                names in this repository that Windows refuses or takes for others
  picobox syscalls                   what is supported
  picobox explain openat             what a call is, and what NT makes of it
  picobox doctor                     what this machine allows

exit status: the program's; 128+n after signal n; 124 timeout; 125 picobox itself; 126, 127 as a shell"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("run", _DESCRIPTION, _EXAMPLES)
    version = Option("--version", action="store_true", help="print the version and exit")
    report = Option("--report", action="store_true", help="end with what was refused, by which rule, how to allow it")
    unconfined = Option("--unconfined", action="store_true", help="without walls: it can do whatever you can")
    overlay = Option(
        "--overlay",
        metavar="NAME",
        nargs="?",
        const="",
        help="keep what it writes in a layer, apart from your files; picobox diff, commit and discard are about layers",
    )
    own = (version, *output_options(), report, unconfined, overlay)
    options = usage.read((*own, *policy_options(), *run_options()), arguments)
    if options.version:
        from picobox import DISTRIBUTION, __version__

        sys.stdout.write(f"{DISTRIBUTION} {__version__}\n")
        return 0
    return _run(options, usage.command(options))


def _run(options: SimpleNamespace, command: list[bytes]) -> int:
    if options.unconfined and options.policy not in (None, OPEN):
        raise PicoboxError("--unconfined is --policy open: name one of them.")
    if options.overlay is not None:
        return _run_overlaid(options, command)
    policy = None if options.unconfined else chosen_policy(options, RUN_POLICY, of_files=True)
    return _run_under(policy, {}, options, command)


def _run_overlaid(options: SimpleNamespace, command: list[bytes]) -> int:
    from picobox.cli.layers import layer_of_run
    from picobox.confine.named import DEFAULT
    from picobox.confine.overlay import layered

    if options.unconfined:
        raise PicoboxError("--unconfined lets it write past every layer: leave it out, or --overlay.")
    policy = chosen_policy(options, DEFAULT, of_files=True)
    if policy is None:
        raise PicoboxError("--overlay: policy open lets it write past every layer. Choose --policy default or strict.")
    with layer_of_run(options.overlay, options.workdir) as layer:
        policy, kept = layered(policy, layer)
        status = _run_under(policy, kept, options, command)
    if not options.quiet:
        sys.stderr.write(
            f"picobox: note: what it wrote is in layer {layer.name}: picobox diff, commit or discard it.\n"
        )
    return status


def _run_under(
    policy: Policy | None, kept: Mapping[bytes, LayerMount], options: SimpleNamespace, command: list[bytes]
) -> int:
    from picobox.cli.launch import Launch

    refusals = _refusals(policy) if options.report else None
    calls = None if refusals is None else refusals.watched()
    with Launch(options, command, refusals, calls, policy=policy, kept=kept) as launch:
        if refusals is not None and launch.provider.guard is not None:
            refusals.supervised_by(launch.provider.guard.policy)
        status = launch.run()
        if refusals is not None:
            from picobox.cli.refused import print_report

            refusals.met(launch.limits_met())

            print_report(refusals, options.color)
        if options.verbose and not options.quiet:
            from picobox.cli.report import print_summary

            print_summary(launch, options.color)
    return status


def _refusals(policy: Policy | None) -> Refusals:
    if policy is None or not policy.refuses:
        raise PicoboxError("--report: without walls nothing is refused. Name a policy, as --policy default.")
    from picobox.confine.refusals import Refusals

    return Refusals(policy)
