"""The verb learn: writes the smallest policy under which a command still runs."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

from picobox.cli.options import Option, Usage, output_options, preset, run_options
from picobox.cli.writing import write
from picobox.confine.learn import Learned, learn, speller
from picobox.confine.place import Place
from picobox.confine.runs import Runs, program_of
from picobox.confine.show import as_toml
from picobox.errors import PicoboxError, SpawnError
from picobox.findings.files import replace
from picobox.findings.visible import command_line

if TYPE_CHECKING:
    from picobox.confine.accesses import Accesses
    from picobox.confine.policy import Policy

_DESCRIPTION = """Write the smallest policy under which a command still runs: without any one of its rules it ends with
another status. The command is watched once while it may do all that you can, then tried again with rules taken away.
No run changes files: what is written goes to layers that are dropped. The command reads nothing from standard input;
what it says to the network is said. Its output goes to standard error, the policy to standard output or to a file."""

_EXAMPLES = """examples:
  picobox learn -o policy.toml -- make test
  picobox --policy policy.toml -- make test
  picobox learn --same-output -- ./report     what it writes to standard output counts as well

exit status: 0; 125 if there is no such policy"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("learn", _DESCRIPTION, _EXAMPLES)
    options = usage.read((*_learn_options(), *output_options(), *_run_options()), arguments)
    command = usage.command(options)
    # All runs are children of this process: what it has imported they need not.
    from picobox.cli import launch as launching

    place = Place.here(options.workdir)

    def launch(policy: Policy, accesses: Accesses | None, limit: float | None) -> int:
        within = SimpleNamespace(**{**vars(options), "timeout": options.timeout if limit is None else limit})
        with launching.Launch(within, command, accesses, policy=policy) as started:
            if started.provider.guard is not None:
                raise PicoboxError(
                    "learning needs namespaces, for layers: `picobox doctor` tells what this machine allows"
                )
            try:
                return started.run()
            except SpawnError:
                if accesses is not None:
                    raise
                # Under this policy there is no such program, which is unlike any way for it to end.
                return -1

    paths = launching.candidates(command[0], place.environment.get("PATH", "").encode(errors="surrogateescape") or None)
    program = program_of(paths, place.directory.encode(errors="surrogateescape"))
    learned = learn(Runs(launch, program), place, same_output=options.same_output)
    if learned.outcome.status and not options.quiet:
        status = learned.outcome.status
        sys.stderr.write(f"picobox: note: the command ended with status {status}, and so it does under this policy.\n")
    text = _heading(command, learned) + as_toml(learned.policy, speller(options.output, place))
    if options.output is None:
        write(sys.stdout, text)
    else:
        replace(options.output, text)
    return 0


def _learn_options() -> tuple[Option, ...]:
    return (
        Option("-o", "--output", metavar="FILE", help="write the policy to FILE; paths in it are relative to that"),
        Option("--same-output", action="store_true", help="the command has to write the same to standard output, too"),
    )


def _run_options() -> tuple[Option, ...]:
    """Those of a run. Which files are used does not hang on rules of NT, and without them a run is faster."""
    options = run_options()
    for option in options:
        if option.attribute() == "profile":
            option.settings["default"] = preset("PROFILE") or "linux"
    return options


def _heading(command: list[bytes], learned: Learned) -> str:
    words = command_line(word.decode(errors="surrogateescape") for word in command)
    return (
        f"# Under this policy `{words}` ends with status {learned.outcome.status};\n"
        f"# without any one of its rules it does not (picobox learn, {learned.runs} runs).\n"
    )
