"""Who made a call: the frames of a guest's user stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.abi.x86_64 import USER_REGS
from picobox.check.modules import Files, Modules
from picobox.check.native_frames import Walk
from picobox.check.pages import Pages
from picobox.check.programs import program_of
from picobox.check.python_frames import PythonRuntime, find_runtime
from picobox.errors import Errno
from picobox.findings.finding import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picobox.call import Call
    from picobox.check.native_frames import Place
    from picobox.platform.base import Guide, HostTid
    from picobox.task import AddressSpace

LIMIT = 30
"""How many frames are told unless something else is asked."""

_MOST_SPACES = 64
# What is mapped may turn out to have changed, so that a stack is walked again.
_MOST_WALKS = 3
_FS_BASE, _IP = USER_REGS.index("fs_base"), USER_REGS.index("rip")


class _Space:
    """What is known of one address space: the script that its program runs, its modules, its CPython."""

    def __init__(self, files: Files, call: Call, pages: Pages) -> None:
        tid = call.stop.tid
        self.program = program_of(tid)
        self.python: PythonRuntime | None = None
        self._files = files
        self._original = call.platform.original
        self._modules: Modules | None = None
        if not self.program.is_interpreter or self.program.is_python:
            self.find_python(tid, pages)

    def modules(self, tid: HostTid, pages: Pages) -> Modules:
        """What is mapped, as we know it."""
        if self._modules is None:
            self._modules = Modules(self._files, tid, pages, self._original)
        return self._modules

    def find_python(self, tid: HostTid, pages: Pages) -> None:
        """Look for a CPython in what is mapped now."""
        if self.python is None:
            self.python = find_runtime(self.modules(tid, pages), pages)

    @property
    def frames_are_its_own(self) -> bool:
        """Whether what the program's code does is what an interpreter does for a script."""
        return self.program.is_interpreter and self.python is None


class Stacks:
    """Reads the stacks of stopped guests, and keeps what it will need again."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._files = Files()
        # By the object that stands for an address space: an exec and a fork make a new one.
        self._spaces: dict[AddressSpace, _Space] = {}

    def of(self, call: Call, limit: int = LIMIT) -> tuple[Frame, ...]:
        """The innermost frames of the thread that stands in a call, the innermost first.

        Python's frames alone where Python runs, the script alone where another interpreter runs one; else modules with
        offsets, of which `located` makes functions and lines. Empty if nothing is known.
        """
        tid = call.stop.tid
        space = self._spaces.get(call.task.address_space)
        if space is not None and space.frames_are_its_own:
            return space.program.script
        try:
            registers = call.platform.registers(tid)
        except (Errno, OSError):
            return ()
        if call.stop.ip:
            # Where it would stand without the gate.
            registers[_IP] = call.stop.ip
        thread_id = registers[_FS_BASE]
        expected = space.python.expected(thread_id) if space is not None and space.python is not None else ()
        pages = Pages(call.memory, expected)
        if space is None:
            space = self._new_space(call, pages)
        if space.frames_are_its_own:
            return space.program.script
        found = _python_frames(space, pages, thread_id, limit)
        return found or self._native_frames(space, tid, pages, registers, limit)

    def guide(self, call: Call) -> tuple[PythonRuntime, Guide] | None:
        """How to find the frames of a thread, which stands in a call, at its next calls; None where Python runs not."""
        space = self._spaces.get(call.task.address_space)
        if space is None or space.frames_are_its_own or space.python is None:
            return None
        try:
            guide = space.python.guide(call.platform.registers(call.stop.tid)[_FS_BASE])
        except (Errno, OSError):
            return None
        return None if guide is None else (space.python, guide)

    def located(self, stack: Sequence[Frame]) -> tuple[Frame, ...]:
        """The frames with functions and source lines, as far as the files tell: for what is shown to somebody."""
        return tuple(frame if frame.offset is None else self._files.located(frame) for frame in stack)

    def _new_space(self, call: Call, pages: Pages) -> _Space:
        if len(self._spaces) >= _MOST_SPACES:
            del self._spaces[next(iter(self._spaces))]
        space = self._spaces[call.task.address_space] = _Space(self._files, call, pages)
        return space

    def _native_frames(
        self, space: _Space, tid: HostTid, pages: Pages, registers: list[int], limit: int
    ) -> tuple[Frame, ...]:
        modules = space.modules(tid, pages)
        for _ in range(_MOST_WALKS):
            walk = Walk(modules, pages, registers)
            walk.run(limit)
            if modules.look_again(tid, pages, walk.strangers):
                space.find_python(tid, pages)
                found = _python_frames(space, pages, registers[_FS_BASE], limit)
                if found:
                    return found
            elif not modules.have_changed(tid, pages, [place.module for place in walk.places]):
                break
        return tuple(_frame_of(place) for place in walk.places)


def _python_frames(space: _Space, pages: Pages, thread_id: int, limit: int) -> tuple[Frame, ...]:
    return () if space.python is None else space.python.frames(pages, thread_id, limit)


def _frame_of(place: Place) -> Frame:
    return Frame(place.module.path, offset=place.address - place.module.bias)
