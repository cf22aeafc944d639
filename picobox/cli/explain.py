"""The verb explain: one system call as picobox knows it, with its NT service, its errors and where it is decided."""

from __future__ import annotations

import json
import sys
from errno import errorcode
from typing import TYPE_CHECKING

from ntshim.status import name_of, status_of_errno
from picobox.abi.row import FULL, NONE
from picobox.abi.table import BY_NAME, BY_NR
from picobox.cli.options import Option, Usage, color_option
from picobox.cli.report import Table, print_tables
from picobox.cli.sources import (
    Cause,
    Place,
    causes_of_handler,
    causes_of_kinds,
    causes_of_service,
    handler_of,
    place_of_row,
    service_of,
)
from picobox.cli.syscalls import disposition_name
from picobox.cli.writing import write

if TYPE_CHECKING:
    from picobox.abi.row import Disposition, Row

SCHEMA = "picobox.explain/1"
_UNKNOWN = 1

_DESCRIPTION = """Tell of one system call what picobox knows: its arguments, how it is answered, the NT service behind
it, the errors that are known with the NTSTATUS of each, and where in the source all that stands."""

_EXAMPLES = """examples:
  picobox explain openat             by its name
  picobox explain 257                by its number on x86-64
  picobox explain --json close       for programs

Errors are those that arguments of a kind lead to, and those that the source of handler and service names; section 2
of the manual has what the kernel answers besides, and `picobox trace` shows the NTSTATUS of each.
Exit status: 0; 1 if there is no such call; 125 for bad usage."""


def main(arguments: list[str]) -> int:
    """Runs the verb; gives the exit status."""
    usage = Usage("explain", _DESCRIPTION, _EXAMPLES)
    call = Option("call", metavar="CALL", help="a call's name, or its number")
    as_json = Option("--json", action="store_true", help="write one JSON object")
    options = usage.read((as_json, call, color_option()), arguments)
    row = find(options.call)
    if row is None:
        sys.stderr.write(f"picobox explain: {unknown(options.call)}\n")
        return _UNKNOWN
    if options.json:
        write(sys.stdout, json.dumps({"schema": SCHEMA, **explained(row)}, indent=1) + "\n")
    else:
        print_tables(sys.stdout, options.color, _parts(row))
    return 0


def find(call: str) -> Row | None:
    """The row of a name or a number, decimal or hexadecimal; None if there is none."""
    if call in BY_NAME:
        return BY_NAME[call]
    try:
        return BY_NR.get(int(call, 0))
    except ValueError:
        return None


def unknown(call: str) -> str:
    """What to tell someone who asks for a call that is not there."""
    from difflib import get_close_matches

    near = get_close_matches(call, BY_NAME, n=3, cutoff=0.5)
    hint = f"near to it are {', '.join(near)}" if near else "`picobox syscalls` lists all"
    return f"no system call {call}; {hint}"


def explained(row: Row) -> dict[str, object]:
    """All that is told of a row, as --json has it."""
    handler = handler_of(row)
    return {
        "nr": row.nr,
        "call": row.name,
        "args": [{"name": each.name, **_kind(type(each))} for each in row.args],
        "returns": _kind(row.returns),
        "answered": disposition_name(row),
        "under": [{"feature": feature, "answered": _name(when)} for feature, when in sorted(row.when.items())],
        "looks_up_names": bool(row.paths()),
        "support": row.support,
        "note": row.note,
        "classes": sorted(row.tags),
        "nt": None if row.nt is None else _service(row.nt),
        "served": row.served,
        "errors": [_error(cause) for cause in _causes(row)],
        "manual": f"{row.name}(2)",
        "source": {"row": str(place_of_row(row)), "handler": None if handler is None else str(Place.of(handler))},
    }


def _kind(kind: type) -> dict[str, str]:
    return {"type": kind.__name__, "means": _sentence(kind)}


def _sentence(described: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((described.__doc__ or "").strip().partition("\n\n")[0].split())


def _service(name: str) -> dict[str, object]:
    """An NT service; where ntshim has none, it is the counterpart in the trace and nothing runs."""
    service = service_of(name)
    if service is None:
        return {"service": name, "does": None, "source": None}
    return {"service": name, "does": _sentence(service), "source": str(Place.of(service))}


def _name(disposition: Disposition) -> str:
    return f"errno {errorcode[disposition.errno]}" if disposition.errno else repr(disposition).lower()


def _causes(row: Row) -> list[Cause]:
    """The errors that are known: what the row refuses with, what kinds of arguments lead to, what the source gives."""
    refusals = [("row", row.do), *((f"row, {feature}", when) for feature, when in row.when.items())]
    own = [Cause(each.errno, status_of_errno(each.errno), origin) for origin, each in refusals if each.errno]
    if row.support == NONE:
        return own
    services = [] if row.nt is None else causes_of_service(row.nt)
    return [*own, *causes_of_kinds(row), *causes_of_handler(row), *services]


def _number(cause: Cause) -> str:
    return errorcode.get(cause.errno, str(cause.errno))


def _error(cause: Cause) -> dict[str, object]:
    return {
        "errno": _number(cause),
        "status": {"value": cause.status, "name": name_of(cause.status)},
        "given_by": cause.origin,
    }


def _parts(row: Row) -> list[Table | str]:
    parts: list[Table | str] = [
        f"{row.nr} {row.name}({', '.join(argument.name for argument in row.args)})",
        Table(("fact", "value"), _facts(row), {FULL: "green"}),
    ]
    described = [(argument.name, type(argument)) for argument in row.args] + [("=", row.returns)]
    cells = [(name, kind.__name__, _sentence(kind)) for name, kind in described]
    parts.append(Table(("argument", "type", "means"), cells))
    errors = [(_number(each), f"{name_of(each.status)} ({each.status:#010x})", each.origin) for each in _causes(row)]
    return [*parts, Table(("error", "NTSTATUS", "given by"), errors)] if errors else parts


def _facts(row: Row) -> list[tuple[str, str]]:
    handler = handler_of(row)
    names = "call where names are looked up, unless a feature above says otherwise"
    return [
        ("answered", disposition_name(row)),
        *((f"  {feature}", _name(when)) for feature, when in sorted(row.when.items())),
        *([("  a path", names)] if row.paths() else []),
        ("support", row.support),
        *([("note", row.note)] if row.note else []),
        *_origin(row),
        ("classes", ", ".join(f"%{tag}" for tag in sorted(row.tags)) or "none"),
        ("manual", f"{row.name}(2)"),
        ("row", str(place_of_row(row))),
        ("handler", "none of its own" if handler is None else str(Place.of(handler))),
    ]


def _origin(row: Row) -> list[tuple[str, str]]:
    if row.nt is None:
        return [("served by", row.served or "nobody: it is not there")]
    service = service_of(row.nt)
    if service is None:
        return [("NT service", f"{row.nt} (its counterpart; it is not run)")]
    return [("NT service", row.nt), ("  does", _sentence(service)), ("  source", str(Place.of(service)))]
