"""Owns the trace as JSON Lines: one event a line, in the form that docs/event.schema.json describes."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from errno import errorcode
from typing import TYPE_CHECKING

from ntshim.status import name_of
from picobox.abi.view import signal_name
from picobox.findings.visible import visible
from picobox.trace.event import CALL, EXEC, EXIT, LIMIT, SIGNAL, Event, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.confine.refusals import Refusal

SCHEMA = "picobox.event/1"

_encode = json.JSONEncoder(separators=(",", ":")).encode


class JsonRenderer:
    """Renders events as JSON objects, each on a line of ASCII."""

    wants_values = True

    def render(self, event: Event) -> str:
        """The event's line."""
        return _encode(as_object(event)) + "\n"


def as_object(event: Event) -> dict[str, object]:
    """The event as docs/event.schema.json describes it."""
    common = {
        "schema": SCHEMA,
        "kind": event.kind,
        "time": round(event.time, 6),
        "tid": event.tid,
        "channel": event.channel,
    }
    return common | _MEMBERS[event.kind](event)


def json_value(value: int | bytes) -> object:
    """A number as it is, bytes as a string if they are UTF-8, else as {"b64": ...} with every byte kept."""
    if isinstance(value, int):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(value).decode()}


def _fields(fields: tuple[Field, ...]) -> list[dict[str, object]]:
    return [{"name": field.name, "value": json_value(field.value), "text": field.text} for field in fields]


def _call(event: Event) -> dict[str, object]:
    return _refused(event) | {
        "call": event.name,
        "nr": event.nr,
        "args": _fields(event.fields),
        "result": event.result,
        "errno": errorcode.get(event.errno, str(event.errno)) if event.errno else None,
        "duration": None if event.duration is None else round(event.duration, 6),
        "disposition": event.disposition,
        "nt": _nt(event),
    }


def _refused(event: Event) -> dict[str, object]:
    return {} if event.refused_by is None else {"refused_by": _refusal(event.refused_by)}


def _refusal(refusal: Refusal) -> dict[str, object]:
    # A name that is no UTF-8 is shown as elsewhere for people: the call's own fields have its bytes.
    return {"rule": visible(refusal.rule), "what": refusal.what, "target": visible(refusal.target)}


def _nt(event: Event) -> dict[str, object] | None:
    if event.nt is None:
        return None
    status = None if event.status is None else _status(event.status)
    return {"service": event.nt, "performed": event.performed, "status": status, "name": event.object_name}


def _status(status: int) -> dict[str, object]:
    return {"value": status, "name": name_of(status)}


def _signal(event: Event) -> dict[str, object]:
    return _refused(event) | {"signal": event.name, "info": _fields(event.fields)}


def _exit(event: Event) -> dict[str, object]:
    status = event.result or 0
    if os.WIFEXITED(status):
        return {"status": os.WEXITSTATUS(status), "signal": None, "core": False}
    return {"status": None, "signal": signal_name(os.WTERMSIG(status)), "core": os.WCOREDUMP(status)}


def _exec(event: Event) -> dict[str, object]:
    return {"former_tid": event.result}


def _limit(event: Event) -> dict[str, object]:
    return _refused(event) | {"times": event.result}


def name_form(name: str) -> str:
    """An NT name as JSON."""
    return _encode(name)


def status_form(status: int) -> str:
    """A status as JSON."""
    return _encode(_status(status))


def refusal_form(refusal: Refusal) -> str:
    """The member about a refusal, with the comma behind it."""
    return f'"refused_by":{_encode(_refusal(refusal))},'


_MEMBERS: dict[str, Callable[[Event], dict[str, object]]] = {
    CALL: _call, SIGNAL: _signal, EXIT: _exit, EXEC: _exec, LIMIT: _limit,
}  # fmt: skip
