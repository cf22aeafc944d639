"""Shows the status of files: what the kernel says of them, with owner, mode and device as they are kept."""

from __future__ import annotations

import os
import re
import stat
from struct import Struct
from typing import TYPE_CHECKING

from picobox.session.fakeroot import calls
from picobox.session.fakeroot.mounts import Kind, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picobox.call import Call
    from picobox.session.fakeroot.nodes import Node
    from picobox.session.fakeroot.root import FakeRoot
    from picobox.session.metadata import Metadata

# struct stat has st_mode, st_uid, st_gid, then st_rdev; struct statx stx_uid, stx_gid, stx_mode, and stx_rdev_major.
_owner, _device = Struct("<3I"), Struct("<Q")
_OWNER_PLACE, _DEVICE_PLACE = 24, 40
_owner_x, _device_x = Struct("<2IH"), Struct("<2I")
_OWNER_X_PLACE, _DEVICE_X_PLACE = 20, 128
# st_mode comes before st_uid and st_gid; st_dev is first, stx_dev_major behind stx_rdev_minor.
_MODE_SIZE, _IDS_SIZE, _FILE_SYSTEM_X_PLACE = 4, 8, 136
_PLACES = {"newfstatat": 2}
_ABOUT_SERVERS = 0x6000  # AT_STATX_SYNC_TYPE
_OF_PROCESS = re.compile(rb"/proc/(\d+)(?:/|\Z)")


def shown(root: FakeRoot, call: Call, node: Node) -> Metadata:
    """Owner and mode of a file as a task sees them: what belongs to a process is its user's."""
    told = node.shown
    if node.kind is Kind.PROCESSES:
        found = _OF_PROCESS.match(path_of(node.fd))
        task = None if found is None else root.tasks.of_number(int(found[1]))
        if task is None:
            return told._replace(uid=0, gid=0)
        owner = root.credentials(task)
        return told._replace(uid=owner.users.effective, gid=owner.groups.effective)
    if node.kind is Kind.OUTSIDE and not path_of(node.fd).startswith(b"/"):
        # A pipe, a socket, memory: who has it has made it, or was given it.
        asks = root.credentials(call.task)
        return told._replace(uid=asks.users.files, gid=asks.groups.files)
    return told


def _stat(root: FakeRoot, call: Call, node: Node, address: int) -> int:
    told, buffer = shown(root, call, node), bytearray(node.looked.status)
    _owner.pack_into(buffer, _OWNER_PLACE, told.mode, told.uid, told.gid)
    if told.device is not None:
        _device.pack_into(buffer, _DEVICE_PLACE, os.makedev(*told.device))
    call.memory.write(address, bytes(buffer))
    return 0


def show(root: FakeRoot, call: Call, node: Node, arguments: Sequence[int]) -> int:
    """stat(2), lstat(2), fstat(2): the structure is the second argument."""
    return _stat(root, call, node, arguments[1])


def show_at(root: FakeRoot, call: Call, node: Node, arguments: Sequence[int]) -> int:
    """newfstatat(2)."""
    return _stat(root, call, node, arguments[2])


def show_x(root: FakeRoot, call: Call, node: Node, arguments: Sequence[int]) -> int:
    """statx(2)."""
    _, _, flags, mask, address = arguments
    told, buffer = shown(root, call, node), calls.status_x(node.fd, flags & _ABOUT_SERVERS, mask)
    _owner_x.pack_into(buffer, _OWNER_X_PLACE, told.uid, told.gid, told.mode)
    if told.device is not None:
        _device_x.pack_into(buffer, _DEVICE_X_PLACE, *told.device)
    call.memory.write(address, bytes(buffer))
    return 0


def correct_served(device: int, call: Call) -> None:
    """Has what the kernel alone may look up be root's, whoever of the host serves it: what is on that device."""
    name = call.row.name if call.row is not None else ""
    if name not in HANDLERS:
        return
    is_x = name == "statx"
    address = call.stop.args[4 if is_x else _PLACES.get(name, 1)]

    def then(result: int) -> None:
        if result < 0:
            return
        if is_x:
            found = os.makedev(*_device_x.unpack(call.memory.read(address + _FILE_SYSTEM_X_PLACE, _device_x.size)))
        else:
            (found,) = _device.unpack(call.memory.read(address, _device.size))
        if found == device:
            place = _OWNER_X_PLACE if is_x else _OWNER_PLACE + _MODE_SIZE
            call.memory.write(address + place, bytes(_IDS_SIZE))

    call.then = then


def is_device(told: Metadata) -> bool:
    """Whether a file is shown as a device."""
    return stat.S_IFMT(told.mode) in (stat.S_IFCHR, stat.S_IFBLK)


HANDLERS: dict[str, Callable[[FakeRoot, Call, Node, Sequence[int]], int]] = {
    "stat": show,
    "lstat": show,
    "fstat": show,
    "newfstatat": show_at,
    "statx": show_x,
}
