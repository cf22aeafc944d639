"""The timeline of a conflict: a picture of when each side opened the file, up to the call that was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.findings.markup import Markup, element, joined
from picobox.findings.moment import duration
from picobox.findings.visible import visible
from picobox.findings.wording import is_stored

if TYPE_CHECKING:
    from picobox.findings.finding import Finding, Side

MOST_LANES = 40
"""Sides that are drawn; the others are told by their number."""

_LANE = 26
_TOP = 22
_LABELS = 250
_AXIS = 420
# Room for the times that stand to the right of the judged call.
_MARGIN = 90
_MOST_LABEL = 34


def timeline(finding: Finding) -> Markup | None:
    """An SVG with a lane for each side, from its open to the judged call; None where nobody else is concerned."""
    opens = sorted((side for side in finding.others if not is_stored(side)), key=lambda side: side.time)
    if not opens:
        return None
    shown = opens[:MOST_LANES]
    end = finding.side.time
    start = min(end, shown[0].time)
    height = _TOP + _LANE * (len(shown) + 1)
    more = f", the first {MOST_LANES} of them shown" if len(opens) > MOST_LANES else ""
    summary = f"{len(opens)} before {finding.side.call} by {finding.side.process.name}{more}"
    return element(
        "svg",
        element("title", summary),
        _axis(start, end, height),
        *(_lane(row, side, start, end) for row, side in enumerate(shown)),
        _judged(len(shown), finding.side),
        viewBox=f"0 0 {_LABELS + _AXIS + _MARGIN} {height}",
        role="img",
        class_="timeline",
    )


def _place(time: float, start: float, end: float) -> float:
    """Where a time is on the axis; where all is one moment, at its end."""
    share = (min(time, end) - start) / (end - start) if end > start else 1.0
    return round(_LABELS + _AXIS * share, 1)


def _label(row: int, side: Side) -> Markup:
    """Who a lane belongs to, cut to its room; the whole of it shows when it is pointed at."""
    handle = "" if side.handle is None else f" handle {side.handle:#x}"
    whole = visible(f"{side.process.name} ({side.process.pid}){handle}")
    cut = whole if len(whole) <= _MOST_LABEL else f"{whole[: _MOST_LABEL - 1]}…"
    return element("text", element("title", whole), cut, x=0, y=_TOP + _LANE * row + 17)


def _lane(row: int, side: Side, start: float, end: float) -> Markup:
    """A side that holds the file open: a bar from its open to the judged call, and how long before it that was."""
    left = _place(side.time, start, end)
    top = _TOP + _LANE * row
    before = duration(max(0.0, end - side.time))
    bar = element(
        "rect",
        element("title", f"{side.call}, open for {before}"),
        x=left,
        y=top + 5,
        width=max(2.0, round(_LABELS + _AXIS - left, 1)),
        height=_LANE - 10,
        class_="open",
    )
    told = element("text", f"-{before}", x=_LABELS + _AXIS + 8, y=top + 17, class_="time")
    return element("g", _label(row, side), bar, told)


def _axis(start: float, end: float, height: int) -> Markup:
    """The line of the judged call through all lanes, and how much time the picture shows."""
    moment = _LABELS + _AXIS
    line = element("line", x1=moment, x2=moment, y1=_TOP - 6, y2=height - 6, class_="judged")
    begin = element("text", f"-{duration(end - start)}", x=_LABELS, y=12, class_="time")
    close = element("text", "0", x=moment, y=12, class_="time", text_anchor="middle")
    return joined([begin, close, line])


def _judged(row: int, side: Side) -> Markup:
    """The lane of the call that was judged: a mark at its moment."""
    moment, middle = _LABELS + _AXIS, _TOP + _LANE * row + _LANE // 2
    mark = element("circle", element("title", side.call), cx=moment, cy=middle, r=5, class_="judged")
    call = element("text", side.call, x=moment + 8, y=middle + 4, class_="time")
    return element("g", _label(row, side), mark, call)
