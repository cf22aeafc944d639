"""The attribute in which the host keeps owner and mode of a drive's file: guests neither see it nor set it."""

from __future__ import annotations

from errno import ENODATA, EPERM, ERANGE
from typing import TYPE_CHECKING

from picobox.errors import Errno
from picobox.platform import lx_files
from picobox.platform.host import AT_FDCWD
from picobox.platform.rights import credentials_of

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.platform.base import HostTid
    from picobox.provider import PicoProvider

KEPT_AS = lx_files.LX_XATTR.encode()
AT_SYMLINK_NOFOLLOW = 0x100
_TRUSTED = b"trusted."
_CAP_SYS_ADMIN = 1 << 21
_ENTRY = len(KEPT_AS) + 1


def getxattr(provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, *_: object) -> None:
    _refuse(_at(provider, call, AT_FDCWD, path or None, name), ENODATA)


def lgetxattr(provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, *_: object) -> None:
    _refuse(_at(provider, call, AT_FDCWD, path or None, name, follow=False), ENODATA)


def fgetxattr(provider: PicoProvider, call: Call, fd: int, name: bytes | None, *_: object) -> None:
    _refuse(_at(provider, call, fd, b"", name), ENODATA)


def getxattrat(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, name: bytes | None, *_: object
) -> None:
    _refuse(_at(provider, call, dirfd, path or b"", name, follow=not flags & AT_SYMLINK_NOFOLLOW), ENODATA)


def setxattr(provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, *_: object) -> None:
    _refuse(_at(provider, call, AT_FDCWD, path or None, name), EPERM)


def lsetxattr(provider: PicoProvider, call: Call, path: bytes | None, name: bytes | None, *_: object) -> None:
    _refuse(_at(provider, call, AT_FDCWD, path or None, name, follow=False), EPERM)


def fsetxattr(provider: PicoProvider, call: Call, fd: int, name: bytes | None, *_: object) -> None:
    _refuse(_at(provider, call, fd, b"", name), EPERM)


def setxattrat(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, flags: int, name: bytes | None, *_: object
) -> None:
    _refuse(_at(provider, call, dirfd, path or b"", name, follow=not flags & AT_SYMLINK_NOFOLLOW), EPERM)


# There is nothing to remove, as there is nothing to get.
removexattr = getxattr
lremovexattr = lgetxattr
fremovexattr = fgetxattr
removexattrat = getxattrat


def _at(
    provider: PicoProvider, call: Call, dirfd: int, path: bytes | None, name: bytes | None, *, follow: bool = True
) -> bytes | None:
    """A path of ours to what a call is about; None if it asks for another attribute, or the kernel has to say why not.

    An empty path means the descriptor itself.
    """
    names = provider.names
    if names is None or path is None or name != KEPT_AS:
        return None
    ours = names.on_host(call.stop.tid, dirfd, path)
    ours = ours if path else ours.rstrip(b"/")
    return ours if lx_files.real_path(ours, follow=follow or not path) is not None else None


def _refuse(ours: bytes | None, error: int) -> None:
    if ours is not None:
        raise Errno(error)


def listxattr(provider: PicoProvider, call: Call, path: bytes | None, list: int, size: int) -> None:  # noqa: A002 - the row's name
    _list(call, _at(provider, call, AT_FDCWD, path or None, KEPT_AS), list, size, follow=True)


def llistxattr(provider: PicoProvider, call: Call, path: bytes | None, list: int, size: int) -> None:  # noqa: A002
    _list(call, _at(provider, call, AT_FDCWD, path or None, KEPT_AS, follow=False), list, size, follow=False)


def flistxattr(provider: PicoProvider, call: Call, fd: int, list: int, size: int) -> None:  # noqa: A002
    _list(call, _at(provider, call, fd, b"", KEPT_AS), list, size, follow=True)


def listxattrat(
    provider: PicoProvider,
    call: Call,
    dirfd: int,
    path: bytes | None,
    flags: int,
    list: int,  # noqa: A002
    size: int,
) -> None:
    follow = not flags & AT_SYMLINK_NOFOLLOW
    _list(call, _at(provider, call, dirfd, path or b"", KEPT_AS, follow=follow), list, size, follow=follow or not path)


def _list(call: Call, ours: bytes | None, address: int, size: int, *, follow: bool) -> None:
    """The kernel's list without the name; one that is too long with it alone is ours."""
    if ours is None:
        return
    memory, tid = call.memory, call.stop.tid

    def then(result: int) -> int | None:
        if result != -ERANGE and result <= 0:
            return None
        try:
            is_told = size and result > 0
            names = _split(memory.read(address, result)) if is_told else _listed(ours, tid, follow=follow)
            if KEPT_AS not in names:
                return None
            if not size:
                return result - _ENTRY
            shown = b"".join([name + b"\0" for name in names if name != KEPT_AS])
            if len(shown) > size:
                return -ERANGE
            memory.write(address, shown)
        except Errno as error:
            return -error.errno
        return len(shown)

    call.then = then


def _split(text: bytes) -> list[bytes]:
    return text.split(b"\0")[:-1]


def _listed(ours: bytes, tid: HostTid, *, follow: bool) -> list[bytes]:
    """The names that the task may see (xattr(7))."""
    names = lx_files.xattr_names(ours, follow=follow)
    try:
        is_trusted = bool(credentials_of(tid).capabilities & _CAP_SYS_ADMIN)
    except OSError:  # killed meanwhile
        is_trusted = False
    return [name for name in names if is_trusted or not name.startswith(_TRUSTED)]
