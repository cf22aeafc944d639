"""Owns what an instance's own files say of its users: /etc/passwd, and the default of /etc/wsl.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picobox.session import wsl_conf
from picobox.session.texts import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        return wsl_conf.read(self._text(wsl_conf.PATH)).user

    def _all(self) -> Iterator[User]:
        for line in self._text(b"/etc/passwd").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and _is_number(fields[2]) and _is_number(fields[3]) and "\0" not in line:
                yield User(fields[0], int(fields[2]), int(fields[3]), fields[5] or "/", fields[6] or _SHELL)

    def _text(self, path: bytes) -> str:
        return text_of(self._opened, path)
