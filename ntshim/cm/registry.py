r"""The registry as it is at boot, and how hives come into it and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntshim import status as st
from ntshim.cm.node import Hive, KeyNode

if TYPE_CHECKING:
    from ntshim.cm.node import Store

# What is there at boot, in memory alone: hives with a store are loaded over it or beside it.
_HIVES = {"MACHINE": ("HARDWARE", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"), "USER": (".DEFAULT",)}


def make_registry() -> KeyNode:
    r"""Make the master hive, in which hives are mounted, with those of a system that has just booted."""
    master = Hive("REGISTRY")
    root = master.root
    root.volatile = True
    for place, names in _HIVES.items():
        above = KeyNode(place, root, master, volatile=True)
        root.add(above)
        for name in names:
            mount(above, Hive(name))
    return root


def mount(above: KeyNode, hive: Hive) -> None:
    """Put a hive's root below a key."""
    hive.root.parent = above
    above.add(hive.root)


def check_place(above: KeyNode, name: str) -> None:
    r"""Check that a hive may be loaded under a name: below `\REGISTRY\MACHINE` or `\REGISTRY\USER`, and not there yet.

    STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_COLLISION.
    """
    if above.parent is None or above.parent.parent is not None:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if above.find(name) is not None:
        raise st.NtError(st.STATUS_OBJECT_NAME_COLLISION)


def load(above: KeyNode, name: str, store: Store) -> None:
    """Mount the hive that a store keeps, once: STATUS_SHARING_VIOLATION for one that is or was mounted."""
    check_place(above, name)
    if store.hive.root.parent is not None:
        raise st.NtError(st.STATUS_SHARING_VIOLATION)
    store.hive.root.name = name
    mount(above, store.hive)


def unload(root: KeyNode) -> None:
    """Take a hive out; STATUS_INVALID_PARAMETER for another key, STATUS_CANNOT_DELETE while something of it is open."""
    if not root.is_hive_root or root.parent is None:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if _is_open(root):
        raise st.NtError(st.STATUS_CANNOT_DELETE)
    root.parent.remove(root)
    if root.hive.store is not None:
        root.hive.store.close()


def _is_open(node: KeyNode) -> bool:
    """Whether anybody has a key of a tree open."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.open_count:
            return True
        waiting += at.subkeys()
    return False
