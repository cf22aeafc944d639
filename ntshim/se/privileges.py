"""Privileges: their names and the LUIDs by which services speak of them."""

from __future__ import annotations

from typing import NamedTuple

from ntshim import status as st

SE_PRIVILEGE_ENABLED_BY_DEFAULT = 0x1
SE_PRIVILEGE_ENABLED = 0x2
SE_PRIVILEGE_REMOVED = 0x4
SE_PRIVILEGE_USED_FOR_ACCESS = 0x80000000

SE_TCB_PRIVILEGE = "SeTcbPrivilege"
SE_SECURITY_PRIVILEGE = "SeSecurityPrivilege"
SE_TAKE_OWNERSHIP_PRIVILEGE = "SeTakeOwnershipPrivilege"
SE_BACKUP_PRIVILEGE = "SeBackupPrivilege"
SE_RESTORE_PRIVILEGE = "SeRestorePrivilege"
SE_DEBUG_PRIVILEGE = "SeDebugPrivilege"
SE_CHANGE_NOTIFY_PRIVILEGE = "SeChangeNotifyPrivilege"
SE_IMPERSONATE_PRIVILEGE = "SeImpersonatePrivilege"
SE_RELABEL_PRIVILEGE = "SeRelabelPrivilege"

# The first one is 2 (wdm.h: SE_MIN_WELL_KNOWN_PRIVILEGE).
PRIVILEGE_NAMES = (
    "SeCreateTokenPrivilege",
    "SeAssignPrimaryTokenPrivilege",
    "SeLockMemoryPrivilege",
    "SeIncreaseQuotaPrivilege",
    "SeMachineAccountPrivilege",
    SE_TCB_PRIVILEGE,
    SE_SECURITY_PRIVILEGE,
    SE_TAKE_OWNERSHIP_PRIVILEGE,
    "SeLoadDriverPrivilege",
    "SeSystemProfilePrivilege",
    "SeSystemtimePrivilege",
    "SeProfileSingleProcessPrivilege",
    "SeIncreaseBasePriorityPrivilege",
    "SeCreatePagefilePrivilege",
    "SeCreatePermanentPrivilege",
    SE_BACKUP_PRIVILEGE,
    SE_RESTORE_PRIVILEGE,
    "SeShutdownPrivilege",
    SE_DEBUG_PRIVILEGE,
    "SeAuditPrivilege",
    "SeSystemEnvironmentPrivilege",
    SE_CHANGE_NOTIFY_PRIVILEGE,
    "SeRemoteShutdownPrivilege",
    "SeUndockPrivilege",
    "SeSyncAgentPrivilege",
    "SeEnableDelegationPrivilege",
    "SeManageVolumePrivilege",
    SE_IMPERSONATE_PRIVILEGE,
    "SeCreateGlobalPrivilege",
    "SeTrustedCredManAccessPrivilege",
    SE_RELABEL_PRIVILEGE,
    "SeIncreaseWorkingSetPrivilege",
    "SeTimeZonePrivilege",
    "SeCreateSymbolicLinkPrivilege",
    "SeDelegateSessionUserImpersonatePrivilege",
)
LUIDS = {name: luid for luid, name in enumerate(PRIVILEGE_NAMES, 2)}
_NAMES = {luid: name for name, luid in LUIDS.items()}


class LuidAndAttributes(NamedTuple):
    """LUID_AND_ATTRIBUTES: a privilege by its LUID, and SE_PRIVILEGE_ bits."""

    luid: int
    attributes: int = 0


def name_of_privilege(luid: int) -> str:
    """Name a privilege; "" for a LUID that is none's, so that no token holds it."""
    return _NAMES.get(luid, "")


def luid_of(name: str) -> int:
    """Give the LUID of a privilege; STATUS_NO_SUCH_PRIVILEGE for a name that is none's."""
    luid = LUIDS.get(name)
    if luid is None:
        raise st.NtError(st.STATUS_NO_SUCH_PRIVILEGE)
    return luid
