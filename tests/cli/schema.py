"""Checks values against docs/event.schema.json: the part of JSON Schema that it uses, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

from .command import REPOSITORY

SCHEMA: dict[str, Any] = json.loads((REPOSITORY / "docs" / "event.schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
KNOWN = {
    "$ref", "additionalProperties", "const", "contentEncoding", "description", "enum", "items", "maxItems", "maximum",
    "minItems", "minimum", "oneOf", "pattern", "properties", "required", "type",
}  # fmt: skip


def faults(value: object, schema: dict[str, Any] | None = None, where: str = "event") -> list[str]:
    """What is wrong with a value, one line for each fault."""
    if schema is None:
        schema = {"oneOf": SCHEMA["oneOf"]}
    assert set(schema) <= KNOWN, f"schema.py does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], where)
    found = _alternatives(value, schema, where) + _scalars(value, schema, where)
    if isinstance(value, dict):
        found += _members(value, schema, where)
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{where}: {len(value)} items")
        for index, item in enumerate(value):
            found += faults(item, schema.get("items", {}), f"{where}[{index}]")
    return found


def _alternatives(value: object, schema: dict[str, Any], where: str) -> list[str]:
    if "oneOf" not in schema:
        return []
    results = [faults(value, each, where) for each in schema["oneOf"]]
    fits = sum(not result for result in results)
    return [] if fits == 1 else [f"{where}: {fits} alternatives fit", *min(results, key=len)]


def _scalars(value: object, schema: dict[str, Any], where: str) -> list[str]:
    found = []
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    if names and not any(_is(value, name) for name in names):
        found.append(f"{where}: {value!r} is none of {names}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: {value!r} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        found.append(f"{where}: {value!r} does not match")
    if isinstance(value, int | float):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            found.append(f"{where}: {value} is not within {low}..{high}")
    return found


def _is(value: object, name: str) -> bool:
    if name in {"integer", "number"}:
        return isinstance(value, int if name == "integer" else int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def _members(value: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    properties = schema.get("properties", {})
    found = [f"{where}.{name}: missing" for name in schema.get("required", []) if name not in value]
    if schema.get("additionalProperties") is False:
        found += [f"{where}.{name}: not in the schema" for name in value if name not in properties]
    for name, each in properties.items():
        if name in value:
            found += faults(value[name], each, f"{where}.{name}")
    return found
