"""Serves the calls by which a task asks who it is and becomes somebody else: all that changes is what we know of it."""

from __future__ import annotations

from errno import EFAULT, EINVAL, EPERM, ESRCH
from struct import Struct
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.session.fakeroot.credentials import ALL, SETGID, SETPCAP, SETUID, UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.credentials import Credentials, Ids
    from picobox.session.fakeroot.root import FakeRoot

_word = Struct("<I")
_MOST_GROUPS = 65536  # linux/limits.h, NGROUPS_MAX
# linux/capability.h: header, and the version by which the data are two thirds
_header = Struct("<Ii")
_VERSION_1, _VERSION_2, _VERSION_3 = 0x1998_0330, 0x2007_1026, 0x2008_0522
_set = Struct("<3I")
_LOW = 0xFFFF_FFFF
# linux/prctl.h
_GET_KEEPCAPS, _SET_KEEPCAPS, _CAPBSET_READ, _CAPBSET_DROP = 7, 8, 23, 24
_GET_SECUREBITS, _SET_SECUREBITS, _SET_NO_NEW_PRIVS, _GET_NO_NEW_PRIVS, _CAP_AMBIENT = 27, 28, 38, 39, 47
_AMBIENT_IS_SET, _AMBIENT_RAISE, _AMBIENT_LOWER, _AMBIENT_CLEAR = 1, 2, 3, 4
_LAST_CAPABILITY = 40


