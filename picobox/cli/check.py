"""The verb check: run a program, usually a test suite, and tell what would break on Windows."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from picobox.check.judge import Settings
from picobox.cli.chaos import chaos_options, chaos_settings
from picobox.cli.options import Option, Usage, output_options, preset, run_options
from picobox.cli.policies import tell_no_walls
from picobox.errors import PicoboxError
from picobox.findings.config_values import PROFILES
from picobox.findings.finding import Report
from picobox.platform.test_channel import VARIABLE, TestChannel

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.check.judge import Judge
    from picobox.cli.launch import Launch
    from picobox.findings.finding import Finding

_DESCRIPTION = """Run a program, usually a test suite, under the file rules of Windows and tell what would break there.
The program goes on as on Linux; with --enforce it gets the answers of Windows. The rules hold in the working directory
and in the directory for temporary files. The program is not confined: it can do whatever you can."""

_EXAMPLES = """examples:
  picobox check -- pytest                      findings after the program's own output
  picobox check --enforce -- ./run-tests       the program meets Windows' errors
  picobox check --format sarif -o out.sarif -- make test

exit status: the program's if it is not 0; else 1 if a finding is as grave as --fail-on; 125 picobox itself"""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    from picobox.cli.findings import conclude, finding_options, settle

    usage = Usage("check", _DESCRIPTION, _EXAMPLES)
    options = usage.read(
        (*_check_options(), *chaos_options(), *finding_options(), *output_options(), *_run_options()), arguments
    )
    command = usage.command(options)
    tell_no_walls(options)
    config = settle(options, options.workdir or ".", usage.prog, runs=True)
    return conclude(run(options, command), options, config)


def run(options: SimpleNamespace, command: list[bytes]) -> Report:
    """Runs a program and judges what it does."""
    from picobox.cli.launch import Launch

    directory, temporary = directories(options)
    chaos = chaos_settings(options)
    started = time.time()
    with TestChannel() as channel:
        options.env = [*options.env, f"{VARIABLE}={channel.directory}"]
        settings = Settings(
            options.enforce,
            directory,
            temporary,
            channel.test_of,
            lambda finding: channel.tell(_line(report_of(options, command, _judge_of(launch), started, (finding,)))),
        )
        with Launch(options, command, check=settings, chaos=chaos) as launch:
            status = launch.run()
        judge = _judge_of(launch)
        return report_of(options, command, judge, started, judge.findings())._replace(status=status)


def directories(options: SimpleNamespace) -> tuple[bytes, bytes]:
    """The project's directory and that of temporary files; PicoboxError if one is not there."""
    directory = _directory(options.workdir or ".", "-w ")
    return directory, _directory(os.environ.get("TMPDIR") or "/tmp", "TMPDIR=")  # noqa: S108 - the guests'


def _judge_of(launch: Launch) -> Judge:
    """Who judges a run."""
    judge = launch.provider.judge
    if judge is None:
        raise RuntimeError("a check without a judge")
    return judge


def _directory(path: str, said: str) -> bytes:
    """A directory without links; `said` is what its name stands behind where a user gives it."""
    from picobox.platform.drives import real_directory

    try:
        return real_directory(os.fsencode(path))
    except OSError as error:
        raise PicoboxError(f"{said}{path}: {error.strerror}. Name a directory that is there.") from None


def _line(report: Report) -> str:
    """A report in one line, for whoever runs tests in the guest."""
    from picobox.findings.record import dumps

    return dumps(report).replace("\n", " ")


def report_of(
    options: SimpleNamespace,
    command: list[bytes],
    judge: Judge,
    started: float,
    findings: tuple[Finding, ...],
) -> Report:
    """What is known of a run now; its status is not."""
    directory = judge.settings.directory
    return Report(
        options.profile,
        options.enforce,
        tuple(map(os.fsdecode, command)),
        os.fsdecode(directory),
        judge.windows.prefix_of(directory),
        started,
        time.time(),
        0,
        findings,
        (os.fsdecode(judge.settings.temporary),),
    )


def _check_options() -> tuple[Option, ...]:
    enforced = preset("ENFORCE") == "1"
    return (Option("--enforce", action="store_true", default=enforced, help="give the program the answers of Windows"),)


def _run_options() -> tuple[Option, ...]:
    """Those of every run; a check is by the rules of a Windows."""
    said = preset("PROFILE")
    default = said if said in PROFILES else None
    profile = Option(
        "--profile", choices=PROFILES, default=default, help="the version of Windows; windows11 is the default"
    )
    return tuple(profile if option.attribute() == "profile" else option for option in run_options())
