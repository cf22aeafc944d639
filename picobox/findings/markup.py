"""Elements of HTML and SVG, made so that no text in them can be taken for markup."""

from __future__ import annotations

from html import escape

from picobox.findings.visible import visible


class Markup(str):
    """Text that is markup already: only `element`, `text` and `joined` make it."""

    __slots__ = ()


def text(content: object) -> Markup:
    """What a reader shall see, made visible and escaped; markup stays as it is."""
    if isinstance(content, Markup):
        return content
    return Markup(escape(visible(str(content))))


def lines(content: str) -> Markup:
    """As `text`, but its lines and tabs are kept, for elements that show them."""
    kept = (part.replace("\t", "\0") for part in content.split("\n"))
    return Markup("\n".join(escape("\t".join(map(visible, part.split("\0")))) for part in kept))


def joined(parts: list[Markup]) -> Markup:
    """Elements in a row."""
    return Markup("".join(parts))


def element(name: str, *children: object, **attributes: object) -> Markup:
    """An element with its children, which are text unless they are markup, and its attributes.

    An attribute's name is written with an underscore behind it where Python has a word like it, and within it for a
    hyphen. The value True is an attribute without a value; False and None leave it out.
    """
    opening = [name]
    for key, value in attributes.items():
        if value is True:
            opening.append(key.strip("_").replace("_", "-"))
        elif value is not None and value is not False:
            opening.append(f'{key.strip("_").replace("_", "-")}="{text(value)}"')
    return Markup(f"<{' '.join(opening)}>{''.join(map(text, children))}</{name}>")
