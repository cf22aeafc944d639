"""Symbolic links between names of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.attributes import OBJ_OPENLINK
from ntshim.ob.object import Object, ObjectType, Reparse
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ob.parse import ParseRequest

SYMBOLIC_LINK_QUERY = 0x1


class SymbolicLinkType(ObjectType):
    """The type SymbolicLink."""

    __slots__ = ()

    has_parse_routine = True

    def parse(self, target: Object, request: ParseRequest) -> Object | Reparse:
        """Follow the link, unless the name ends here and a link, or by OBJ_OPENLINK this link, is wanted.

        Source: facts/nt.md section 1.2, step 5, and Wine 10 for OBJ_OPENLINK.
        """
        if not isinstance(target, SymbolicLink):
            raise TypeError(target)
        rest = request.name
        if not rest and (request.desired_type is self or request.attributes & OBJ_OPENLINK):
            target.reference()
            return target
        link = target.target
        if rest and link.endswith("\\"):
            link = link[:-1]
        return Reparse(link + rest)


SYMBOLIC_LINK = make_type("SymbolicLink", SymbolicLinkType)


class SymbolicLink(Object):
    """A link to another name; `target` is not looked at before somebody follows it."""

    __slots__ = ("target",)

    def __init__(self, target: str) -> None:
        """Make a link."""
        super().__init__(SYMBOLIC_LINK)
        self.target = target
