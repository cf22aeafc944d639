"""The default verb: run a program as a pico process and exit as it did."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picobox.cli.options import Option, Usage, output_options, run_options

if TYPE_CHECKING:
    from types import SimpleNamespace

_DESCRIPTION = """Run a Linux program as a pico process: every system call it makes is intercepted and served through
an NT executive in miniature. The program is not yet confined: it can do whatever you can."""

_EXAMPLES = """examples:
  picobox -- /bin/ls                 run a program; its exit status is picobox's
  picobox --timeout 10 -- make test  status 124 when it takes longer
  picobox -E LC_ALL=C -w /tmp -- sh  with a variable, in a directory
  picobox trace -- cat /etc/hosts    each call with the NT call and status behind it
  picobox names --git                names in this repository that Windows refuses or takes for others
  picobox syscalls                   what is supported
  picobox doctor                     what this machine allows

exit status: the program's; 128+n after signal n; 124 timeout; 125 picobox itself; 126, 127 as a shell"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("run", _DESCRIPTION, _EXAMPLES)
    version = Option("--version", action="store_true", help="print the version and exit")
    options = usage.read((version, *output_options(), *run_options()), arguments)
    if options.version:
        from picobox import DISTRIBUTION, __version__

        sys.stdout.write(f"{DISTRIBUTION} {__version__}\n")
        return 0
    return _run(options, usage.command(options))


def _run(options: SimpleNamespace, command: list[bytes]) -> int:
    from picobox.cli.launch import Launch

    with Launch(options, command) as launch:
        status = launch.run()
        if options.verbose and not options.quiet:
            from picobox.cli.report import print_summary

            print_summary(launch, options.color)
    return status
