"""Calls about the case flag of directories: the attribute that WSL shows it as, and new directories, which get it.

The kernel serves the attribute too, under the name by which the host keeps it, so that it checks the task's rights.
"""

from __future__ import annotations

import struct
from errno import EEXIST, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE
from typing import TYPE_CHECKING

from ntshim.fs.case_flag import CASE_XATTR
from picobox.errors import Errno
from picobox.platform.host import AT_FDCWD
from picobox.platform.rights import credentials_of

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.platform.drives import CaseFlag
    from picobox.provider import PicoProvider

KEPT_AS = CASE_XATTR.encode()
FLAG = b"system.wsl_case_sensitive"
_NAMESPACE = b"system."
_VALUES = (b"0", b"1")
XATTR_CREATE = 1
_XATTR_FLAGS = 3
AT_SYMLINK_NOFOLLOW = 0x100
# In an argument slot: a path, then these.
_NAME_PLACE = 4096
_ARGUMENTS_PLACE = 4096 + 256
_ARGUMENTS = struct.Struct("<QII")  # struct xattr_args: value, size, flags


def getxattr(provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, value: int, size: int) -> None:
    _get(call, _flag(provider, call, AT_FDCWD, path or None, name), 1, name, (value, size))


def lgetxattr(
    provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, value: int, size: int
) -> None:
    _get(call, _flag(provider, call, AT_FDCWD, path or None, name, follow=False), 1, name, (value, size))


def fgetxattr(provider: PicoProvider, call: Call, fd: int, name: bytes | None, value: int, size: int) -> None:
    _get(call, _flag(provider, call, fd, b"", name), 1, name, (value, size))


def getxattrat(
    provider: PicoProvider,
    call: Call,
    dirfd: int,
    path: bytes | None,
    flags: int,
    name: bytes | None,
    uargs: int,
    usize: int,
) -> None:
    flag = _flag(provider, call, dirfd, path or b"", name, follow=not flags & AT_SYMLINK_NOFOLLOW)
    if flag is not None and usize >= _ARGUMENTS.size:
        value, size, _ = _ARGUMENTS.unpack(call.memory.read(uargs, _ARGUMENTS.size))
        _get(call, flag, 3, name, (value, size))


def _get(call: Call, flag: CaseFlag | None, index: int, name: bytes | None, buffer: tuple[int, int]) -> None:
    """`index` is the place of the name among the arguments, `buffer` address and size."""
    if flag is None:
        return
    if name == KEPT_AS:
        raise Errno(ENODATA)
    _check_name(flag, name)
    value, size = buffer
    if value and not size:
        raise Errno(ERANGE)
    memory = call.memory

    def then(result: int) -> int | None:
        if result != -ENODATA:
            return None
        try:
            if size:
                memory.write(value, _VALUES[False])
        except Errno as error:
            return -error.errno
        return len(_VALUES[False])

    if call.put(index, _NAME_PLACE, KEPT_AS + b"\0"):
        call.then = then


def setxattr(
    provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, value: int, size: int, flags: int
) -> None:
    _set(call, _flag(provider, call, AT_FDCWD, path or None, name), name, (value, size, flags))


def lsetxattr(
    provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, value: int, size: int, flags: int
) -> None:
    _set(call, _flag(provider, call, AT_FDCWD, path or None, name, follow=False), name, (value, size, flags))


def fsetxattr(
    provider: PicoProvider, call: Call, fd: int, name: bytes | None, value: int, size: int, flags: int
) -> None:
    _set(call, _flag(provider, call, fd, b"", name), name, (value, size, flags))


def setxattrat(
    provider: PicoProvider,
    call: Call,
    dirfd: int,
    path: bytes | None,
    flags: int,
    name: bytes | None,
    uargs: int,
    usize: int,
) -> None:
    flag = _flag(provider, call, dirfd, path or b"", name, follow=not flags & AT_SYMLINK_NOFOLLOW)
    if flag is not None and usize >= _ARGUMENTS.size:
        given = _ARGUMENTS.unpack(call.memory.read(uargs, _ARGUMENTS.size))
        _set(call, flag, name, given, in_structure=True)


def _set(
    call: Call,
    flag: CaseFlag | None,
    name: bytes | None,
    given: tuple[int, int, int],
    *,
    in_structure: bool = False,
) -> None:
    """`given` are address and size of the value, and flags, which setxattrat takes from a structure.

    What the kernel stores is looked at when it has, since the guest may change the value meanwhile.
    """
    if flag is None:
        return
    if name == KEPT_AS:
        raise Errno(EPERM)
    _check_name(flag, name)
    value, size, flags = given
    if flags & ~_XATTR_FLAGS:
        raise Errno(EINVAL)
    if flags & XATTR_CREATE:
        raise Errno(EEXIST)
    if size != 1 or call.memory.read(value, 1) not in _VALUES:
        raise Errno(EINVAL)
    before = flag.is_set()

    def then(result: int) -> int | None:
        refusal = flag.settle(before) if result == 0 else 0
        return -refusal if refusal else None

    # The attribute is always there for the guest, and perhaps not on the host: XATTR_REPLACE goes.
    if not call.put(3 if in_structure else 1, _NAME_PLACE, KEPT_AS + b"\0"):
        return
    if in_structure:
        call.put(4, _ARGUMENTS_PLACE, _ARGUMENTS.pack(value, size, 0))
        call.rewrite(5, _ARGUMENTS.size)
    else:
        call.rewrite(4, 0)
    call.then = then


