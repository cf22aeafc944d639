"""Changes of names that the core lets go on without showing them: Python says what is in their way (_native/check)."""

from __future__ import annotations

from errno import ENOMEM
from typing import TYPE_CHECKING, Any

from picobox._native._core import lib

if TYPE_CHECKING:
    from collections.abc import Callable

    from picobox.platform.base import HostTid
    from picobox.platform.identity import Key
    from picobox.platform.name_table import NameTable


class UnopposedChanges:
    """What one core knows of what stands in the way. MemoryError where it has no memory for more."""

    def __init__(self, core: Callable[[], Any]) -> None:
        """`core` gives the core, NULL once it is closed: then nothing is kept."""
        self._core = core
        self._table: NameTable | None = None

    def leave(self, table: NameTable, longest: int) -> None:
        """Removals, and calls that make directories, need not be shown from now on where nothing is in their way.

        `table` has the names of directories; a path of more than `longest` bytes may be too long on Windows.
        """
        self._table = table
        lib.pb_leave_changes(self._core(), table.native, longest)

    def show_makings(self, *, shows: bool) -> None:
        """Every call that makes a directory or a file is shown, or no more."""
        core = self._core()
        if core:
            lib.pb_show_makings(core, shows)

    def leave_caller(self, tid: HostTid, does: int, stack: tuple[int, int], *, for_now: bool) -> None:
        """What a task, at a call's entry, sets, makes or looks at (PB_CALLER_x) tells nothing where these frames do it.

        `stack`: how many frames those are, the innermost ones, of how many there are. `for_now`: see `forget_callers`.
        """
        _check(lib.pb_leave_caller(self._core(), tid, does, *stack, for_now))

    def forget_callers(self) -> None:
        """Those are shown again that were left out for the time being."""
        lib.pb_forget_callers(self._core())

    def receivers_told(self) -> None:
        """All is marked that those have open who were receivers (`Platform.receivers`)."""
        core = self._core()
        if core:
            lib.pb_receivers_told(core)

    def await_file(self, key: Key) -> None:
        """The removal of a file is shown from now on: it may be mapped, or tells something."""
        core = self._core()
        if core:
            _check(lib.pb_mark_file(core, lib.PB_FILE_AWAITED, *key, True))

    def mark_above(self, directory: bytes, *, is_so: bool) -> None:
        """Something is open below a directory, or was when it was deleted; or no more."""
        core = self._core()
        if core:
            _check(lib.pb_mark_path(core, lib.PB_PATH_ABOVE, directory, len(directory), is_so))

    def mark_name(self, directory: Key, name: bytes, *, is_so: bool) -> None:
        """A file is open that was deleted under a name, or is no more: who makes a directory of it is shown."""
        core = self._core()
        if core:
            _check(lib.pb_mark_name(core, *directory, name, len(name), is_so))


def _check(error: int) -> None:
    if error == -ENOMEM:
        raise MemoryError
