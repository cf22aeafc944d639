"""What the verbs that find something share: their options, the settings below them, and how a report is concluded."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from picobox.cli.options import Option, complain_of_usage, preset, wants_color
from picobox.errors import PicoboxError
from picobox.findings.baseline import known_in, known_of, text_of, with_baseline
from picobox.findings.config import Config, load
from picobox.findings.config_values import FORMATS, PROFILES
from picobox.findings.files import replace
from picobox.findings.finding import NEVER, SEVERITIES, WARNING
from picobox.findings.fingerprint import roots_of
from picobox.findings.joining import join
from picobox.findings.suppress import Told, suppress, with_levels

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
FAIL_ON = (*SEVERITIES, NEVER)
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


def settle(options: SimpleNamespace, directory: str, prog: str) -> Config:
    """Reads the settings of a project, and fills in what neither the command line nor a variable says.

    Raises PicoboxError for a file that cannot be used; leaves the process where a variable says what cannot be.
    """
    for name, known in _CHOICES.items():
        value = getattr(options, name, None)
        if value is not None and value not in known:
            complain_of_usage(prog, f"PICOBOX_{name.upper()}={value}: choose from {', '.join(known)}")
    if options.no_config and options.config:
        complain_of_usage(prog, f"--no-config and --config {options.config}: leave one of them out")
    config = Config() if options.no_config else load(directory, options.config)
    for name, default in _DEFAULTS.items():
        if getattr(options, name, "") is None:
            said = getattr(config, name)
            setattr(options, name, default if said is None else said)
    if hasattr(options, "enforce"):
        options.enforce = options.enforce or bool(config.enforce)
    if hasattr(options, "drive"):
        named = {given[:1].upper() for given in options.drive}
        options.drive += [f"{drive.letter}={drive.path}" for drive in config.drives if drive.letter not in named]
        options.share = [*config.share, *options.share]
    if not getattr(options, "quiet", False):
        _tell("warning", config.warnings)
    _check_files(options)
    return config


def _check_files(options: SimpleNamespace) -> None:
    """Refuse before the work what could not be used after it."""
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
    """Marks what does not count, joins, writes the report to -o or `stream` (standard error), gives the exit status.

    That is the program's if it is not 0, else 1 if a finding that counts is as grave as --fail-on.
    """
    told = counted(report, options, config)
    report = told.report
    if not getattr(options, "quiet", False):
        _tell("warning", told.warnings)
        _tell("note", told.notes if getattr(options, "verbose", False) else ())
    _write(report, options, stream or sys.stderr)
    return report.status or (FOUND if fails(report, options.fail_on) else 0)


def counted(report: Report, options: SimpleNamespace, config: Config) -> Told:
    """The report with levels, marks and counts as settings and options say; writes the baseline if one is wanted."""
    told = suppress(with_levels(report, config.rules), config.ignores)
    report, notes = told.report, told.notes
    if options.baseline is not None:
        told = told._replace(report=report)
        found = with_baseline(report, known_in(options.baseline), options.baseline)
        report, notes = found.report, (*notes, *found.notes)
    if options.write_baseline is not None:
        known = known_of(report)
        replace(options.write_baseline, text_of(known))
        report = with_baseline(report, known, options.write_baseline).report
    return Told(report._replace(findings=join(report.findings, roots_of(report))), told.warnings, notes)


def fails(report: Report, fail_on: str) -> bool:
    """Whether a finding that counts is at least as grave as `fail_on`."""
    grave = () if fail_on == NEVER else SEVERITIES[SEVERITIES.index(fail_on) :]
    return any(finding.severity in grave and not finding.suppressed for finding in report.findings)


def _named(file: str) -> str:
    """The file that -o names for this process."""
    return file.replace("%p", str(os.getpid()))


def _write(report: Report, options: SimpleNamespace, stream: TextIO) -> None:
    try:
        render = import_module("picobox.findings.render").render
    except ModuleNotFoundError:
        stream.write("".join(f"{each.rule} {each.severity} {each.status:#x} {each}\n" for each in report.findings))
        return
    if options.output is None:
        color = wants_color(options.color, stream)
        stream.write(render(report, options.format, color=color))
        stream.flush()
    else:
        replace(_named(options.output), render(report, options.format, color=False))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if options.format == "github" and summary:
        _add_summary(report, summary)


def _add_summary(report: Report, path: str) -> None:
    """Adds a report to the summary of a step of GitHub Actions, which is there and may hold other text."""
    from picobox.findings.files import append
    from picobox.findings.github import MOST_SUMMARY, step_summary

    append(path, lambda size: step_summary(report, MOST_SUMMARY - size))


def _tell(kind: str, lines: tuple[str, ...]) -> None:
    for line in lines:
        sys.stderr.write(f"picobox: {kind}: {line}\n")