def _asks(value: Callable[[Credentials], int]) -> Callable[..., int]:
    def handler(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
        del arguments
        return value(root.credentials(call.task))

    return handler


def _asks_three(value: Callable[[Credentials], Ids]) -> Callable[..., int]:
    def handler(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
        del arguments
        for address, number in zip(call.stop.args, value(root.credentials(call.task))[:3], strict=False):
            call.memory.write(address, _word.pack(number))
        return 0

    return handler


def _users(root: FakeRoot, call: Call, change: Callable[[Ids, bool], Ids]) -> int:
    now = root.credentials(call.task)
    root.become(call.task, now.as_users(change(now.users, now.may(SETUID))))
    return 0


def _groups(root: FakeRoot, call: Call, change: Callable[[Ids, bool], Ids]) -> int:
    now = root.credentials(call.task)
    root.become(call.task, now._replace(groups=change(now.groups, now.may(SETGID))))
    return 0


def _setuid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    return _users(root, call, lambda ids, may: ids.with_all(arguments[0], privileged=may))


def _setgid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    return _groups(root, call, lambda ids, may: ids.with_all(arguments[0], privileged=may))


def _setreuid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    return _users(root, call, lambda ids, may: ids.with_two(arguments[0], arguments[1], privileged=may))


def _setregid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    return _groups(root, call, lambda ids, may: ids.with_two(arguments[0], arguments[1], privileged=may))


def _setresuid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    real, effective, saved = arguments
    return _users(root, call, lambda ids, may: ids.with_three(real, effective, saved, privileged=may))


def _setresgid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    real, effective, saved = arguments
    return _groups(root, call, lambda ids, may: ids.with_three(real, effective, saved, privileged=may))


def _setfsuid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    now = root.credentials(call.task)
    root.become(call.task, now.as_files_user(now.users.with_files(arguments[0], privileged=now.may(SETUID))))
    return now.users.files


def _setfsgid(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    now = root.credentials(call.task)
    groups = now.groups.with_files(arguments[0], privileged=now.may(SETGID))
    root.become(call.task, now._replace(groups=groups))
    return now.groups.files


def _getgroups(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    size, address = arguments
    others = root.credentials(call.task).others
    if size < 0 or 0 < size < len(others):
        raise Errno(EINVAL)
    if size and others:
        call.memory.write(address, b"".join(map(_word.pack, others)))
    return len(others)


def _setgroups(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    size, address = arguments
    now = root.credentials(call.task)
    if not now.may(SETGID):
        raise Errno(EPERM)
    if not 0 <= size <= _MOST_GROUPS:
        raise Errno(EINVAL)
    given = call.memory.read(address, size * _word.size) if size else b""
    numbers = tuple(number for (number,) in _word.iter_unpack(given))
    if UNCHANGED in numbers:
        raise Errno(EINVAL)
    root.become(call.task, now._replace(others=numbers))
    return 0


def _words_of(call: Call, address: int) -> tuple[int, int]:
    """How many thirds of sets a header's version means, and whose sets: Errno(EINVAL) tells the version we know."""
    version, pid = _header.unpack(call.memory.read(address, _header.size))
    if version in (_VERSION_2, _VERSION_3):
        return 2, pid
    if version == _VERSION_1:
        return 1, pid
    call.memory.write(address, _word.pack(_VERSION_3))
    raise Errno(EINVAL)


def _capget(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    header, data = arguments
    try:
        words, pid = _words_of(call, header)
    except Errno as error:
        # Who gives no place for the sets only asks for the version.
        if error.errno == EINVAL and not data:
            return 0
        raise
    task = call.task if pid in (0, call.task.vtid) else root.tasks.of_number(pid)
    if pid < 0:
        raise Errno(EINVAL)
    if task is None:
        raise Errno(ESRCH)
    if not data:
        return 0
    of = root.credentials(task)
    sets = of.effective, of.permitted, of.inheritable
    call.memory.write(
        data, b"".join([_set.pack(*[each >> (32 * place) & _LOW for each in sets]) for place in range(words)])
    )
    return 0


def _capset(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int:
    header, data = arguments
    words, pid = _words_of(call, header)
    if pid not in (0, call.task.vtid):
        raise Errno(EPERM)
    if not data:
        raise Errno(EFAULT)
    thirds = list(_set.iter_unpack(call.memory.read(data, _set.size * words)))
    effective, permitted, inheritable = (
        sum(third[place] << (32 * number) for number, third in enumerate(thirds)) & ALL for place in range(3)
    )
    now = root.credentials(call.task)
    allowed = now.inheritable | (now.bounding if now.may(SETPCAP) else now.permitted)
    if permitted & ~now.permitted or effective & ~permitted or inheritable & ~allowed:
        raise Errno(EPERM)
    ambient = now.ambient & permitted & inheritable
    changed = now._replace(effective=effective, permitted=permitted, inheritable=inheritable, ambient=ambient)
    root.become(call.task, changed)
    return 0


def prctl(root: FakeRoot, call: Call, arguments: Sequence[int]) -> int | None:
    """Options about capabilities; None: another one."""
    option, value, third = arguments[:3]
    now = root.credentials(call.task)
    if option == _GET_KEEPCAPS:
        return int(now.keeps)
    if option == _SET_KEEPCAPS and value in (0, 1):
        root.become(call.task, now._replace(keeps=bool(value)))
        return 0
    if option in (_CAPBSET_READ, _CAPBSET_DROP):
        return _bounding(root, call, option, value)
    if option == _GET_NO_NEW_PRIVS:
        return int(now.no_new_privileges)
    if option == _SET_NO_NEW_PRIVS:
        if value == 1 and not any(arguments[2:5]):
            root.become(call.task, now._replace(no_new_privileges=True))
        return None
    if option == _CAP_AMBIENT:
        return _ambient(root, call, value, third)
    if option == _GET_SECUREBITS:
        return 0
    if option == _SET_SECUREBITS and value:
        raise Errno(EPERM)
    return None


def _bounding(root: FakeRoot, call: Call, option: int, number: int) -> int:
    now = root.credentials(call.task)
    if number > _LAST_CAPABILITY:
        raise Errno(EINVAL)
    if option == _CAPBSET_READ:
        return now.bounding >> number & 1
    if not now.may(SETPCAP):
        raise Errno(EPERM)
    root.become(call.task, now._replace(bounding=now.bounding & ~(1 << number)))
    return 0


def _ambient(root: FakeRoot, call: Call, what: int, number: int) -> int:
    now = root.credentials(call.task)
    if what == _AMBIENT_CLEAR:
        root.become(call.task, now._replace(ambient=0))
        return 0
    if number > _LAST_CAPABILITY or what not in (_AMBIENT_IS_SET, _AMBIENT_RAISE, _AMBIENT_LOWER):
        raise Errno(EINVAL)
    bit = 1 << number
    if what == _AMBIENT_IS_SET:
        return int(bool(now.ambient & bit))
    if what == _AMBIENT_RAISE and not now.permitted & now.inheritable & bit:
        raise Errno(EPERM)
    raised = now.ambient | bit if what == _AMBIENT_RAISE else now.ambient & ~bit
    root.become(call.task, now._replace(ambient=raised))
    return 0


HANDLERS: dict[str, Callable[[FakeRoot, Call, Sequence[int]], int | None]] = {
    "getuid": _asks(lambda now: now.users.real),
    "geteuid": _asks(lambda now: now.users.effective),
    "getgid": _asks(lambda now: now.groups.real),
    "getegid": _asks(lambda now: now.groups.effective),
    "getresuid": _asks_three(lambda now: now.users),
    "getresgid": _asks_three(lambda now: now.groups),
    "setuid": _setuid,
    "setgid": _setgid,
    "setreuid": _setreuid,
    "setregid": _setregid,
    "setresuid": _setresuid,
    "setresgid": _setresgid,
    "setfsuid": _setfsuid,
    "setfsgid": _setfsgid,
    "getgroups": _getgroups,
    "setgroups": _setgroups,
    "capget": _capget,
    "capset": _capset,
    "prctl": prctl,
}
