"""Reports as JSON, in the form that docs/findings.schema.json describes: written, and read again without loss."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, TypeVar

from picobox.errors import PicoboxError
from picobox.findings.answer import answer
from picobox.findings.finding import SEVERITIES, Finding, Frame, Occurrence, Process, Report, Side
from picobox.findings.rules import RULES
from picobox.findings.tally import tally

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = "picobox.findings/1"

# Seconds; the end of the year 9999, the last that others write with four digits.
_LATEST = 253_402_300_799

T = TypeVar("T")
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dumps(report: Report) -> str:
    """The report as JSON in ASCII, each finding on a line of its own."""
    head = {
        "schema": SCHEMA,
        "profile": report.profile,
        "enforced": report.enforced,
        "command": [_text_json(word) for word in report.command],
        "directory": _text_json(report.directory),
        "prefix": _text_json(report.prefix),
        "temporary": [_text_json(path) for path in report.temporary],
        "started": report.started,
        "ended": report.ended,
        "status": report.status,
        "rules": {id: _rule_json(id) for id in sorted({finding.rule for finding in report.findings})},  # noqa: A001
        "counts": tally(report.findings)._asdict(),
    }
    members = [f"{_encode(name)}: {_encode(value)}" for name, value in head.items()]
    findings = ",\n".join(_encode(_finding_json(finding)) for finding in report.findings)
    text = "{\n" + ",\n".join([*members, f'"findings": [\n{findings}\n]' if findings else '"findings": []']) + "\n}\n"
    # The one control character that JSON's own escapes leave out.
    return text.replace("\x7f", "\\u007f")


def _rule_json(id: str) -> dict[str, object]:  # noqa: A002 - the field's own name
    rule = RULES[id]
    return {"name": rule.name, "title": rule.title, "severity": rule.severity, "why": rule.why, "fix": rule.fix}


def _text_json(text: str) -> object:
    """A string as it is; one that is no UTF-8 as bytes in base64: few readers of JSON take half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            data = text.encode(errors="surrogateescape")
        except UnicodeEncodeError:
            data = text.encode(errors="surrogatepass")
        return {"b64": b64encode(data).decode()}
    return text


def _frame_json(frame: Frame) -> dict[str, object]:
    return {
        "file": _text_json(frame.file),
        "function": _text_json(frame.function),
        "line": frame.line,
        "offset": frame.offset,
    }


def _side_json(side: Side) -> dict[str, object]:
    pid, name, arguments = side.process
    return {
        "process": {
            "pid": pid,
            "name": _text_json(name),
            "arguments": [_text_json(argument) for argument in arguments],
        },
        "call": _text_json(side.call),
        "path": _text_json(side.path),
        "time": side.time,
        "handle": side.handle,
        "fd": side.fd,
        "access": side.access,
        "share": side.share,
        "stack": [_frame_json(frame) for frame in side.stack],
    }


def _occurrence_json(occurrence: Occurrence) -> dict[str, object]:
    return {
        "time": occurrence.time,
        "path": _text_json(occurrence.path),
        "site": None if occurrence.site is None else _frame_json(occurrence.site),
        "test": _text_json(occurrence.test),
    }


def _finding_json(finding: Finding) -> dict[str, object]:
    windows = answer(finding.status)
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "status": {"name": windows.name, "code": windows.status},
        "win32": {"code": windows.error, "text": windows.text},
        "path": _text_json(finding.path),
        "message": _text_json(finding.message),
        "side": _side_json(finding.side),
        "others": [_side_json(side) for side in finding.others],
        "site": None if finding.site is None else _frame_json(finding.site),
        "count": finding.count,
        "test": _text_json(finding.test),
        "suppressed": _text_json(finding.suppressed),
        "reason": _text_json(finding.reason),
        **({"also": [_occurrence_json(occurrence) for occurrence in finding.also]} if finding.also else {}),
    }


