"""A whole NT system in one object, for programs and people that use ntshim as a library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim.fs.memfs import MemFs
from ntshim.fs.volume import Volume
from ntshim.nt import NtServices
from ntshim.ob.symlink import SymbolicLink
from ntshim.ps import Executive, PicoThreadAttributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ntshim.fs.backend import Backend
    from ntshim.fs.rules import VolumeRules
    from ntshim.ke.clock import Clock
    from ntshim.ps import Process, Thread


class System:
    r"""An executive that has booted, its services, drives and processes.

    `nt` has every service under its exact name; the first argument of each is the caller, a process or thread of
    this system. A failure is `ntshim.status.NtError`, whose `status` is the NTSTATUS. `drives` maps letters to back
    ends (`ntshim.fs.memfs.MemFs`, `ntshim.fs.hostfs.HostFs`); a drive is found as `\??\C:` and is one of
    `\Device\HarddiskVolume1`, `2` ... Without any there is `C:` in memory. It is not made for use by two threads of the
    interpreter at a time.
    """

    def __init__(self, drives: Mapping[str, Backend] | None = None, *, clock: Clock | None = None) -> None:
        """Boot. `clock` None is the machine's."""
        host = _NothingRuns()
        self.executive = host.executive = Executive(host, clock)
        self.executive.boot()
        self.nt = NtServices(self.executive)
        for letter, backend in ({"C": MemFs()} if drives is None else drives).items():
            self.add_drive(letter, backend)

    def add_drive(self, letter: str, backend: Backend, *, rules: VolumeRules | None = None) -> Volume:
        """Make a drive; `rules` are those of a kind of volume, NTFS's by default. ValueError if the letter is taken."""
        link = f"\\GLOBAL??\\{letter.upper()}:"
        directory = self.executive.namespace.directory("\\Device")
        if self.executive.namespace.directory("\\GLOBAL??").find(f"{letter.upper()}:") is not None:
            raise ValueError(f"drive {letter} is there already")
        number = 1
        while directory.find(f"HarddiskVolume{number}") is not None:
            number += 1
        device = f"\\Device\\HarddiskVolume{number}"
        volume = Volume(backend) if rules is None else Volume(backend, rules=rules)
        self.executive.namespace.add(device, volume)
        self.executive.namespace.add(link, SymbolicLink(device))
        return volume

    def new_process(self, image_name: str = "process") -> Process:
        """Make a process; end it with NtTerminateProcess, or leave it."""
        return self.executive.create_minimal_process(image_name)

    def new_thread(self, process: Process) -> Thread:
        """Make a thread of a process. It runs nothing: it is in whose name services are called and objects owned."""
        thread = self.executive.create_pico_thread(PicoThreadAttributes(process, self))
        self.executive.resume_thread(thread)
        return thread


class _NothingRuns:
    """A host below which threads have no registers and end when they are told to."""

    executive: Executive

    def _nothing(self, *_: Any) -> Any:
        return None

    get_context = set_context = suspend_thread = resume_thread = set_descriptor_base = _nothing

    def get_affinity(self, thread: Thread) -> int:
        """Every thread may run on the one processor there is."""
        del thread
        return 1

    set_affinity = _nothing

    def terminate_thread(self, thread: Thread, status: int) -> None:
        """The thread is gone at once."""
        self.executive.thread_exited(thread, status)

    def terminate_process(self, process: Process, status: int) -> None:
        """All its threads are gone at once."""
        for thread in list(process.threads.values()):
            self.executive.thread_exited(thread, status)
