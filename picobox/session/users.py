"""Owns what an instance's own files say of its users: /etc/passwd, and the default of /etc/wsl.conf."""

from __future__ import annotations

import os
import stat
from configparser import ConfigParser
from configparser import Error as SyntaxFault
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST = 1 << 20
_SHELL = "/bin/sh"
_NO_ID, _MOST_DIGITS = 0xFFFF_FFFF, 10


class User(NamedTuple):
    """An entry of passwd(5)."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def _is_number(text: str) -> bool:
    """Whether it is a number that a user or group can have."""
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) < _NO_ID


class Users:
    """The users of one instance, as its files have them now: guests write these, so nothing in them is trusted."""

    def __init__(self, opened: Callable[[bytes], int]) -> None:
        """`opened` gives an O_PATH descriptor of a path in the instance, -1 for none."""
        self._opened = opened

    def named(self, name: str) -> User | None:
        """The user of that name, or of that number; None if there is none."""
        return next((user for user in self._all() if name in (user.name, str(user.uid))), None)

    def of(self, uid: int) -> User:
        """The user of a number; one without a home if the instance knows none."""
        return next((user for user in self._all() if user.uid == uid), User(str(uid), uid, uid, "/", _SHELL))

    def groups_of(self, user: User) -> tuple[int, ...]:
        """The groups of /etc/group that name him, and his own, as initgroups(3) has them."""
        found = {user.gid}
        for line in self._text(b"/etc/group").splitlines():
            fields = line.split(":")
            if len(fields) == 4 and _is_number(fields[2]) and user.name in fields[3].split(","):
                found.add(int(fields[2]))
        return tuple(sorted(found))

    def default(self) -> str:
        """Whom wsl.conf makes the default user (facts wsl1.md 5.6); empty if nobody."""
        settings = ConfigParser(interpolation=None, strict=False)
        try:
            settings.read_string(self._text(b"/etc/wsl.conf"))
        except SyntaxFault:
            return ""
        return settings.get("user", "default", fallback="").strip()

    def _all(self) -> Iterator[User]:
        for line in self._text(b"/etc/passwd").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and _is_number(fields[2]) and _is_number(fields[3]) and "\0" not in line:
                yield User(fields[0], int(fields[2]), int(fields[3]), fields[5] or "/", fields[6] or _SHELL)

    def _text(self, path: bytes) -> str:
        found = self._opened(path)
        if found < 0:
            return ""
        try:
            status = os.fstat(found)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST:
                return ""
            with open(f"/proc/self/fd/{found}", "rb") as file:
                return file.read(_MOST).decode(errors="surrogateescape")
        except OSError:
            return ""
        finally:
            os.close(found)
