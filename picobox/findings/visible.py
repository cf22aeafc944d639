"""Names made fit to be shown: what controls a terminal, hides itself or is no text is written as an escape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOWEST_ESCAPED_BYTE = 0xDC80
_HIGHEST_ESCAPED_BYTE = 0xDCFF

# Controls, both sets; soft hyphen, what has no width or changes the direction of writing, line and paragraph
# separators, tags; surrogates, which are the bytes of names that are no UTF-8; what is no character in Unicode.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    r"""The text on one line, without a character that does anything but stand there: "a\nb" gives a backslash and an n.

    A byte that is no UTF-8, which Python keeps as a surrogate, is shown as \xff is.
    """
    return _INVISIBLE.sub(_escape, text)


def command_line(words: Iterable[str]) -> str:
    """A command as one line, quoted as for a shell where its words could be taken apart otherwise."""
    import shlex

    return shlex.join(map(visible, words))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if _LOWEST_ESCAPED_BYTE <= code <= _HIGHEST_ESCAPED_BYTE:
        return f"\\x{code - 0xDC00:02x}"
    if character in _SHORT:
        return _SHORT[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
