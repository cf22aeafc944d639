"""What the verbs that find something share: their options, the settings below them, and how a report is concluded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from picobox.cli.options import Option, complain_of_usage, preset, wants_color
from picobox.errors import PicoboxError
from picobox.findings.baseline import known_in, known_of, text_of, with_baseline
from picobox.findings.config import Config, load
from picobox.findings.config_values import FAIL_ON, FORMATS, PROFILES
from picobox.findings.files import replace
from picobox.findings.finding import WARNING
from picobox.findings.fingerprint import roots_of
from picobox.findings.joining import join
from picobox.findings.render import render
from picobox.findings.suppress import Told, suppress, with_levels
from picobox.findings.tally import reaches, tally
from picobox.findings.visible import visible
from picobox.platform.name_sources import absolute

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.findings.finding import Report

FOUND = 1
# What holds where neither the command line, nor a variable, nor a file says anything.
_DEFAULTS = {
    "profile": PROFILES[-1],
    "fail_on": WARNING,
    "format": FORMATS[0],
    "output": None,
    "baseline": None,
    "windows_prefix": None,
}
_CHOICES = {"profile": PROFILES, "fail_on": FAIL_ON, "format": FORMATS}


def finding_options() -> tuple[Option, ...]:
    """The options of every verb that ends with a report. What nothing is said of is None, until `settle`."""
    return (
        Option(
            "--fail-on",
            choices=FAIL_ON,
            default=preset("FAIL_ON"),
            help="the least severity that makes the exit status 1, or never; warning unless you say otherwise",
        ),
        Option(
            "--format", choices=FORMATS, default=preset("FORMAT"), help="the form of the report; text is the default"
        ),
        Option(
            "-o",
            "--output",
            metavar="FILE",
            default=preset("OUTPUT"),
            help="write the report to FILE, which is replaced as a whole; %%p in its name becomes the process id",
        ),
        Option(
            "--baseline",
            metavar="FILE",
            default=preset("BASELINE"),
            help="what FILE names is known, and does not count",
        ),
        Option("--write-baseline", metavar="FILE", help="name all that is found in FILE; it does not count any more"),
        Option(
            "--config",
            metavar="FILE",
            default=preset("CONFIG"),
            help="read the settings of FILE, not of the nearest picobox.toml or pyproject.toml",
        ),
        Option("--no-config", action="store_true", help="read no settings of any file"),
    )


def settle(options: SimpleNamespace, directory: str, prog: str, *, runs: bool = False) -> Config:
    """Reads the settings of a project, and fills in what neither the command line nor a variable says.

    The form of the report and its file are settings for a verb that `runs` a program: others would write over what it
    has written. Raises PicoboxError for a file that cannot be used, leaves the process for a variable that cannot be.
    """
    absolute(".")
    for name, known in _CHOICES.items():
        value = getattr(options, name, None)
        if value is not None and value not in known:
            complain_of_usage(prog, f"PICOBOX_{name.upper()}={value}: choose from {', '.join(known)}")
    if options.no_config and options.config:
        complain_of_usage(prog, f"--no-config and --config {options.config}: leave one of them out")
    config = Config() if options.no_config else load(directory, options.config)
    for name, default in _DEFAULTS.items():
        if getattr(options, name, "") is None:
            said = getattr(config, name) if runs or name not in ("format", "output") else None
            setattr(options, name, default if said is None else said)
    if hasattr(options, "enforce"):
        options.enforce = options.enforce or bool(config.enforce)
    if hasattr(options, "drive"):
        options.drive += _drives(config, {given[:1].upper() for given in options.drive})
        options.share = [*config.share, *options.share]
    if not options.quiet:
        _tell("warning", config.warnings)
    _check_files(options)
    return config


def _drives(config: Config, named: set[str]) -> list[str]:
    """What --drive would say for the drives of the settings that it does not name itself.

    The directory for temporary files stays a drive: those of a project are not meant to take it away.
    """
    from picobox.cli.drives import TEMPORARY_LETTER

    drives = {drive.letter: drive.path for drive in config.drives if drive.letter not in named}
    temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - the guests'; nothing is made there
    if drives and not named and os.path.isdir(temporary):
        drives.setdefault(TEMPORARY_LETTER, temporary)
    return [f"{letter}={path}" for letter, path in drives.items()]


def _check_files(options: SimpleNamespace) -> None:
    """Refuse before the work what could not be used after it. The first baseline is written where none is yet."""
    written = options.write_baseline
    if options.baseline is not None and written is not None and not os.path.exists(written):
        options.baseline = None if os.path.abspath(written) == os.path.abspath(options.baseline) else options.baseline
    if options.baseline is not None:
        known_in(options.baseline)
    for option, file in (("-o", options.output), ("--write-baseline", options.write_baseline)):
        if file is None:
            continue
        directory = os.path.dirname(os.path.abspath(_named(file)))
        if not os.path.isdir(directory):
            raise PicoboxError(f"{option} {file}: there is no directory {directory}. Make it first.")
        if os.path.isdir(_named(file)):
            raise PicoboxError(f"{option} {file}: Is a directory. Name a file.")


def conclude(report: Report, options: SimpleNamespace, config: Config, stream: TextIO | None = None) -> int:
    """Tells the findings of a run on -o or `stream` (standard error), and gives the exit status.

    That is the program's if it is not 0, else 1 if a finding that counts is as grave as --fail-on.
    """
    found = verdict(told(report, options, config, stream or sys.stderr), options.fail_on)
    return report.status or found


def told(report: Report, options: SimpleNamespace, config: Config, stream: TextIO) -> Report:
    """Marks what does not count, joins, and writes the report to -o or a stream; gives it as it was told."""
    outcome = counted(report, options, config)
    if not options.quiet:
        _tell("warning", outcome.warnings)
        _tell("note", outcome.notes if options.verbose else ())
    _write(outcome.report, options, stream)
    return outcome.report


def counted(report: Report, options: SimpleNamespace, config: Config) -> Told:
    """The report with levels, marks and counts as settings and options say; writes the baseline if one is wanted."""
    outcome = suppress(with_levels(report, config.rules), config.ignores)
    report, notes = outcome.report, outcome.notes
    if options.baseline is not None:
        found = with_baseline(report, known_in(options.baseline), options.baseline)
        report, notes = found.report, (*notes, *found.notes)
    if options.write_baseline is not None:
        known = known_of(report)
        replace(options.write_baseline, text_of(known))
        report = with_baseline(report, known, options.write_baseline).report
    return Told(report._replace(findings=join(report.findings, roots_of(report))), outcome.warnings, notes)


def verdict(report: Report, fail_on: str) -> int:
    """The exit status for findings: 1 if one that counts is at least as grave as `fail_on`."""
    return FOUND if any(reaches(finding, fail_on) for finding in report.findings) else 0


def _named(file: str) -> str:
    """The file that -o names for this process."""
    return file.replace("%p", str(os.getpid()))


def _write(report: Report, options: SimpleNamespace, stream: TextIO) -> None:
    if options.output is None:
        from picobox.cli.writing import write

        color = wants_color(options.color, stream)
        text = render(report, options.format, color=color, width=_width(stream), fail_on=options.fail_on)
        write(stream, text)
    else:
        file = _named(options.output)
        try:
            replace(file, render(report, options.format, fail_on=options.fail_on))
        except PicoboxError:
            # What a run has found is not lost with the file that it was meant for.
            sys.stderr.write(render(report, "text", fail_on=options.fail_on))
            raise
        if not options.quiet:
            sys.stderr.write(f"picobox: {tally(report.findings)}; {visible(file)}\n")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if options.format == "github" and summary:
        _add_summary(report, summary)


def _add_summary(report: Report, path: str) -> None:
    """Adds a report to the summary of a step of GitHub Actions, which is there and may hold other text."""
    from picobox.findings.files import append
    from picobox.findings.github import MOST_SUMMARY, step_summary

    append(path, lambda size: step_summary(report, MOST_SUMMARY - size))


def _width(stream: TextIO) -> int | None:
    """The columns of a terminal; None where nobody needs lines to end."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None


def _tell(kind: str, lines: tuple[str, ...]) -> None:
    for line in lines:
        sys.stderr.write(f"picobox: {kind}: {visible(line)}\n")
