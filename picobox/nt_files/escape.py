"""Owns how NT's names are spelt as names of files: whatever these cannot hold, or a terminal would obey, is %XX."""

from __future__ import annotations

import re

# A name of NT's holds any unit but a backslash. "%" itself is escaped, so that a spelling has one meaning.
_UNSPELT = re.compile(rb"[\x00-\x1f/%\x7f]")
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")
_DOTS = {b".": b"%2E", b"..": b"%2E%2E"}


def spelt(name: bytes) -> bytes:
    """The name of a file for a name of NT's in UTF-8, or WTF-8."""
    return _DOTS.get(name) or _UNSPELT.sub(lambda found: b"%%%02X" % found[0][0], name)


def meant(spelling: bytes) -> bytes | None:
    """The name of NT's that is spelt so; None: none is."""
    name = _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), spelling)
    return name if name and spelt(name) == spelling else None
