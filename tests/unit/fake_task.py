"""Owns a task without a process, for tests of the reference platform's parts."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import SimpleNamespace

from picobox.abi.x86_64 import AUDIT_ARCH_X86_64, USER_REGS
from picobox.platform.reference_task import ReferenceTask


class FakeSiginfo:
    """A siginfo of which only the code and the first words matter."""

    def __init__(self, code: int, words: tuple[int, ...]) -> None:
        self.si_code = code
        self._words = words

    def __bytes__(self) -> bytes:
        return struct.pack("<6Q80x", *self._words)


class FakeTask(ReferenceTask):
    """A task whose registers are plain numbers and whose memory is this process's."""

    def __init__(self, pid: int = 0, **registers: int) -> None:
        super().__init__()
        self.pid = pid or os.getpid()
        self.regs = dict.fromkeys(USER_REGS, 0) | {"rip": 0x1002} | registers
        self.architecture = AUDIT_ARCH_X86_64
        self.stored: list[tuple[int, bytes]] = []
        self.signals: list[int] = []
        self.forgotten = False
        self.si_code = 0
        self.siginfo_words = (1, 2, 3, 4, 5, 6)
        self.getregs = lambda: SimpleNamespace(**self.regs)
        self.setregs = lambda regs: self.regs.update(vars(regs))
        self.getsiginfo = lambda: FakeSiginfo(self.si_code, self.siginfo_words)
        self.detach = self.forget
        self.run = self.record
        self.call_architecture = lambda: self.architecture
        self.load = self.fetch
        self.store = lambda address, data: self.stored.append((address, data))

    def forget(self) -> None:
        self.forgotten = True

    def record(self, signum: int = 0) -> None:
        self.signals.append(signum)

    def fetch(self, address: int, size: int) -> bytes:
        with Path("/proc/self/mem").open("rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(size)
