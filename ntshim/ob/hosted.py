"""Directories in which the host has names of its own beside the objects that are named here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ntshim.ob.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from ntshim.ob.object import Object


class HostNames(Protocol):
    """Names that the host keeps, and the objects that stand for what they lead to."""

    def names(self) -> Iterable[str]:
        """Give all names that there are now, in an order that stays."""

    def identify(self, name: str) -> Hashable | None:
        """Tell what a name stands for now, by a value that is another one for anything else; None for nothing."""

    def make(self, name: str, identity: Hashable) -> Object:
        """Make the object for a name that has just been identified."""


class HostedDirectory(Directory):
    """A directory that asks the host at every look-up; what is named here hides what the host has under that name.

    A host's name has an object while a handle to one is open, and the same one, as long as it leads to the same thing:
    like that of any temporary object the name here goes with the last handle, and the next look-up makes another one.
    A name that the host has given up leads nowhere from then on, whoever has the object still open. `connect` gives
    the host when somebody first looks.
    """

    __slots__ = ("_host", "_identities", "_unopened", "connect")

    def __init__(self) -> None:
        """Make an empty directory without a host."""
        super().__init__()
        self.connect: Callable[[], HostNames] | None = None
        self._host: HostNames | None = None
        # What those of our entries stand for that are the host's.
        self._identities: dict[str, Hashable] = {}
        self._unopened: list[Object] = []

    def entries(self) -> Mapping[str, Object]:
        """Give what the directory holds now: what was named or opened here, then the host's other names."""
        self._drop_unopened()
        self._confirm_all()
        return super().entries()

    def find(self, name: str, ignore_case: bool = False) -> Object | None:
        """Give the object of a name, borrowed, or None; of several that differ in case the exact one."""
        self._drop_unopened()
        self.confirm(name)
        found = super().find(name)
        if found is not None or not ignore_case:
            return found
        self._confirm_all()
        return super().find(name, ignore_case=True)

    def remove(self, name: str) -> None:
        """Take an entry out, and with it what is known of the host's name."""
        self._identities.pop(name, None)
        super().remove(name)

    def confirm(self, name: str) -> None:
        """Bring the entry of a name up to date with the host."""
        known = self._identities.get(name)
        host = self._connected()
        if host is None or (known is None and name in self._entries):
            return
        identity = host.identify(name)
        if identity == known:
            return
        if known is not None:
            target = self._entries[name]
            target.name = None
            self.remove(name)
            self.dereference()
        if identity is not None:
            target = host.make(name, identity)
            self.insert(name, target)
            self._identities[name] = identity
            self._unopened.append(target)
            target.dereference()

    def _confirm_all(self) -> None:
        """Bring all entries up to date."""
        host = self._connected()
        if host is not None:
            for name in [*self._identities, *host.names()]:
                self.confirm(name)

    def _drop_unopened(self) -> None:
        """Take the names off that the last look-up has found and nobody has opened."""
        unopened, self._unopened = self._unopened, []
        for target in unopened:
            target.release_name()

    def _connected(self) -> HostNames | None:
        """Give the host, if there is one."""
        if self._host is None and self.connect is not None:
            self._host = self.connect()
        return self._host
