r"""What guests share by name, as objects of `\BaseNamedObjects`: shm_open's memory, sem_open's semaphores."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from ntshim import status as st
from ntshim.fs.names import from_host, to_host
from ntshim.ke.semaphore import SEMAPHORE_QUERY_STATE, Semaphore
from ntshim.mm.protection import PAGE_READWRITE
from ntshim.mm.section import SEC_COMMIT, Section
from ntshim.ob.object import READ_CONTROL
from picobox.platform import shm

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ntshim.ob.object import Object

_Answer = TypeVar("_Answer")

SEM_VALUE_MAX = 0x7FFFFFFF


class NamedObjects:
    """The names in /dev/shm (ob.hosted.HostNames): each is the file's own, a semaphore's with its `sem.`.

    POSIX has two spaces of names where NT has one, so the prefix that keeps them apart in the directory does so here.
    """

    def names(self) -> list[str]:
        """The names that NT can speak of."""
        return [name for name in map(from_host, shm.names()) if "\\" not in name]

    def identify(self, name: str) -> shm.SharedFile | None:
        """The file of a name."""
        try:
            host_name = to_host(name)
        except st.NtError:
            return None
        return None if b"/" in host_name else shm.find(host_name)

    def make(self, name: str, identity: Hashable) -> Object:
        """The object of a file."""
        if not isinstance(identity, shm.SharedFile):
            raise TypeError(identity)
        made = GuestSemaphore if identity.is_semaphore else GuestSection
        return made(to_host(name), identity)


class GuestSection(Section):
    """Shared memory of guests, whose size is the file's."""

    __slots__ = ("_host_file", "_host_name")

    def __init__(self, host_name: bytes, host_file: shm.SharedFile) -> None:
        """Stand for a file."""
        super().__init__(0, PAGE_READWRITE, SEC_COMMIT)
        self._host_name = host_name
        self._host_file = host_file

    def maximum_size(self) -> int:
        """The size in bytes now; STATUS_FILE_DELETED once its name is gone."""
        return _ask(shm.size, self._host_name, self._host_file)


class GuestSemaphore(Semaphore):
    """A semaphore of guests. Its value can be seen; to change it takes an atomic operation in their memory."""

    __slots__ = ("_host_file", "_host_name")

    maximum_access: ClassVar[int] = READ_CONTROL | SEMAPHORE_QUERY_STATE

    def __init__(self, host_name: bytes, host_file: shm.SharedFile) -> None:
        """Stand for a file."""
        super().__init__(0, SEM_VALUE_MAX)
        self._host_name = host_name
        self._host_file = host_file

    def state(self) -> tuple[int, int]:
        """Its value now, and the limit; STATUS_FILE_DELETED once its name is gone."""
        return _ask(shm.semaphore_value, self._host_name, self._host_file), self.limit


def _ask(question: Callable[[bytes, shm.SharedFile], _Answer | None], name: bytes, file: shm.SharedFile) -> _Answer:
    """What the host says of a file; its failures are those of NT."""
    try:
        answer = question(name, file)
    except OSError as error:
        raise st.NtError(st.status_of_errno(error.errno or 0)) from error
    if answer is None:
        raise st.NtError(st.STATUS_FILE_DELETED)
    return answer
