"""The services on security: the descriptors of objects, and what a descriptor would let a token do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ntshim import status as st
from ntshim.ob.object import ACCESS_SYSTEM_SECURITY, MAXIMUM_ALLOWED, GenericMapping
from ntshim.se import parts
from ntshim.se.access import access_check, effective_token
from ntshim.se.descriptor import SE_DACL_PRESENT, SecurityDescriptor, capture_descriptor
from ntshim.se.identity import SECURITY_IDENTIFICATION, TOKEN_IMPERSONATION
from ntshim.se.privileges import SE_PRIVILEGE_USED_FOR_ACCESS, SE_SECURITY_PRIVILEGE, LuidAndAttributes, luid_of
from ntshim.se.token import TOKEN, TOKEN_QUERY, Token
from ntshim.service import ServiceFamily, TooSmall, service

if TYPE_CHECKING:
    from ntshim.ob.object import Object
    from ntshim.ps.process import Process, Thread

_GENERIC = 0xF0000000


class AccessCheck(NamedTuple):
    """What NtAccessCheck tells: the access granted, how the check ended, and the privileges that it took."""

    granted_access: int
    access_status: int
    privileges: list[LuidAndAttributes]


class SecurityServices(ServiceFamily):
    """Security descriptors of objects and files. What has none belongs to whoever asks, and everybody may use it."""

    __slots__ = ()

    @service
    def NtQuerySecurityObject(
        self, caller: Process | Thread, handle: int, security_information: int, length: int | None = None
    ) -> SecurityDescriptor:
        """Give parts of an object's descriptor, for a buffer of `length` bytes if the caller has one.

        Needs READ_CONTROL, for the SACL ACCESS_SYSTEM_SECURITY. TooSmall with STATUS_BUFFER_TOO_SMALL if the
        self-relative form does not fit (NtQuerySecurityObject function).
        """
        target = self._entry(caller, handle, None, parts.query_access(security_information)).object
        found = parts.select(_present(target, caller), security_information)
        needed = len(found.to_bytes())
        if length is not None and length < needed:
            raise TooSmall(st.STATUS_BUFFER_TOO_SMALL, needed)
        return found

    @service
    def NtSetSecurityObject(
        self,
        caller: Process | Thread,
        handle: int,
        security_information: int,
        security_descriptor: SecurityDescriptor | bytes,
    ) -> None:
        """Replace parts of an object's descriptor by those of a record or of self-relative bytes.

        Needs WRITE_OWNER for owner, group and label, WRITE_DAC for the DACL, ACCESS_SYSTEM_SECURITY for the SACL.
        Handles that are open keep their access. STATUS_ACCESS_VIOLATION without a descriptor; what capturing it and
        `parts.merge` raise; STATUS_NOT_SUPPORTED where a medium keeps no descriptors.
        """
        target = self._entry(caller, handle, None, parts.change_access(security_information)).object
        given = capture_descriptor(security_descriptor)
        if given is None:
            raise st.NtError(st.STATUS_ACCESS_VIOLATION)
        kind = target.type
        is_container = kind.is_container(target)
        token = effective_token(caller)
        present = _present(target, caller)
        kind.put_security(
            target,
            parts.merge(present, given, security_information, token, kind.generic_mapping, is_container=is_container),
        )

    @service
    def NtAccessCheck(
        self,
        caller: Process | Thread,
        security_descriptor: SecurityDescriptor | bytes,
        client_token: int,
        desired_access: int,
        generic_mapping: GenericMapping,
    ) -> AccessCheck:
        """Tell what a descriptor would grant a token; needs TOKEN_QUERY on `client_token`.

        STATUS_NO_IMPERSONATION_TOKEN for a primary token, STATUS_BAD_IMPERSONATION_LEVEL at level SecurityAnonymous,
        STATUS_GENERIC_NOT_MAPPED for a generic right, STATUS_INVALID_SECURITY_DESCR for a descriptor without owner or
        group, and what capturing it gives (AccessCheck function). `access_status` is that of the check itself.
        """
        token = self._object(caller, client_token, Token, TOKEN, TOKEN_QUERY)
        identity = token.identity
        if identity.token_type != TOKEN_IMPERSONATION:
            raise st.NtError(st.STATUS_NO_IMPERSONATION_TOKEN)
        if identity.impersonation_level < SECURITY_IDENTIFICATION:
            raise st.NtError(st.STATUS_BAD_IMPERSONATION_LEVEL)
        if desired_access & _GENERIC:
            raise st.NtError(st.STATUS_GENERIC_NOT_MAPPED)
        descriptor = capture_descriptor(security_descriptor)
        if descriptor is None or descriptor.owner is None or descriptor.group is None:
            raise st.NtError(st.STATUS_INVALID_SECURITY_DESCR)
        # What MAXIMUM_ALLOWED may come to; rights that a caller asks for by themselves are its own business.
        everything = generic_mapping.all | (desired_access & ~MAXIMUM_ALLOWED)
        try:
            granted = access_check(descriptor, token, desired_access, generic_mapping, everything)
        except st.NtError as error:
            return AccessCheck(0, error.status, [])
        used = []
        if desired_access & ACCESS_SYSTEM_SECURITY:
            used.append(LuidAndAttributes(luid_of(SE_SECURITY_PRIVILEGE), SE_PRIVILEGE_USED_FOR_ACCESS))
        return AccessCheck(granted, st.STATUS_SUCCESS, used)


def _present(target: Object, caller: Process | Thread) -> SecurityDescriptor:
    """Give an object's descriptor; of one that has none, that in whose effect it is: the caller's, for everybody."""
    found = target.type.get_security(target)
    if found is not None:
        return found
    identity = effective_token(caller).identity
    return SecurityDescriptor(identity.owner, identity.primary_group, None, None, SE_DACL_PRESENT)
