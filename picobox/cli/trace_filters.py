"""Owns the options of the verb trace that choose calls, and what they mean."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from picobox.cli.options import Option
from picobox.cli.selection import EVERYTHING, Selection, UnknownCallError, names_with_service, parse_selection
from picobox.platform import host
from picobox.trace.filters import ANY, FAILED, SUCCESSFUL, Filters, PathFilter, can_name_paths

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.cli.options import Usage


class Chosen(NamedTuple):
    """The calls to record, and what is kept of them."""

    selection: Selection
    filters: Filters

    def for_families(self) -> Chosen:
        """The same with the calls that tell which thread is whose, however they end: whoever shows it chooses again."""
        from picobox.trace.chrome import FAMILY

        selection = Selection(self.selection.names | FAMILY, self.selection.others)
        return Chosen(selection, Filters(self.filters.paths))


def filter_options() -> tuple[Option, ...]:
    """The options; `chosen` reads their values."""
    calls = (
        "record only these: names, %%classes, /regexes, a leading ! for all but these, a ? before what may not exist"
    )
    path = "record only calls that name PATH or a descriptor of it; may be repeated"
    service = "record only calls that correspond to this NT service; * stands for any characters; may be repeated"
    status = "record only calls with this NTSTATUS, a name, with * as above, or a number; may be repeated"
    return (
        Option("-e", "--events", metavar="CALLS", help=calls),
        Option("-P", "--trace-path", metavar="PATH", action="append", default=[], help=path),
        Option("-z", "--successful-only", action="store_true", help="record only calls that return without an error"),
        Option("-Z", "--failed-only", action="store_true", help="record only calls that return with an error"),
        Option("--nt", metavar="NAME", action="append", default=[], help=service),
        Option("--status", metavar="NAME", action="append", default=[], help=status),
    )


def chosen(options: SimpleNamespace, usage: Usage) -> Chosen:
    """What the options say, which from then on tell whether they select; leaves the process after bad usage."""
    try:
        selection = EVERYTHING if options.events is None else parse_selection(options.events)
    except UnknownCallError as error:
        usage.error(f"-e {options.events}: {error}")
    if options.nt:
        names = frozenset[str]().union(*(_names(pattern, usage) for pattern in options.nt))
        selection = selection.of_rows(lambda row: row.name in names)
    filters = Filters(_paths(options), _results(options, usage), _statuses(options, usage))
    if filters.paths is not None:
        selection = selection.of_rows(can_name_paths)
    options.is_selected = selection is not EVERYTHING
    return Chosen(selection, filters)


def _names(pattern: str, usage: Usage) -> frozenset[str]:
    try:
        return names_with_service(pattern)
    except UnknownCallError as error:
        usage.error(f"--nt {pattern}: {error}")


def _results(options: SimpleNamespace, usage: Usage) -> int:
    if options.successful_only and options.failed_only:
        usage.error("-z and -Z together leave nothing: give one of them")
    return SUCCESSFUL if options.successful_only else FAILED if options.failed_only else ANY


def _statuses(options: SimpleNamespace, usage: Usage) -> frozenset[int] | None:
    if not options.status:
        return None
    from picobox.cli.statuses import UnknownStatusError, statuses_of

    try:
        return frozenset[int]().union(*map(statuses_of, options.status))
    except UnknownStatusError as error:
        usage.error(f"--status: {error}")


def _paths(options: SimpleNamespace) -> PathFilter | None:
    if not options.trace_path:
        return None
    return PathFilter([way for path in options.trace_path for way in host.ways_to(os.fsencode(path))])
