"""The pico contract: the two tables of routines that kernel and provider exchange, once, at start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.ob.object import SYNCHRONIZE
from ntshim.ps.process import (
    PROCESS,
    PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_TERMINATE,
    THREAD,
    THREAD_QUERY_LIMITED_INFORMATION,
    THREAD_TERMINATE,
    Frame,
    Process,
    Registers,
    Thread,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ob.handles import HandleTable
    from ntshim.ob.object import Object
    from ntshim.ps.executive import Executive

PS_PICO_CREATE_PROCESS_CLONE_PARENT = 0x1
PS_PICO_CREATE_PROCESS_INHERIT_HANDLES = 0x2
PS_PICO_CREATE_PROCESS_CLONE_REDUCED_COMMIT = 0x4
PS_PICO_CREATE_PROCESS_BREAKAWAY = 0x8

PICO_DESCRIPTOR_FS = 0
PICO_DESCRIPTOR_GS = 1

# Outsiders may see that a pico process is there, end it and wait for it (facts/wsl1.md section 1.2).
DEFAULT_OPEN_PROCESS = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE | SYNCHRONIZE
DEFAULT_OPEN_THREAD = THREAD_QUERY_LIMITED_INFORMATION | THREAD_TERMINATE | SYNCHRONIZE

# Bytes of the C structures on a 64-bit system: the size itself, pointers of 8, access masks of 4.
PROVIDER_CALLBACKS = 6
PS_PICO_PROVIDER_ROUTINES_SIZE = 8 + PROVIDER_CALLBACKS * 8 + 2 * 4
PS_PICO_ROUTINES_SIZE = 8 + 11 * 8


class PsPicoProviderRoutines(NamedTuple):
    """What the provider gives the kernel, PS_PICO_PROVIDER_ROUTINES: its size, six routines, two ceilings of access."""

    DispatchSystemCall: Callable[[Frame], None]
    ExitThread: Callable[[Thread], None]
    ExitProcess: Callable[[Process], None]
    DispatchException: Callable[[Any, Frame, int], bool]
    TerminateProcess: Callable[[Process, int], None]
    WalkUserStack: Callable[[Frame, int], list[int]]
    OpenProcess: int = DEFAULT_OPEN_PROCESS
    OpenThread: int = DEFAULT_OPEN_THREAD
    size: int = PS_PICO_PROVIDER_ROUTINES_SIZE


class PicoProcessAttributes(NamedTuple):
    """What a new process is to be, PS_PICO_PROCESS_ATTRIBUTES.

    `parent` None is the system process, `token` None the parent's. `handle_table` is for a host whose descriptor
    table backs or shares it: the new process becomes a user of it in place of a table of its own; pass
    `table.share()` if another process uses it already.
    """

    context: Any
    parent: Process | None = None
    token: Object | None = None
    flags: int = 0
    image_name: str = ""
    handle_table: HandleTable | None = None


class PicoThreadAttributes(NamedTuple):
    """What a new thread is to be, PS_PICO_THREAD_ATTRIBUTES; `registers` None leaves those the host made it with."""

    process: Process
    context: Any
    registers: Registers = None


class PsPicoRoutines(NamedTuple):
    """What the kernel gives the provider, PS_PICO_ROUTINES: its size and eleven routines. All raise NtError."""

    CreateProcess: Callable[[PicoProcessAttributes], Process]
    CreateThread: Callable[[PicoThreadAttributes], Thread]
    GetProcessContext: Callable[[Process], Any]
    GetThreadContext: Callable[[Thread], Any]
    GetContextThread: Callable[[Thread], Registers]
    SetContextThread: Callable[[Thread, Registers], None]
    TerminateThread: Callable[[Thread, int], int]
    ResumeThread: Callable[[Thread], int]
    SetThreadDescriptorBase: Callable[[Thread, int, int], None]
    SuspendThread: Callable[[Thread], int]
    TerminateProcess: Callable[[Process, int], int]
    size: int = PS_PICO_ROUTINES_SIZE


def PsRegisterPicoProvider(
    executive: Executive, provider_routines: PsPicoProviderRoutines, pico_routines_size: int = PS_PICO_ROUTINES_SIZE
) -> PsPicoRoutines:
    """Make a provider the one that serves pico processes; gives the kernel's routines in return.

    Checked in this order: either size wrong, STATUS_INFO_LENGTH_MISMATCH; a ceiling with bits that its type does not
    know, STATUS_INVALID_PARAMETER; the boot window closed, STATUS_TOO_LATE. There is no way to unregister, so the
    first registration closes the window too and a second one is as late. Source: facts/wsl1.md sections 1.2, 8.1
    (sizes, masks, window) and 11 (these are all the statuses there are).
    """
    if provider_routines.size != PS_PICO_PROVIDER_ROUTINES_SIZE or pico_routines_size != PS_PICO_ROUTINES_SIZE:
        raise st.NtError(st.STATUS_INFO_LENGTH_MISMATCH)
    if provider_routines.OpenProcess & ~PROCESS.valid_mask or provider_routines.OpenThread & ~THREAD.valid_mask:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if executive.booted or executive.provider is not None:
        raise st.NtError(st.STATUS_TOO_LATE)
    executive.provider = provider_routines
    return PsPicoRoutines(
        CreateProcess=executive.create_pico_process,
        CreateThread=executive.create_pico_thread,
        GetProcessContext=get_process_context,
        GetThreadContext=get_thread_context,
        GetContextThread=executive.get_context_thread,
        SetContextThread=executive.set_context_thread,
        TerminateThread=executive.terminate_thread,
        ResumeThread=executive.resume_thread,
        SetThreadDescriptorBase=executive.set_thread_descriptor_base,
        SuspendThread=executive.suspend_thread,
        TerminateProcess=executive.terminate_process,
    )


def check_process_attributes(attributes: PicoProcessAttributes) -> None:
    """Raise STATUS_INVALID_PARAMETER for no context, unknown flags, or flags that need a clone without one.

    Source: facts/wsl1.md sections 1.2 and 8.1.
    """
    flags = attributes.flags
    clone = flags & PS_PICO_CREATE_PROCESS_CLONE_PARENT
    known = clone | (flags & PS_PICO_CREATE_PROCESS_BREAKAWAY)
    if clone:
        known |= flags & (PS_PICO_CREATE_PROCESS_INHERIT_HANDLES | PS_PICO_CREATE_PROCESS_CLONE_REDUCED_COMMIT)
    if attributes.context is None or flags != known or (clone and attributes.parent is None):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)


def get_process_context(process: Process) -> Any:
    """Give the provider's own context of a process back; None for a process that is not pico."""
    return process.context


def get_thread_context(thread: Thread) -> Any:
    """Give the provider's own context of a thread back; None for a thread that is not pico."""
    return thread.context
