"""SeAssignSecurity: the descriptor of a new object, from what is given, its parent, and its maker's token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.se.acl import (
    CONTAINER_INHERIT_ACE,
    INHERIT_FLAGS,
    INHERIT_ONLY_ACE,
    INHERITED_ACE,
    NO_PROPAGATE_INHERIT_ACE,
    OBJECT_INHERIT_ACE,
    SYSTEM_MANDATORY_LABEL_ACE_TYPE,
    Ace,
    Acl,
    label,
    map_generic,
)
from ntshim.se.descriptor import (
    SE_DACL_AUTO_INHERITED,
    SE_DACL_DEFAULTED,
    SE_DACL_PRESENT,
    SE_DACL_PROTECTED,
    SE_SACL_AUTO_INHERITED,
    SE_SACL_DEFAULTED,
    SE_SACL_PRESENT,
    SE_SACL_PROTECTED,
    SecurityDescriptor,
)
from ntshim.se.privileges import SE_RELABEL_PRIVILEGE, SE_RESTORE_PRIVILEGE, SE_SECURITY_PRIVILEGE
from ntshim.se.sid import CREATOR_GROUP, CREATOR_OWNER, MEDIUM_INTEGRITY, Sid

if TYPE_CHECKING:
    from ntshim.ob.object import GenericMapping
    from ntshim.se.token import Token

_GENERIC = 0xF0000000


class Assignment:
    """What entries become in the descriptor of one object: whom creator entries mean, and which rights generic ones.

    `auto_inherit` marks what comes from the parent, and lets it come beside a DACL that was given: as files and keys
    have it (SeAssignSecurityEx).
    """

    __slots__ = ("auto_inherit", "group", "is_container", "mapping", "owner")

    def __init__(
        self, owner: Sid, group: Sid, mapping: GenericMapping, *, is_container: bool, auto_inherit: bool = False
    ) -> None:
        """Speak of one object."""
        self.owner = owner
        self.group = group
        self.mapping = mapping
        self.is_container = is_container
        self.auto_inherit = auto_inherit

    def effective(self, ace: Ace) -> Ace:
        """Give an entry as it counts for the object: real owner and group, specific rights."""
        if ace.sid is None or ace.type == SYSTEM_MANDATORY_LABEL_ACE_TYPE:
            return ace
        sid = {CREATOR_OWNER: self.owner, CREATOR_GROUP: self.group}.get(ace.sid, ace.sid)
        return ace._replace(mask=map_generic(ace.mask, self.mapping), sid=sid)

    def own(self, ace: Ace) -> list[Ace]:
        """Give what a given entry becomes; one that is inherited further in other form is split in two."""
        if not ace.applies_here():
            return [ace]
        here = self.effective(ace)
        further = ace.flags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE)
        if here == ace or not further or not self.is_container:
            return [here]
        return [here._replace(flags=ace.flags & ~INHERIT_FLAGS), ace._replace(flags=ace.flags | INHERIT_ONLY_ACE)]

    def inherited(self, ace: Ace) -> list[Ace]:
        """Give what an entry of the parent becomes: none, one, or one for here and one for further below."""
        mark = INHERITED_ACE if self.auto_inherit else 0
        other = (ace.flags & ~(INHERIT_FLAGS | INHERITED_ACE)) | mark
        if not self.is_container:
            return [self.effective(ace._replace(flags=other))] if ace.flags & OBJECT_INHERIT_ACE else []
        further = ace.flags & (OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE)
        if ace.flags & NO_PROPAGATE_INHERIT_ACE:
            further = 0
        if not ace.flags & CONTAINER_INHERIT_ACE:
            return [ace._replace(flags=other | further | INHERIT_ONLY_ACE)] if further else []
        here = self.effective(ace)
        if not further:
            return [here._replace(flags=other)]
        if (here.mask, here.sid) == (ace.mask, ace.sid):
            return [here._replace(flags=other | further)]
        return [here._replace(flags=other), ace._replace(flags=other | further | INHERIT_ONLY_ACE)]

    def acl(self, given: Acl | None, parent: Acl | None, *, protected: bool) -> Acl | None:
        """Put given entries and those of the parent together; None if there is nothing to say."""
        aces = [made for ace in (given.aces if given is not None else ()) for made in self.own(ace)]
        if not protected and parent is not None and (given is None or self.auto_inherit):
            aces += [made for ace in parent.aces for made in self.inherited(ace)]
        if given is None and not aces:
            return None
        revision = max(each.revision for each in (given, parent) if each is not None)
        return Acl(tuple(aces), revision)


def assign_security(
    explicit: SecurityDescriptor | None,
    parent: SecurityDescriptor | None,
    token: Token,
    mapping: GenericMapping,
    *,
    is_container: bool,
    auto_inherit: bool = False,
) -> SecurityDescriptor:
    """Make the descriptor of a new object.

    Each part is the first that there is: what was given, what the parent's inheritable entries make, what was given
    as a default, the token's. STATUS_INVALID_OWNER for an owner that the token may not set; STATUS_PRIVILEGE_NOT_HELD
    for a SACL without SeSecurityPrivilege, or a label above the token's (MS-DTYP section 2.5.3.4).
    """
    explicit = SecurityDescriptor() if explicit is None else explicit
    above = SecurityDescriptor() if parent is None else parent
    identity = token.identity
    owner = identity.owner if explicit.owner is None else explicit.owner
    check_owner(owner, token)
    group = identity.primary_group if explicit.group is None else explicit.group
    check_sacl(explicit, token)
    maker = Assignment(owner, group, mapping, is_container=is_container, auto_inherit=auto_inherit)
    dacl, control = _dacl(maker, explicit, above, token)
    sacl, sacl_control = _sacl(maker, explicit, above)
    if identity.integrity.last < MEDIUM_INTEGRITY.last and not _has_label(sacl):
        sacl = Acl(((*sacl.aces,) if sacl is not None else ()) + (label(identity.integrity),))
        sacl_control |= SE_SACL_PRESENT
    return SecurityDescriptor(owner, group, dacl, sacl, control | sacl_control)


def check_owner(owner: Sid, token: Token) -> None:
    """Raise STATUS_INVALID_OWNER for an owner that a token may not give; SeRestorePrivilege may give any."""
    if not token.identity.may_own(owner) and owner != token.identity.owner and not token.holds(SE_RESTORE_PRIVILEGE):
        raise st.NtError(st.STATUS_INVALID_OWNER)


def check_sacl(given: SecurityDescriptor, token: Token) -> None:
    """Raise STATUS_PRIVILEGE_NOT_HELD for auditing without SeSecurityPrivilege, or for a label above one's own."""
    if given.sacl is None:
        return
    for ace in given.sacl.aces:
        if ace.type != SYSTEM_MANDATORY_LABEL_ACE_TYPE:
            if not token.holds(SE_SECURITY_PRIVILEGE):
                raise st.NtError(st.STATUS_PRIVILEGE_NOT_HELD)
        else:
            check_label(ace, token)


