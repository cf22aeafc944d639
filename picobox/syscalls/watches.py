"""Calls by which a guest sees who opens and reads a directory: what picobox wants to know of it is listed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.platform.host import AT_FDCWD

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.provider import PicoProvider

# linux/inotify.h: IN_ACCESS, IN_CLOSE_NOWRITE and IN_OPEN, which are the same bits in linux/fanotify.h.
_SHOWS_LISTING = 0x01 | 0x10 | 0x20
_IN_DONT_FOLLOW = 0x0200_0000
# linux/fanotify.h
_FAN_MARK_ADD, _FAN_MARK_DONT_FOLLOW, _FAN_MARK_MOUNT, _FAN_MARK_FILESYSTEM = 1, 4, 0x10, 0x100
_FAN_PERMISSION = 0x1_0000 | 0x2_0000  # of opens and of reads


def inotify_init(provider: PicoProvider, call: Call) -> None:
    del call
    if provider.names is not None:
        provider.names.spare_inotify_instance()
    provider.platform.spare_instance()


def inotify_init1(provider: PicoProvider, call: Call, flags: int) -> None:
    del flags
    inotify_init(provider, call)


def inotify_add_watch(provider: PicoProvider, call: Call, fd: int, pathname: bytes | None, mask: int) -> None:
    del fd
    if provider.names is not None and pathname and mask & _SHOWS_LISTING:
        provider.names.expect_observer(call.stop.tid, AT_FDCWD, pathname, follow=not mask & _IN_DONT_FOLLOW)


def fanotify_mark(
    provider: PicoProvider, call: Call, fanotify_fd: int, flags: int, mask: int, dirfd: int, pathname: bytes | None
) -> None:
    """A mark of a whole mount or file system shows the supervisor as any process that is not a guest's."""
    del fanotify_fd
    whole = flags & (_FAN_MARK_MOUNT | _FAN_MARK_FILESYSTEM)
    shows = flags & _FAN_MARK_ADD and not whole and mask & (_SHOWS_LISTING | _FAN_PERMISSION)
    if provider.names is not None and shows:
        follow = not flags & _FAN_MARK_DONT_FOLLOW
        provider.names.expect_observer(call.stop.tid, dirfd, pathname or b".", follow=follow)
