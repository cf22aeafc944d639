"""Owns what a task of an instance is: user and group ids, groups and capabilities, and how calls change them.

The kernel knows one user and no capability. The rules are those of credentials(7), capabilities(7), setresuid(2).
"""

from __future__ import annotations

from errno import EINVAL, EPERM
from typing import NamedTuple

from picobox.errors import Errno

UNCHANGED = 0xFFFF_FFFF
ALL = (1 << 41) - 1
# linux/capability.h
CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP = (1 << n for n in range(9))
LINUX_IMMUTABLE, NET_BIND_SERVICE = 1 << 9, 1 << 10
SYS_CHROOT, SYS_PTRACE, SYS_ADMIN, MKNOD, SETFCAP, MAC_OVERRIDE = 1 << 18, 1 << 19, 1 << 21, 1 << 27, 1 << 31, 1 << 32
# What setfsuid gives and takes.
_OVER_FILES = CHOWN | DAC_OVERRIDE | DAC_READ_SEARCH | FOWNER | FSETID | LINUX_IMMUTABLE | MKNOD | MAC_OVERRIDE


class Ids(NamedTuple):
    """The four ids that a task has of users, and of groups."""

    real: int
    effective: int
    saved: int
    files: int

    def has(self, wanted: int) -> bool:
        """Whether a task without a right to others may take this one."""
        return wanted in (self.real, self.effective, self.saved)

    def with_all(self, wanted: int, *, privileged: bool) -> Ids:
        """After setuid(2) or setgid(2). Raises Errno."""
        if wanted == UNCHANGED:
            raise Errno(EINVAL)
        if privileged:
            return Ids(wanted, wanted, wanted, wanted)
        if wanted not in (self.real, self.saved):
            raise Errno(EPERM)
        return self._replace(effective=wanted, files=wanted)

    def with_two(self, real: int, effective: int, *, privileged: bool) -> Ids:
        """After setreuid(2) or setregid(2). Raises Errno."""
        new_real = self.real if real == UNCHANGED else real
        new_effective = self.effective if effective == UNCHANGED else effective
        if not privileged and (new_real not in (self.real, self.effective) or not self.has(new_effective)):
            raise Errno(EPERM)
        saves = real != UNCHANGED or (effective not in (UNCHANGED, self.real))
        return Ids(new_real, new_effective, new_effective if saves else self.saved, new_effective)

    def with_three(self, real: int, effective: int, saved: int, *, privileged: bool) -> Ids:
        """After setresuid(2) or setresgid(2). Raises Errno."""
        asked = (real, effective, saved)
        if not privileged and not all(each == UNCHANGED or self.has(each) for each in asked):
            raise Errno(EPERM)
        taken = self.effective if effective == UNCHANGED else effective
        return Ids(self.real if real == UNCHANGED else real, taken, self.saved if saved == UNCHANGED else saved, taken)

    def with_files(self, wanted: int, *, privileged: bool) -> Ids:
        """After setfsuid(2) or setfsgid(2), which refuse without a word."""
        if wanted != UNCHANGED and (privileged or wanted == self.files or self.has(wanted)):
            return self._replace(files=wanted)
        return self


class Credentials(NamedTuple):
    """Of one task. Forks and threads begin with their maker's; capabilities are sets of bits."""

    users: Ids
    groups: Ids
    others: tuple[int, ...] = ()
    permitted: int = 0
    effective: int = 0
    inheritable: int = 0
    bounding: int = ALL
    ambient: int = 0
    keeps: bool = False
    no_new_privileges: bool = False

    def may(self, capability: int) -> bool:
        """Whether it has a capability now."""
        return bool(self.effective & capability)

    @property
    def overrides_all(self) -> bool:
        """Whether no mode keeps it from a file."""
        return self.may(DAC_OVERRIDE)

    def is_in(self, group: int) -> bool:
        """Whether it counts as a member when files are looked at."""
        return group == self.groups.files or group in self.others

    def as_users(self, users: Ids) -> Credentials:
        """With other user ids, and the capabilities that this leaves (capabilities(7), Effect of user ID changes)."""
        permitted, effective, ambient = self.permitted, self.effective, self.ambient
        if 0 in self.users[:3] and 0 not in users[:3]:
            permitted, ambient = permitted if self.keeps else 0, 0
            effective = 0
        if self.users.effective == 0 != users.effective:
            effective = 0
        elif users.effective == 0 != self.users.effective:
            effective = permitted
        return self._replace(users=users, permitted=permitted, effective=effective, ambient=ambient)

    def as_files_user(self, users: Ids) -> Credentials:
        """With another user for files."""
        effective = self.effective
        if self.users.files == 0 != users.files:
            effective &= ~_OVER_FILES
        elif users.files == 0 != self.users.files:
            effective |= self.permitted & _OVER_FILES
        return self._replace(users=users, effective=effective)

    def for_real_ids(self) -> Credentials:
        """As access(2) looks: as if the real ids were the effective ones."""
        users, groups = self.users._replace(files=self.users.real), self.groups._replace(files=self.groups.real)
        return self._replace(users=users, groups=groups, effective=0 if self.users.real else self.permitted)

    def executing(self, user: int | None, group: int | None, *, is_watched: bool = False) -> Credentials:
        """Of the program that it becomes; `user`, `group`: whom a set-id program makes it, None if nobody.

        `is_watched`: who traces it could not trace what it becomes; so it gets no right that it has not (execve(2)).
        """
        if self.no_new_privileges:
            user = group = None
        user_now = self.users.effective if user is None else user
        group_now = self.groups.effective if group is None else group
        permitted = self.inheritable | self.bounding if 0 in (self.users.real, user_now) else 0
        is_root = user_now == 0
        sets_ids = user_now != self.users.real or group_now != self.groups.real
        if is_watched and (sets_ids or permitted & ~self.permitted):
            if not self.may(SETUID):
                user_now, group_now = self.users.real, self.groups.real
            permitted &= self.permitted
        users = Ids(self.users.real, user_now, user_now, user_now)
        groups = Ids(self.groups.real, group_now, group_now, group_now)
        changed = (user_now, group_now) != (self.users.effective, self.groups.effective)
        ambient = 0 if changed else self.ambient
        permitted |= ambient
        effective = permitted if is_root else ambient
        return self._replace(
            users=users, groups=groups, permitted=permitted, effective=effective, ambient=ambient, keeps=False
        )

    @property
    def is_secure(self) -> bool:
        """What a program is told by AT_SECURE (getauxval(3))."""
        return self.users.real != self.users.effective or self.groups.real != self.groups.effective


def credentials_of_user(user: int, group: int, others: tuple[int, ...] = ()) -> Credentials:
    """Those with which a user's first program starts."""
    rights = 0 if user else ALL
    return Credentials(Ids(*[user] * 4), Ids(*[group] * 4), others, rights, rights)
