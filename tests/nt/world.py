"""One executive for one row: a caller without privileges, the services, and their answers as statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ntshim import status as st
from ntshim.nt import NtServices
from ntshim.ob.open import Created
from ntshim.ps.executive import Executive
from ntshim.ps.pico import PicoThreadAttributes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ps.process import Host


class World:
    """A fresh executive with one process of one thread. Nothing runs in it, so it has no host."""

    def __init__(self) -> None:
        """Boot."""
        self.executive = Executive(cast("Host", None))
        self.nt = NtServices(self.executive)
        self.process = self.executive.create_minimal_process("oracle")
        self.thread = self.executive.create_pico_thread(PicoThreadAttributes(self.process, object()))
        self.system = self.executive.system_process


class Answer:
    """What a service gave: its status as eight hexadecimal digits, its value if it succeeded."""

    def __init__(self, call: Callable[[], Any]) -> None:
        """Call the service."""
        self.value: Any = None
        status = st.STATUS_SUCCESS
        try:
            self.value = call()
        except st.NtError as error:
            status = error.status
        if isinstance(self.value, Created):
            self.value, status = self.value
        self.status = f"{status:08X}"


def mismatch(what: str, expected: str, got: str) -> list[str]:
    """Compare two statuses or numbers in hexadecimal, whatever their case; gives the mismatch, or nothing."""
    if expected.upper() == got.upper():
        return []
    return [f"{what}: expected {expected.upper()}, got {got.upper()}"]