def check_label(ace: Ace, token: Token) -> None:
    """Raise STATUS_PRIVILEGE_NOT_HELD for a label above a token's own level without SeRelabelPrivilege."""
    above = ace.sid is not None and ace.sid.last > token.identity.integrity.last
    if above and not token.holds(SE_RELABEL_PRIVILEGE):
        raise st.NtError(st.STATUS_PRIVILEGE_NOT_HELD)


def _dacl(
    maker: Assignment, explicit: SecurityDescriptor, parent: SecurityDescriptor, token: Token
) -> tuple[Acl | None, int]:
    """Give the DACL and its control bits."""
    protected = explicit.control & SE_DACL_PROTECTED
    if explicit.dacl_present and not explicit.control & SE_DACL_DEFAULTED:
        if explicit.dacl is None:
            return None, SE_DACL_PRESENT | protected
        dacl = maker.acl(explicit.dacl, parent.dacl, protected=bool(protected))
        return dacl, SE_DACL_PRESENT | protected | (SE_DACL_AUTO_INHERITED if maker.auto_inherit else 0)
    inherited = maker.acl(None, parent.dacl, protected=bool(protected))
    if inherited is not None:
        return inherited, SE_DACL_PRESENT | (SE_DACL_AUTO_INHERITED if maker.auto_inherit else 0)
    default = explicit.dacl if explicit.dacl is not None else token.identity.default_dacl
    if default is None:
        return None, protected
    return maker.acl(default, None, protected=True), SE_DACL_PRESENT | SE_DACL_DEFAULTED | protected


def _sacl(maker: Assignment, explicit: SecurityDescriptor, parent: SecurityDescriptor) -> tuple[Acl | None, int]:
    """Give the SACL and its control bits; nobody has a default one."""
    protected = explicit.control & SE_SACL_PROTECTED
    given = None if explicit.control & SE_SACL_DEFAULTED else explicit.sacl
    sacl = maker.acl(given, parent.sacl, protected=bool(protected))
    if sacl is None:
        return None, protected
    return sacl, SE_SACL_PRESENT | protected | (SE_SACL_AUTO_INHERITED if maker.auto_inherit else 0)


def _has_label(sacl: Acl | None) -> bool:
    """Whether a SACL holds a mandatory label for the object itself."""
    return sacl is not None and any(
        ace.type == SYSTEM_MANDATORY_LABEL_ACE_TYPE and ace.applies_here() for ace in sacl.aces
    )
