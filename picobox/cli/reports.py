"""The verb report: reads the reports that checks have written, and tells them as one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from picobox.cli.findings import finding_options, settle, told, verdict
from picobox.cli.options import Option, Usage, output_options
from picobox.errors import PicoboxError
from picobox.findings import record
from picobox.findings.files import read
from picobox.findings.joining import merge, moved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.findings.finding import Report

_DESCRIPTION = """Tell as one what several checks have found, each of which wrote a report by --format json. Findings of
the same place and file are joined. What the settings of the project here, or a baseline, say of findings holds for them
too; their form and file are told by options alone."""

_EXAMPLES = """examples:
  picobox check --format json -o reports/%p.json -- make test    in each of several jobs
  picobox report reports                       all of them, as text
  picobox report --format sarif -o out.sarif reports
  picobox report --write-baseline known.json reports

exit status: 0; 1 if a finding is as grave as --fail-on; 125 picobox itself"""

_ENDING = ".json"


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("report", _DESCRIPTION, _EXAMPLES)
    paths = Option("paths", metavar="FILE|DIR", nargs="+", help="a report, or a directory of them with names in .json")
    options = usage.read((*finding_options(), *output_options(), paths), arguments)
    config = settle(options, ".", usage.prog)
    project = config.directory or os.getcwd()
    report = merge([_at_home(report, project) for path in options.paths for report in _reports(path)])
    return verdict(told(report, options, config, sys.stdout), options.fail_on)


def _reports(path: str) -> Iterator[Report]:
    """The report in a file, or those in a directory and below it, where files of other kinds may lie beside them."""
    if not os.path.isdir(path):
        yield record.loads(read(path), path)
        return
    texts = {file: read(file) for file in _files(path)}
    found = [file for file, text in texts.items() if record.SCHEMA in text]
    for file in found:
        yield record.loads(texts[file], file)
    if not found:
        raise PicoboxError(f"{path}: no report in it. Write some by `picobox check --format json -o FILE`.")


def _files(directory: str) -> Iterator[str]:
    def complain(error: OSError) -> None:
        raise PicoboxError(f"{error.filename}: {error.strerror}. Name a directory that you may read.")

    for place, below, names in os.walk(directory, onerror=complain):
        below.sort()
        for name in sorted(names):
            if name.endswith(_ENDING):
                yield os.path.join(place, name)


def _at_home(report: Report, project: str) -> Report:
    """A report of another machine, whose directory is not here, is one of the project here."""
    return report if os.path.isdir(report.directory) else moved(report, project)