def loads(text: str, source: str = "the report") -> Report:
    """The report that JSON holds; PicoboxError, naming `source` and the place in it, if it is none of this form."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PicoboxError(f"{source} is no JSON: {error}") from None
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        raise PicoboxError(
            f"{source} is no {SCHEMA} but {json.dumps(schema)[:80]}: write it anew by `picobox check --format json`"
        )
    try:
        return _report(value, "")
    except _FormError as error:
        raise PicoboxError(f"{source} is no report: {error}") from None


class _FormError(Exception):
    """A value is not what the schema wants; the text says where and what."""


def _wrong(where: str, wanted: str, value: object) -> _FormError:
    return _FormError(f"{where.lstrip('.') or 'it'} must be {wanted}, not {json.dumps(value)[:80]}")


def _members(value: Any, where: str, members: dict[str, Callable[[Any, str], Any]]) -> dict[str, Any]:
    """The members of an object, each read by its reader: all of them, and no others."""
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    for name in members.keys() - value.keys():
        raise _FormError(f"{where.lstrip('.') or 'it'} has no member {name}")
    for name in value.keys() - members.keys():
        raise _FormError(f"{where.lstrip('.') or 'it'} has a member {json.dumps(name)}, which nobody knows")
    return {name: read(value[name], f"{where}.{name}") for name, read in members.items()}


def _each(read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def read_all(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))

    return read_all


def _optional(read: Callable[[Any, str], T]) -> Callable[[Any, str], T | None]:
    return lambda value, where: None if value is None else read(value, where)


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value.keys() == {"b64"}:
        try:
            return b64decode(value["b64"], validate=True).decode(errors="surrogateescape")
        except (TypeError, ValueError):
            pass
    raise _wrong(where, 'a string or {"b64": ...}', value)


def _one_of(*words: str) -> Callable[[Any, str], str]:
    def read(value: Any, where: str) -> str:
        if value not in words:
            raise _wrong(where, f"one of {', '.join(json.dumps(word) for word in words)}", value)
        return str(value)

    return read


def _integer(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(where, "a whole number", value)
    return value


def _at_least(least: int) -> Callable[[Any, str], int]:
    def read(value: Any, where: str) -> int:
        if _integer(value, where) < least:
            raise _wrong(where, f"at least {least}", value)
        return int(value)

    return read


def _boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, "true or false", value)
    return value


def _time(value: Any, where: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST:
        return float(value)
    raise _wrong(where, "a time in seconds", value)


def _derived(_value: Any, _where: str) -> None:
    """What is written for other readers and follows from the rest."""


def _frame(value: Any, where: str) -> Frame:
    natural = _optional(_at_least(0))
    return Frame(**_members(value, where, {"file": _text, "function": _text, "line": natural, "offset": natural}))


def _process(value: Any, where: str) -> Process:
    return Process(**_members(value, where, {"pid": _integer, "name": _text, "arguments": _each(_text)}))


_SIDE: dict[str, Callable[[Any, str], Any]] = {
    "process": _process,
    "call": _text,
    "path": _text,
    "time": _time,
    "handle": _optional(_at_least(0)),
    "fd": _optional(_integer),
    "access": _text,
    "share": _text,
    "stack": _each(_frame),
}


def _side(value: Any, where: str) -> Side:
    return Side(**_members(value, where, _SIDE))


def _status(value: Any, where: str) -> int:
    return int(_members(value, where, {"name": _derived, "code": _at_least(0)})["code"])


_OCCURRENCE: dict[str, Callable[[Any, str], Any]] = {
    "time": _time,
    "path": _text,
    "site": _optional(_frame),
    "test": _text,
}


def _occurrence(value: Any, where: str) -> Occurrence:
    return Occurrence(**_members(value, where, _OCCURRENCE))


_FINDING: dict[str, Callable[[Any, str], Any]] = {
    "rule": _one_of(*RULES),
    "severity": _one_of(*SEVERITIES),
    "status": _status,
    "win32": _derived,
    "path": _text,
    "message": _text,
    "side": _side,
    "others": _each(_side),
    "site": _optional(_frame),
    "count": _at_least(1),
    "test": _text,
    "suppressed": _text,
    "reason": _text,
    "also": _each(_occurrence),
}


def _finding(value: Any, where: str) -> Finding:
    members = _members({"also": [], **value} if isinstance(value, dict) else value, where, _FINDING)
    del members["win32"]
    return Finding(**members)


_REPORT: dict[str, Callable[[Any, str], Any]] = {
    "schema": _derived,
    "profile": _text,
    "enforced": _boolean,
    "command": _each(_text),
    "directory": _text,
    "prefix": _text,
    "temporary": _each(_text),
    "started": _time,
    "ended": _time,
    "status": _integer,
    "rules": _derived,
    "counts": _derived,
    "findings": _each(_finding),
}


def _report(value: Any, where: str) -> Report:
    members = _members(value, where, _REPORT)
    return Report(**{name: member for name, member in members.items() if _REPORT[name] is not _derived})
