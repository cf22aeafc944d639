"""How a name leads to a key: components, links, and the creation of the last key (facts/nt.md section 1.2, step 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.cm.key import KEY, KEY_CREATE_LINK, KEY_CREATE_SUB_KEY, KEY_WOW64_32KEY, KEY_WOW64_64KEY, Key, RegistryRoot
from ntshim.cm.node import MAXIMUM_DEPTH, MAXIMUM_NAME_UNITS, SYMBOLIC_LINK_VALUE, KeyNode
from ntshim.cm.notify import REG_NOTIFY_CHANGE_NAME, REG_NOTIFY_CHANGE_SECURITY, report
from ntshim.fs.names import units
from ntshim.ob.object import Object, Reparse, grant_access, grant_new_access
from ntshim.se.token import Token
from ntshim.upcase import upcase

if TYPE_CHECKING:
    from ntshim.ob.parse import ParseRequest
    from ntshim.ps.process import Process, Thread
    from ntshim.se.descriptor import SecurityDescriptor

REG_OPTION_NON_VOLATILE = 0x0
REG_OPTION_VOLATILE = 0x1
REG_OPTION_CREATE_LINK = 0x2
REG_OPTION_BACKUP_RESTORE = 0x4
REG_OPTION_OPEN_LINK = 0x8
REG_LEGAL_OPTION = 0xF

REG_CREATED_NEW_KEY = 1
REG_OPENED_EXISTING_KEY = 2

OBJ_OPENLINK = 0x100


class KeyContext:
    """What NtCreateKey and NtOpenKey take through the look-up; `disposition` tells whether a key was made."""

    __slots__ = ("class_name", "creates", "disposition", "given", "options")

    def __init__(
        self, options: int, class_name: str = "", *, creates: bool = False, given: SecurityDescriptor | None = None
    ) -> None:
        """Open, or make if it is absent, with the descriptor that was given."""
        self.given = given
        self.options = options
        self.class_name = class_name
        self.creates = creates
        self.disposition = REG_OPENED_EXISTING_KEY


def node_of(target: Object) -> KeyNode:
    """Give the key behind an object; STATUS_KEY_DELETED if it is gone."""
    if not isinstance(target, (Key, RegistryRoot)):
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
    if target.node.deleted:
        raise st.NtError(st.STATUS_KEY_DELETED)
    return target.node


def full_name(target: Object) -> str:
    r"""Give the absolute name of a key, which begins with `\REGISTRY`."""
    node = node_of(target)
    names = [node.name, *(above.name for above in node.ancestors())]
    return "\\" + "\\".join(reversed(names))


def put_security(target: Object, descriptor: SecurityDescriptor) -> None:
    """Give a key a security descriptor."""
    node = node_of(target)
    if node.store is not None:
        node.store.set_security(node.path(), descriptor.to_bytes())
    node.security = target.security = descriptor
    report(node, REG_NOTIFY_CHANGE_SECURITY)


def check_creation(above: KeyNode, request: ParseRequest) -> None:
    """Let only who may make keys below a key do so, as far as that has a descriptor: STATUS_ACCESS_DENIED."""
    if above.security is not None:
        parent = Key(above)
        try:
            grant_access(parent, request.caller, KEY_CREATE_SUB_KEY)
        finally:
            parent.dereference()


def components_of(name: str) -> list[str]:
    """Take a name apart; doubled and trailing separators do not count.

    STATUS_INVALID_PARAMETER for a component that no key can have.
    """
    components = [component for component in name.split("\\") if component]
    if any(units(component) > MAXIMUM_NAME_UNITS for component in components):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    return components


def parse(target: Object, request: ParseRequest) -> Object | Reparse:
    """Give a new object for the key that the rest of the name leads to.

    STATUS_OBJECT_NAME_NOT_FOUND for a missing key wherever in the name. Who brings no KeyContext opens what is there.
    """
    context = request.context
    if not isinstance(context, KeyContext):
        context = KeyContext(0)
    if request.desired_type is not None and request.desired_type is not target.type:
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
    node = node_of(target)
    components = components_of(request.name)
    opens_link = bool(context.options & REG_OPTION_OPEN_LINK or request.attributes & OBJ_OPENLINK)
    for place, component in enumerate(components):
        found = node.find(component)
        is_last = place == len(components) - 1
        if found is None:
            if not (is_last and context.creates):
                raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
            check_creation(node, request)
            asked = request.desired_access & ~(KEY_WOW64_32KEY | KEY_WOW64_64KEY)
            request.granted_access = grant_new_access(target, request.caller, asked)
            found = _make(node, component, context, request)
        elif found.is_link and not (is_last and (opens_link or context.options & REG_OPTION_CREATE_LINK)):
            return Reparse("\\".join([_link_target(found), *components[place + 1 :]]))
        node = found
    request.desired_access &= ~(KEY_WOW64_32KEY | KEY_WOW64_64KEY)
    return Key(node)


def _make(above: KeyNode, name: str, context: KeyContext, request: ParseRequest) -> KeyNode:
    r"""Make a key. Nothing is made in the master hive, where hives are loaded, but volatile keys below its places.

    STATUS_ACCESS_DENIED below `\REGISTRY` itself, and for a link without KEY_CREATE_LINK;
    STATUS_CHILD_MUST_BE_VOLATILE, STATUS_INVALID_PARAMETER for a tree that would be too deep.
    """
    volatile = bool(context.options & REG_OPTION_VOLATILE)
    is_link = bool(context.options & REG_OPTION_CREATE_LINK)
    if above.parent is None or (is_link and not request.desired_access & KEY_CREATE_LINK):
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if above.volatile and not volatile:
        raise st.NtError(st.STATUS_CHILD_MUST_BE_VOLATILE)
    if above.is_link:
        raise st.NtError(st.STATUS_ACCESS_DENIED)
    if sum(1 for _ in above.ancestors()) + 2 > MAXIMUM_DEPTH:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    made = KeyNode(name, above, above.hive, context.class_name, volatile=volatile, is_link=is_link)
    made.security = _new_security(above, context.given, request.caller)
    if made.store is not None:
        security = None if made.security is None else made.security.to_bytes()
        made.store.create(made.path(), made.class_name, made.last_write_time, is_link=is_link, security=security)
    above.add(made)
    above.last_write_time = made.last_write_time
    report(above, REG_NOTIFY_CHANGE_NAME)
    context.disposition = REG_CREATED_NEW_KEY
    return made


def _new_security(
    above: KeyNode, given: SecurityDescriptor | None, caller: Process | Thread
) -> SecurityDescriptor | None:
    """Make the descriptor of a new key, None if nothing makes one; raises what `se.assign` does."""
    token = caller.effective_token
    if given is None and above.security is None and not (isinstance(token, Token) and token.has_default_dacl):
        return None
    from ntshim.se.access import effective_token
    from ntshim.se.assign import assign_security

    return assign_security(given, above.security, effective_token(caller), KEY.generic_mapping, is_container=True)


def _link_target(node: KeyNode) -> str:
    """Give where a link leads; one that has no target yet leads nowhere."""
    value = node.values.get(upcase(SYMBOLIC_LINK_VALUE))
    if value is None:
        raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
    return value.data.decode("utf-16-le", "surrogatepass")
