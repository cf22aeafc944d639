"""The verb trace: run a program and write down each system call with the NT call and status behind it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from picobox.cli.launch import Launch
from picobox.cli.naming import no_core
from picobox.cli.options import GATE_PATIENCE, Option, Usage, output_options, run_options
from picobox.cli.policies import OPEN, chosen_policy, policy_options, tell_no_walls
from picobox.cli.trace_filters import Chosen, chosen, filter_options
from picobox.trace.recorder import Recorder
from picobox.trace.sink import Sink

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.confine.policy import Policy
    from picobox.confine.refusals import Refusals
    from picobox.trace.chrome import ChromeWriter
    from picobox.trace.core_recorder import CoreRecorder
    from picobox.trace.costs import Costs
    from picobox.trace.recorder import Renderer

FORMATS = ("text", "jsonl", "chrome")
# A call that is recorded costs so much more as a stop that a site is worth its jump sooner.
_PATIENCE = 4
# Of counts nothing is written during the run, wherever they go at its end.
_ANY_FILE = 2

_DESCRIPTION = """Run a Linux program and write down every system call it makes, with the NT service and the NTSTATUS
behind it. The trace goes to standard error or to a file, never to standard output. The program is not confined unless
you name a policy: it can do whatever you can. The trace begins with the program's first own call, after the execve that
starts it."""

_EXAMPLES = """examples:
  picobox trace -- cat /etc/hosts             as `strace -f -ttt -T`, plus a line for the NT call
  picobox trace -e %file -- make              calls that take a path
  picobox trace -e openat,close -- ls         two calls
  picobox trace -e '!%memory' -- ls           all but those that manage memory
  picobox trace -P /etc/passwd -- id          calls that name the file, or a descriptor of it
  picobox trace -Z --nt NtCreateFile -- make  opens that fail
  picobox trace --status ACCESS_DENIED -- make
                                              what NT would call STATUS_ACCESS_DENIED
  picobox trace -o out.txt -- python3 x.py    to a file, with a pid before each line
  picobox trace -c -- make                    what calls cost, native against translated
  picobox trace --format chrome -o out.json -- make
                                              a time line for ui.perfetto.dev
  picobox trace --format jsonl -o out.jsonl -- ls | wc -l
                                              JSON Lines, described by docs/event.schema.json

In text, `~NtX` is the NT service that the call corresponds to, `NtX` one that really ran.
Exit status: as for picobox --help."""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("trace", _DESCRIPTION, _EXAMPLES)
    given = (*_trace_options(), *filter_options(), *output_options(), *policy_options(), *run_options())
    options = usage.read(given, arguments)
    command = usage.command(options)
    if options.summary_only and (options.format != "text" or options.platform != "trace"):
        usage.error("-c writes a table, of the default platform: leave --format and --platform out")
    return _run(options, command, chosen(options, usage))


def _trace_options() -> tuple[Option, ...]:
    counts = "write no calls but a table of them: how many, errors, seconds in the kernel and in picobox"
    form = "text as strace writes it, one JSON object a line, or what ui.perfetto.dev and chrome://tracing open"
    return (
        Option("-o", "--output", metavar="FILE", help="write the trace to FILE"),
        Option("-c", "--summary-only", action="store_true", help=counts),
        Option("--format", choices=FORMATS, default="text", help=form),
    )


def _run(options: SimpleNamespace, command: list[bytes], what: Chosen) -> int:
    sink = Sink(options.output)
    chrome = _chrome(options, command, what, sink)
    if chrome is not None:
        what = what.for_families()
    policy = chosen_policy(options, OPEN, of_files=False)
    if policy is None:
        tell_no_walls(options)
    refusals = _refusals(policy)
    costs = _costs() if options.summary_only else None
    if options.output is None and costs is None:
        # What a program writes in the gate would come before the lines of what it had done before that.
        options.no_gate = True
    elif options.gate == GATE_PATIENCE:
        options.gate = _PATIENCE
    core = None if options.platform == "reference" else _core_recorder(options, sink, chrome, costs, what, refusals)
    recorder = core or Recorder(
        _renderer(options),
        sink.write if chrome is None else chrome.write,
        what.selection.includes,
        options.platform,
        refusals,
        what.filters,
    )
    if chrome is not None:
        recorder.on_entered = chrome.entered
    _end_in_order()
    try:
        shown = what.selection.numbers() if core is None else core.shown
        with Launch(options, command, recorder, shown, policy=policy, recorder=core) as launch:
            if refusals is not None and launch.provider.guard is not None:
                refusals.supervised_by(launch.provider.guard.policy)
            if costs is not None:
                launch.supervisor.time_calls(costs.took)
            status = launch.run()
            recorder.limits_met(launch.limits_met())
            recorder.flush()
            if chrome is not None:
                chrome.close()
            if costs is not None and core is not None:
                sink.write(_table(costs, core))
            sink.flush()
            if options.verbose and not options.quiet:
                from picobox.cli.report import print_summary

                print_summary(launch, options.color)
    finally:
        sink.close()
    return status


def _core_recorder(
    options: SimpleNamespace,
    sink: Sink,
    chrome: ChromeWriter | None,
    costs: Costs | None,
    what: Chosen,
    refusals: Refusals | None,
) -> CoreRecorder:
    try:
        from picobox.trace.core_recorder import CoreRecorder
    except ImportError as error:
        raise no_core(error) from None
    if costs is not None:
        core = CoreRecorder(
            costs, lambda _text: None, what.selection.includes, options.platform, refusals, what.filters,
            numbers=what.selection.numbers(), fd=_ANY_FILE, is_written_here=True,
        )  # fmt: skip
        core.counts = core.table.count()
        return core
    write = sink.write_through if chrome is None else chrome.write
    return CoreRecorder(
        _renderer(options), write, what.selection.includes, options.platform, refusals, what.filters,
        numbers=what.selection.numbers(), fd=sink.fd, is_written_here=chrome is not None,
    )  # fmt: skip


def _refusals(policy: Policy | None) -> Refusals | None:
    if policy is None or not policy.refuses:
        return None
    from picobox.confine.refusals import Refusals

    return Refusals(policy)


def _costs() -> Costs:
    from picobox.trace.costs import Costs

    return Costs()


def _table(costs: Costs, core: CoreRecorder) -> str:
    from picobox.cli.report import Table, plain
    from picobox.trace.costs import HEADINGS, NUMBERS, rows

    return plain(Table(HEADINGS, rows(costs.found(core.counts)), right=NUMBERS))


def _chrome(options: SimpleNamespace, command: list[bytes], what: Chosen, sink: Sink) -> ChromeWriter | None:
    if options.format != "chrome":
        return None
    from picobox.trace.chrome import ChromeWriter

    program = command[0].rpartition(b"/")[2].decode(errors="backslashreplace")
    return ChromeWriter(sink.write, program, what.selection.shows, what.filters)


def _renderer(options: SimpleNamespace) -> Renderer:
    if options.format != "text":
        from picobox.trace.jsonl import JsonRenderer

        return JsonRenderer()
    from picobox.trace.text import TextRenderer

    return TextRenderer(to_file=options.output is not None)


def _end_in_order() -> None:
    """While the program runs these signals are passed on to it; before and after, the trace is still to be written."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)


def _leave(number: int, frame: object) -> NoReturn:
    del frame
    sys.exit(128 + number)
