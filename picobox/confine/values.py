"""Reads the values of a policy that are written for people: sizes, times, counts and devices, and writes them again."""

from __future__ import annotations

# What a limit is that there is not.
NO_LIMIT = "none"
_SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_TIMES = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = r"(\d+)\s*([kmgt]?)(?:i?b)?"
_TIME = r"(\d+(?:\.\d+)?)\s*([smhd]?)"
_MOST = 1 << 62

SIZE, TIME, COUNT = "size", "time", "count"
# What kind of value each limit has, by the name of its field.
KINDS = {
    "memory": SIZE, "processes": COUNT, "open_files": COUNT, "file_size": SIZE, "cpu_time": TIME, "wall_time": TIME,
}  # fmt: skip
EXPECTED = {
    SIZE: 'a size, such as "512M" or "2G", or "none"',
    TIME: 'a time, such as "90s", "10m" or "1h", or "none"',
    COUNT: 'a number above 0, or "none"',
}


def limit(field: str, value: object) -> float | None:
    """The value of a limit in bytes, seconds or pieces; None for no limit. ValueError tells what is expected."""
    kind = KINDS[field]
    if value == NO_LIMIT:
        return None
    found = _number(kind, str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0
    if not 0 < found <= _MOST:
        raise ValueError(EXPECTED[kind])
    return found


def _number(kind: str, text: str) -> float:
    """The number that a text stands for; 0 if it stands for none."""
    if kind == COUNT:
        return int(text) if text.isdecimal() and text.isascii() else 0
    import re

    found = re.fullmatch(_SIZE if kind == SIZE else _TIME, text.strip(), re.IGNORECASE)
    if found is None or not text.isascii():
        return 0
    return int(found[1]) * _SIZES[found[2].lower()] if kind == SIZE else float(found[1]) * _TIMES[found[2].lower()]


def written(field: str, value: float | None) -> str:
    """A limit as a person would write it, exactly."""
    if value is None:
        return NO_LIMIT
    kind = KINDS[field]
    if kind == COUNT:
        return str(int(value))
    units: list[tuple[str, float]] = [*(_SIZES if kind == SIZE else _TIMES).items()]
    for unit, size in reversed(units):
        if value % size == 0 and (value >= size):
            return f"{int(value // size)}{unit.upper() if kind == SIZE else unit}"
    return f"{value}s"
