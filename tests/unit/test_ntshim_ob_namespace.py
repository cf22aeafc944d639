"""The standard tree, the device map, and processes by name and by id: facts/nt.md section 1.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ntshim_host import TinyProvider, boot
from ntshim_ob import BASE, World, status_of

from ntshim import status as st
from ntshim.nt import NtServices
from ntshim.ob import attributes as oa
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, Object
from ntshim.ob.symlink import SymbolicLink
from ntshim.ob.types import ROWS, make_type
from ntshim.ps import PicoProcessAttributes, PicoThreadAttributes
from ntshim.ps.services import ClientId

if TYPE_CHECKING:
    from ntshim.ps import Process

NOBODY = ObjectAttributes()


def listed(world: World, path: str) -> dict[str, str]:
    """Give names and types in a directory."""
    handle = world.open("Directory", path)
    if status_of(world.nt.NtQueryDirectoryObject, world.thread, handle, 1 << 20) == st.STATUS_NO_MORE_ENTRIES:
        return {}
    return dict(world.nt.NtQueryDirectoryObject(world.thread, handle, 1 << 20).entries)


def target_of(world: World, path: str) -> str:
    return world.nt.NtQuerySymbolicLinkObject(world.thread, world.open("SymbolicLink", path)).target


def test_the_root() -> None:
    directories = {
        "??", "GLOBAL??", "ArcName", "BaseNamedObjects", "Callback", "Device", "Driver", "FileSystem", "KernelObjects",
        "KnownDlls", "KnownDlls32", "ObjectTypes", "RPC Control", "Security", "Sessions", "UMDFCommunicationPorts",
        "Windows",
    }  # fmt: skip
    expected = dict.fromkeys(directories, "Directory") | {"DosDevices": "SymbolicLink", "REGISTRY": "Key"}
    # Code pages have no sections here.
    assert listed(World(), "\\") == expected


@pytest.mark.parametrize(
    ("path", "entries"),
    [
        (r"\Device", dict.fromkeys(("NamedPipe", "Mailslot", "Null", "ConDrv", "Afd", "Mup", "KsecDD"), "Device")),
        (BASE, dict.fromkeys(("Global", "Local", "Session"), "SymbolicLink")),
        (r"\Sessions", dict.fromkeys(("0", "1", "BNOLINKS"), "Directory")),
        (r"\Sessions\0", {"BaseNamedObjects": "SymbolicLink", "DosDevices": "Directory", "Windows": "SymbolicLink"}),
        (
            r"\Sessions\1",
            dict.fromkeys(("BaseNamedObjects", "DosDevices", "AppContainerNamedObjects", "Windows"), "Directory"),
        ),
        (r"\Sessions\1\Windows", {"WindowStations": "Directory"}),
        (r"\Sessions\BNOLINKS", {"0": "SymbolicLink", "1": "SymbolicLink"}),
        (r"\KnownDlls", {"KnownDllPath": "SymbolicLink"}),
        (r"\ObjectTypes", dict.fromkeys(ROWS, "Type")),
        (
            r"\KernelObjects",
            {
                "LowMemoryCondition": "Event",
                "HighMemoryCondition": "Event",
                "MemoryErrors": "Event",
                "SystemErrorPortReady": "Event",
                "CritSecOutOfMemoryEvent": "KeyedEvent",
            },
        ),
        (r"\Security", {"LSA_AUTHENTICATION_INITIALIZED": "Event"}),
        (r"\Windows", {"WindowStations": "Directory"}),
        (r"\Driver", {}),
    ],
)
def test_directories_of_the_tree(path: str, entries: dict[str, str]) -> None:
    assert entries.items() <= listed(World(), path).items()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (r"\DosDevices", r"\??"),
        (r"\??\NUL", r"\Device\Null"),
        (r"\??\CON", r"\Device\ConDrv\Console"),
        (r"\??\PIPE", r"\Device\NamedPipe"),
        (r"\??\UNC", r"\Device\Mup"),
        (r"\??\COM1", r"\Device\Serial0"),
        (r"\??\Global", r"\GLOBAL??"),
        (r"\GLOBAL??\GLOBALROOT", ""),
        (r"\BaseNamedObjects\Global", BASE),
        (r"\BaseNamedObjects\Session", r"\Sessions\BNOLINKS"),
        (r"\Sessions\1\BaseNamedObjects\Local", r"\Sessions\1\BaseNamedObjects"),
        (r"\Sessions\BNOLINKS\1", r"\Sessions\1\BaseNamedObjects"),
    ],
)
def test_links_of_the_tree(path: str, target: str) -> None:
    assert target_of(World(), path) == target


@pytest.mark.parametrize(
    "path",
    [
        r"\BaseNamedObjects\Global\x",
        r"\BaseNamedObjects\Session\0\x",
        r"\??\GLOBALROOT\BaseNamedObjects\x",
        r"\DosDevices\Global\GLOBALROOT\Sessions\0\BaseNamedObjects\x",
        r"\Sessions\1\BaseNamedObjects\Global\x",
    ],
)
def test_ways_to_the_same_object(path: str) -> None:
    world = World()
    world.create("Event", rf"{BASE}\x")
    assert world.open("Event", path)


def test_the_standard_tree_is_permanent() -> None:
    world = World()
    world.close(world.open("Event", r"\KernelObjects\MemoryErrors"))
    world.close(world.open("Directory", r"\Callback"))
    assert world.open("Event", r"\KernelObjects\MemoryErrors")
    assert world.open("Directory", r"\Callback")


def test_the_tree_is_made_when_somebody_looks() -> None:
    world = World()
    assert world.executive._namespace is None
    assert world.executive.namespace is world.executive.namespace


def test_the_logon_names_devices_before_the_system() -> None:
    world = World()
    own = world.link(r"\??\PIPE", r"\Device\Mine")
    assert target_of(world, r"\DosDevices\PIPE") == r"\Device\Mine"
    assert target_of(world, r"\GLOBAL??\PIPE") == r"\Device\NamedPipe"
    assert world.nt.NtQueryObject(world.thread, own, 1) == r"\Sessions\0\DosDevices\00000000-000186a0\PIPE"
    listed_names = list(listed(world, r"\??"))
    assert listed_names.count("PIPE") == 1
    assert "NUL" in listed_names
    assert world.status("SymbolicLink", ObjectAttributes(r"\??\PIPE"))[1] == st.STATUS_OBJECT_NAME_COLLISION
    world.close(own)
    for handle, _ in list(world.process.handles.handles()):
        world.close(handle)
    assert target_of(world, r"\??\PIPE") == r"\Device\NamedPipe"
    found = world.open("SymbolicLink", r"\??\pipe", flags=oa.OBJ_CASE_INSENSITIVE)
    assert world.nt.NtQueryObject(world.thread, found, 1) == r"\GLOBAL??\PIPE"


def test_what_is_not_open_gives_way_to_what_is_added() -> None:
    world = World()
    device = Object(make_type("Device"))
    world.executive.namespace.add(r"\Device\Null", device)
    assert world.executive.namespace.directory(r"\Device").find("Null") is device
    handle = world.open("Event", r"\KernelObjects\MemoryErrors")
    with pytest.raises(RuntimeError, match="taken"):
        world.executive.namespace.add(r"\KernelObjects\MemoryErrors", SymbolicLink(""))
    world.close(handle)
    with pytest.raises(TypeError, match="no directory"):
        world.executive.namespace.directory(r"\DosDevices\x")


def test_running_processes_and_threads_have_names() -> None:
    world = World()
    stranger = world.new_thread()
    processes, threads = r"\Sessions\0\Processes", r"\Sessions\0\Threads"
    running = {str(process.pid): "Process" for process in (world.system, world.process, stranger.process)}
    assert listed(world, processes) == running
    assert listed(world, threads) == {str(thread.tid): "Thread" for thread in (world.thread, stranger)}
    name = ObjectAttributes(rf"{processes}\{stranger.process.pid}")
    handle = world.nt.NtOpenProcess(world.thread, 0x1000, name)
    assert world.object(handle) is stranger.process
    assert world.nt.NtQueryObject(world.thread, handle, 1) == name.name
    shouted = ObjectAttributes(rf"{threads}\{stranger.tid}".upper(), 0, oa.OBJ_CASE_INSENSITIVE)
    assert world.object(world.nt.NtOpenThread(world.thread, 0x40, shouted)) is stranger
    assert status_of(world.nt.NtOpenThread, world.thread, 1, name) == st.STATUS_OBJECT_TYPE_MISMATCH
    refused = world.status("Event", ObjectAttributes(rf"{processes}\x"))
    assert refused == (st.STATUS_OBJECT_NAME_NOT_FOUND, st.STATUS_ACCESS_DENIED)
    assert status_of(world.nt.NtOpenProcess, world.thread, 1, name._replace(name=name.name + "0")) == (
        st.STATUS_OBJECT_NAME_NOT_FOUND
    )
    world.executive.thread_exited(stranger, 0)
    assert world.nt.NtQueryObject(world.thread, handle, 1) == ""
    assert status_of(world.nt.NtOpenProcess, world.thread, 1, name) == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_processes_and_threads_are_opened_by_id() -> None:
    world = World()
    nt, me, thread = world.nt, world.process, world.thread
    inherited = ObjectAttributes(None, 0, oa.OBJ_INHERIT)
    handle = nt.NtOpenProcess(thread, GENERIC_ALL, inherited, ClientId(me.pid))
    assert world.process.handles.look_up(handle) == (me, 0x1FFFFF, oa.OBJ_INHERIT)
    assert world.object(nt.NtOpenProcess(thread, 1, NOBODY, ClientId(me.pid, thread.tid))) is me
    assert world.object(nt.NtOpenThread(thread, 1, NOBODY, ClientId(0, thread.tid))) is thread
    assert world.object(nt.NtOpenThread(thread, 1, NOBODY, ClientId(me.pid, thread.tid))) is thread
    stranger = world.new_thread()
    for wrong in [(0xBAD0, 0), (thread.tid, 0), (0, 0), (me.pid, stranger.tid), (me.pid, me.pid)]:
        assert status_of(nt.NtOpenProcess, thread, 1, NOBODY, ClientId(*wrong)) == st.STATUS_INVALID_CID
    for wrong in [(0, 0xBAD0), (0, me.pid), (stranger.process.pid, thread.tid)]:
        assert status_of(nt.NtOpenThread, thread, 1, NOBODY, ClientId(*wrong)) == st.STATUS_INVALID_CID
    client = ClientId(me.pid, thread.tid)
    for opening in (nt.NtOpenProcess, nt.NtOpenThread):
        assert status_of(opening, thread, 0, NOBODY, client) == st.STATUS_ACCESS_DENIED
        assert status_of(opening, thread, 1, ObjectAttributes("\\x"), client) == st.STATUS_INVALID_PARAMETER_MIX
        assert status_of(opening, thread, 1, NOBODY) == st.STATUS_INVALID_PARAMETER_MIX
        assert status_of(opening, thread, 1, None, client) == st.STATUS_INVALID_PARAMETER
        assert status_of(opening, thread, 1, oa.UNREADABLE, client) == st.STATUS_ACCESS_VIOLATION


@pytest.mark.parametrize("by_name", [True, False])
def test_a_name_is_no_way_around_the_ceiling_of_a_provider(by_name: bool) -> None:
    provider = TinyProvider()
    executive = boot(provider)
    nt = NtServices(executive)
    pico = provider.pico.CreateProcess(PicoProcessAttributes(object()))
    thread = provider.pico.CreateThread(PicoThreadAttributes(pico, object()))
    outsider: Process = executive.create_minimal_process("outsider")

    def opening(access: int) -> tuple[int, ...]:
        process: Any = (ObjectAttributes(rf"\Sessions\0\Processes\{pico.pid}"),)
        thread_too: Any = (ObjectAttributes(rf"\Sessions\0\Threads\{thread.tid}"),)
        if not by_name:
            process, thread_too = (NOBODY, ClientId(pico.pid)), (NOBODY, ClientId(0, thread.tid))
        return (
            status_of(nt.NtOpenProcess, outsider, access, *process),
            status_of(nt.NtOpenThread, outsider, access, *thread_too),
        )

    assert opening(0x1FFFFF) == (st.STATUS_ACCESS_DENIED, st.STATUS_ACCESS_DENIED)
    assert opening(1) == (st.STATUS_SUCCESS, st.STATUS_SUCCESS)