def listxattr(provider: PicoProvider, call: Call, path: bytes | None, list: int, size: int) -> None:  # noqa: A002 - the row's name
    _list(call, _flag(provider, call, AT_FDCWD, path or None, FLAG), list, size)


def llistxattr(provider: PicoProvider, call: Call, path: bytes | None, list: int, size: int) -> None:  # noqa: A002
    _list(call, _flag(provider, call, AT_FDCWD, path or None, FLAG, follow=False), list, size)


def flistxattr(provider: PicoProvider, call: Call, fd: int, list: int, size: int) -> None:  # noqa: A002
    _list(call, _flag(provider, call, fd, b"", FLAG), list, size)


def listxattrat(
    provider: PicoProvider,
    call: Call,
    dirfd: int,
    path: bytes | None,
    flags: int,
    list: int,  # noqa: A002
    size: int,
) -> None:
    _list(call, _flag(provider, call, dirfd, path or b"", FLAG, follow=not flags & AT_SYMLINK_NOFOLLOW), list, size)


def _list(call: Call, flag: CaseFlag | None, address: int, size: int) -> None:
    """The kernel's list without the name that the host has, and with the guest's, which is never the shorter one."""
    if flag is None or not flag.is_directory:
        return
    memory = call.memory

    def then(result: int) -> int | None:
        if result < 0:
            return None
        if not size:
            return result + len(FLAG) + 1 - (len(KEPT_AS) + 1 if flag.is_kept() else 0)
        try:
            names = [name for name in memory.read(address, result).split(b"\0")[:-1] if name != KEPT_AS] + [FLAG]
            shown = b"".join([name + b"\0" for name in names])
            if len(shown) > size:
                return -ERANGE
            memory.write(address, shown)
        except Errno as error:
            return -error.errno
        return len(shown)

    call.then = then


def removexattr(provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None) -> None:
    _remove(_flag(provider, call, AT_FDCWD, path or None, name), name)


def lremovexattr(provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None) -> None:
    _remove(_flag(provider, call, AT_FDCWD, path or None, name, follow=False), name)


def fremovexattr(provider: PicoProvider, call: Call, fd: int, name: bytes | None) -> None:
    _remove(_flag(provider, call, fd, b"", name), name)


def removexattrat(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, name: bytes | None
) -> None:
    _remove(_flag(provider, call, dirfd, path or b"", name, follow=not flags & AT_SYMLINK_NOFOLLOW), name)


def _remove(flag: CaseFlag | None, name: bytes | None) -> None:
    if flag is not None:
        raise Errno(ENODATA if name == KEPT_AS else EOPNOTSUPP)


def _flag(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, name: bytes | None, *, follow: bool = True
) -> CaseFlag | None:
    """The flag of what a call is about; None if the kernel alone is asked: for other names, and off the drives.

    An empty path means the descriptor itself.
    """
    names = provider.names
    if names is None or not names.drives.keep_flags or path is None or name is None:
        return None
    if name != KEPT_AS and not name.startswith(_NAMESPACE):
        return None
    ours = names.on_host(call.stop.tid, dirfd, path)
    return names.drives.flag_of(ours, follow=follow) if path else names.drives.flag_of(ours.rstrip(b"/"), follow=True)


def _check_name(flag: CaseFlag, name: bytes | None) -> None:
    """Only directories have the attribute, and there is no other one of the system (facts/wsl1.md section 4.5)."""
    if name != FLAG or not flag.is_directory:
        raise Errno(EOPNOTSUPP)


def mkdir(provider: PicoProvider, call: Call, pathname: bytes | None, mode: int) -> None:
    del mode
    _flag_new(provider, call, AT_FDCWD, pathname)


def mkdirat(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, mode: int) -> None:
    del mode
    _flag_new(provider, call, dirfd, path)


def _flag_new(provider: PicoProvider, call: Call, dirfd: int, path: bytes | None) -> None:
    """A new directory on a drive gets the flag, or is not made (facts/wsl1.md section 4.5, mount modes)."""
    names = provider.names
    if names is None or not names.drives.keep_flags or path is None:
        return
    drives = names.drives
    host_path = names.on_host(call.stop.tid, dirfd, path)
    if call.made is not None:
        host_path = call.made.on_host()

    def then(result: int) -> int | None:
        if result:
            return None
        try:
            user = credentials_of(call.stop.tid).user
        except OSError:  # killed meanwhile
            return None
        return -drives.flag_new(host_path, user) or None

    call.then = then
