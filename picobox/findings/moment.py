"""Times and lengths of time as a reader wants them."""

from __future__ import annotations

from datetime import UTC, datetime


def day_and_time(time: float) -> str:
    """Seconds since the Epoch as a day and a time of UTC; the number itself where no calendar has it."""
    try:
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S.%f} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{time} s"


def duration(seconds: float) -> str:
    """A length of time in the unit that reads best."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    if not seconds < 360_000:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
