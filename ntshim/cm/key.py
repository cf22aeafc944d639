r"""Key objects: one for each open of a key, and how a name goes on below `\REGISTRY`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim.ob.object import Object, ObjectType, Reparse
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.cm.node import KeyNode
    from ntshim.cm.notify import KeyWatch
    from ntshim.ob.parse import ParseRequest
    from ntshim.se.descriptor import SecurityDescriptor

KEY_QUERY_VALUE = 0x1
KEY_SET_VALUE = 0x2
KEY_CREATE_SUB_KEY = 0x4
KEY_ENUMERATE_SUB_KEYS = 0x8
KEY_NOTIFY = 0x10
KEY_CREATE_LINK = 0x20
KEY_WOW64_64KEY = 0x100  # which view of the registry is meant; here there is one
KEY_WOW64_32KEY = 0x200


class KeyType(ObjectType):
    """The type Key."""

    __slots__ = ()

    has_parse_routine = True
    case_insensitive = True

    def parse(self, target: Object, request: ParseRequest) -> Object | Reparse:
        """Follow the rest of the name through keys; NtCreateKey makes the last one."""
        from ntshim.cm import walk

        return walk.parse(target, request)

    def query_name(self, target: Object) -> str:
        """Give the name of the key behind the object."""
        from ntshim.cm import walk

        return walk.full_name(target)

    def get_security(self, target: Object) -> SecurityDescriptor | None:
        """Give the descriptor of the key behind the object."""
        from ntshim.cm import walk

        return walk.node_of(target).security

    def put_security(self, target: Object, descriptor: SecurityDescriptor) -> None:
        """Replace the descriptor of the key behind the object, and tell who watches."""
        from ntshim.cm import walk

        walk.put_security(target, descriptor)

    def is_container(self, target: Object) -> bool:
        """Keys hold keys."""
        return isinstance(target, Key)

    def close(self, target: Object) -> None:
        """End the requests of this open: its last handle is gone."""
        if isinstance(target, Key) and target.watch is not None:
            target.watch.close()
            target.watch = None

    def delete(self, target: Object) -> None:
        """Count the open out."""
        if isinstance(target, Key):
            self.close(target)
            target.node.open_count -= 1


KEY = make_type("Key", KeyType)


class Key(Object):
    """An open of a key."""

    __slots__ = ("node", "watch")

    def __init__(self, node: KeyNode) -> None:
        """Open a key; its creator has the reference."""
        super().__init__(KEY)
        self.node = node
        self.watch: KeyWatch | None = None
        self.security = node.security
        node.open_count += 1


class RegistryRoot(Object):
    r"""`\REGISTRY` itself, whose keys are made when somebody first looks."""

    __slots__ = ("_node",)

    def __init__(self) -> None:
        """Make an object without keys."""
        super().__init__(KEY)
        self._node: KeyNode | None = None

    @property
    def node(self) -> KeyNode:
        """The topmost key: `MACHINE` and `USER` are below it."""
        if self._node is None:
            from ntshim.cm.registry import make_registry

            self._node = make_registry()
        return self._node
