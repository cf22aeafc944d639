"""Sections and views of them: what can be made of which file, who may map it how, what remains (facts/nt.md 3.9)."""

from __future__ import annotations

import subprocess
import sys
from nt.drive import READ, WRITE, Drive
from typing import TYPE_CHECKING, Any

import pytest
from ntshim_host import TinyProvider, boot
from ntshim_ob import BASE, World, status_of

from ntshim import status as st
from ntshim.io import create as io
from ntshim.io.file import File
from ntshim.mm import protection as page
from ntshim.mm import section as sec
from ntshim.mm.services import VIEW_SHARE, VIEW_UNMAP
from ntshim.mm.views import HIGHEST_ADDRESS
from ntshim.nt import NtServices
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, OBJ_OPENIF, ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, GENERIC_EXECUTE, GENERIC_READ, GENERIC_WRITE, MAXIMUM_ALLOWED
from ntshim.ps import PicoProcessAttributes

if TYPE_CHECKING:
    from ntshim.ob.attributes import GivenAttributes

NAME = rf"{BASE}\section"
SECTION_ALL_ACCESS = 0xF001F
PROTECTIONS = (0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80)
BAD_PROTECTIONS = (0, -1, 1, 6, 0xA, 0x24, 0x104)
VM_OPERATION = 0x8
EXECUTE_DATA = 0x20


def make(
    world: Any,
    size: int = 0x20000,
    protection: int = page.PAGE_READWRITE,
    allocation: int = sec.SEC_COMMIT,
    file: int = 0,
    *,
    given: GivenAttributes = None,
    access: int = GENERIC_ALL,
) -> Any:
    """Make a section for a world's thread, or for a drive's process."""
    caller = getattr(world, "thread", None) or world.process
    return world.nt.NtCreateSection(caller, access, given, size, protection, allocation, file)


def view(
    world: World,
    section: int,
    protection: int = page.PAGE_READWRITE,
    *,
    base: int = 0,
    offset: int = 0,
    size: int = 0,
    process: int = -1,
    inherit: int = VIEW_SHARE,
    allocation: int = 0,
) -> Any:
    """Map a view for a world's thread."""
    return world.nt.NtMapViewOfSection(
        world.thread, section, process, base, offset, size, inherit, allocation, protection
    )


@pytest.fixture
def drive() -> Drive:
    """Give a drive with an empty file, one of three bytes, and a directory."""
    drive = Drive()
    for name, data in (("empty", b""), ("file", b"abc"), ("program", b"MZ\0\0")):
        handle = drive.open(name, READ | WRITE, disposition=io.FILE_CREATE)
        if data:
            drive.nt.NtWriteFile(drive.process, handle, data, 0)
        drive.close(handle)
    drive.make_directory("directory")
    return drive


def test_rights_are_those_of_the_type() -> None:
    world = World()
    section = make(world).handle
    assert world.process.handles.look_up(section).access == SECTION_ALL_ACCESS
    for generic, expected in ((GENERIC_READ, 0x20005), (GENERIC_WRITE, 0x20002), (GENERIC_EXECUTE, 0x20008)):
        handle = make(world, access=generic).handle
        assert world.process.handles.look_up(handle).access == expected
    assert world.process.handles.look_up(make(world, access=MAXIMUM_ALLOWED).handle).access == 0x1F001F
    assert status_of(make, world, access=0x20) == st.STATUS_ACCESS_DENIED


def test_a_section_is_opened_by_its_name() -> None:
    world = World()
    given = ObjectAttributes(NAME)
    section = make(world, 0x1801, given=given).handle
    other = world.nt.NtOpenSection(world.thread, page.SECTION_QUERY, given)
    assert world.object(other) is world.object(section)
    assert world.nt.NtQuerySection(world.thread, other) == (0, sec.SEC_COMMIT, 0x2000)
    assert world.nt.NtQueryObject(world.thread, other, 1) == NAME
    assert status_of(make, world, given=given) == st.STATUS_OBJECT_NAME_COLLISION
    opened = make(world, 0x10, given=given._replace(attributes=OBJ_OPENIF))
    assert opened.status == st.STATUS_OBJECT_NAME_EXISTS
    assert world.nt.NtQuerySection(world.thread, opened.handle).maximum_size == 0x2000
    shouted = given._replace(name=NAME.upper())
    assert status_of(world.nt.NtOpenSection, world.thread, 1, shouted) == st.STATUS_OBJECT_PATH_NOT_FOUND
    assert world.nt.NtOpenSection(world.thread, 1, shouted._replace(attributes=OBJ_CASE_INSENSITIVE))
    assert status_of(world.nt.NtOpenEvent, world.thread, 1, given) == st.STATUS_OBJECT_TYPE_MISMATCH
    for handle, _ in list(world.process.handles.handles()):
        world.close(handle)
    assert status_of(world.nt.NtOpenSection, world.thread, 1, given) == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_querying_a_section() -> None:
    world = World()
    query = world.nt.NtQuerySection
    section = make(world, allocation=sec.SEC_RESERVE).handle
    assert query(world.thread, section).allocation_attributes == sec.SEC_RESERVE
    blind = make(world, access=page.SECTION_MAP_READ).handle
    assert status_of(query, world.thread, blind) == st.STATUS_ACCESS_DENIED
    assert status_of(query, world.thread, section, 1) == st.STATUS_SECTION_NOT_IMAGE
    assert status_of(query, world.thread, 0xBAD0, 2) == st.STATUS_INVALID_INFO_CLASS
    assert status_of(query, world.thread, world.create("Event", None)) == st.STATUS_OBJECT_TYPE_MISMATCH


@pytest.mark.parametrize(
    ("size", "protection", "allocation", "expected"),
    [
        *[(1, 4, allocation, st.STATUS_INVALID_PARAMETER_6) for allocation in (
            0, -1, 0xC000000, 0x10000000, 0x1C000000, 0x9000000, 0x5000000, 0x11000000, 0x80000000, 0x8000001,
        )],
        *[(1, protection, 0x8000000, st.STATUS_INVALID_PAGE_PROTECTION) for protection in BAD_PROTECTIONS],
        (1, 0, 0, st.STATUS_INVALID_PARAMETER_6),
        (0, 0, 0x8000000, st.STATUS_INVALID_PAGE_PROTECTION),
        (1, 4, 0x8200000, st.STATUS_NOT_IMPLEMENTED),
        (1, 4, 0x88000000, st.STATUS_NOT_IMPLEMENTED),
        (0, 4, 0x1000000, st.STATUS_INVALID_FILE_FOR_SECTION),
        (0, 4, 0x8000000, st.STATUS_INVALID_PARAMETER_4),
        (-1, 4, 0x8000000, st.STATUS_SECTION_TOO_BIG),
        (1 << 54, 4, 0x8000000, st.STATUS_SECTION_TOO_BIG),
        *[(1, protection, 0x8000000, st.STATUS_SUCCESS) for protection in PROTECTIONS],
        *[(1, 4, allocation, st.STATUS_SUCCESS) for allocation in (0x4000000, 0x18000000, 0x14000000, 0x8400000)],
    ],
)  # fmt: skip
def test_parameters_without_a_file(size: int, protection: int, allocation: int, expected: int) -> None:
    assert status_of(make, World(), size, protection, allocation) == expected


def test_parameters_are_looked_at_before_file_and_name() -> None:
    world = World()
    bad = ObjectAttributes("bad")
    assert status_of(make, world, 1, 0, sec.SEC_COMMIT, 0xBAD0, given=bad) == st.STATUS_INVALID_PAGE_PROTECTION
    assert status_of(make, world, 1, 4, sec.SEC_COMMIT, 0xBAD0, given=bad) == st.STATUS_INVALID_HANDLE
    assert status_of(make, world, 0, 4, sec.SEC_COMMIT, given=bad) == st.STATUS_INVALID_PARAMETER_4
    assert status_of(make, world, 1, 4, sec.SEC_COMMIT, given=bad) == st.STATUS_OBJECT_PATH_SYNTAX_BAD
    event = world.create("Event", None)
    assert status_of(make, world, 1, 4, sec.SEC_COMMIT, event) == st.STATUS_OBJECT_TYPE_MISMATCH


@pytest.mark.parametrize(
    ("name", "size", "protection", "allocation", "expected"),
    [
        ("empty", 0, page.PAGE_READONLY, sec.SEC_COMMIT, st.STATUS_MAPPED_FILE_SIZE_ZERO),
        ("empty", 0, page.PAGE_READONLY, sec.SEC_IMAGE, st.STATUS_MAPPED_FILE_SIZE_ZERO),
        ("empty", 1, page.PAGE_READONLY, sec.SEC_COMMIT, st.STATUS_SECTION_TOO_BIG),
        ("file", 4, page.PAGE_READONLY, sec.SEC_COMMIT, st.STATUS_SECTION_TOO_BIG),
        ("file", 4, page.PAGE_WRITECOPY, sec.SEC_COMMIT, st.STATUS_SECTION_TOO_BIG),
        ("file", -1, page.PAGE_READONLY, sec.SEC_COMMIT, st.STATUS_SECTION_TOO_BIG),
        ("file", 0, page.PAGE_READONLY, sec.SEC_IMAGE, st.STATUS_INVALID_IMAGE_NOT_MZ),
        ("program", 0, page.PAGE_READONLY, sec.SEC_IMAGE, st.STATUS_INVALID_IMAGE_NOT_MZ),
        ("directory", 0, page.PAGE_READONLY, sec.SEC_COMMIT, st.STATUS_INVALID_FILE_FOR_SECTION),
        ("file", 0, page.PAGE_READONLY, sec.SEC_COMMIT, st.STATUS_SUCCESS),
        ("file", 2, page.PAGE_READONLY, sec.SEC_COMMIT, st.STATUS_SUCCESS),
    ],
)
def test_sections_of_files(drive: Drive, name: str, size: int, protection: int, allocation: int, expected: int) -> None:
    file = drive.open(name, READ)
    assert status_of(make, drive, size, protection, allocation, file) == expected
    if expected == st.STATUS_SUCCESS:
        made = make(drive, size, protection, allocation, file).handle
        assert drive.nt.NtQuerySection(drive.process, made) == (0, allocation | sec.SEC_FILE, size or 3)


@pytest.mark.parametrize("protection", PROTECTIONS)
@pytest.mark.parametrize("access", range(8))
def test_the_file_must_have_been_opened_for_it(drive: Drive, protection: int, access: int) -> None:
    names = {READ: 1, WRITE: 2, EXECUTE_DATA: 4}
    handle = drive.open("file", 0x80 | sum(right for right, bit in names.items() if access & bit))
    needed = {0x02: 1, 0x04: 3, 0x08: 1, 0x10: 4, 0x20: 5, 0x40: 7, 0x80: 5}[protection]
    expected = st.STATUS_ACCESS_DENIED if needed & ~access else st.STATUS_SUCCESS
    assert status_of(make, drive, 0, protection, sec.SEC_COMMIT, handle) == expected


def test_a_file_that_may_be_written_grows_with_its_section(drive: Drive) -> None:
    file = drive.open("file", READ | WRITE)
    section = make(drive, 10, file=file).handle
    assert drive.nt.NtQuerySection(drive.process, section).maximum_size == 10
    assert drive.nt.NtReadFile(drive.process, file, 20, 0) == b"abc" + bytes(7)


def test_what_the_host_alone_serves_has_no_section() -> None:
    world = World()
    pipe = File()
    handle = world.process.handles.insert(pipe, READ | WRITE)
    assert status_of(make, world, file=handle) == st.STATUS_INVALID_FILE_FOR_SECTION


def test_a_section_keeps_its_file_and_a_view_its_section(drive: Drive) -> None:
    nt, process = drive.nt, drive.process
    handle = drive.open("file", READ)
    file = process.handles.look_up(handle).object
    section = make(drive, 0, page.PAGE_READONLY, file=handle).handle
    target = process.handles.look_up(section).object
    nt.NtClose(process, handle)
    assert (file.handle_count, file.pointer_count) == (0, 1)
    mapped = nt.NtMapViewOfSection(process, section, -1, 0, 0, 0, VIEW_UNMAP, 0, page.PAGE_READONLY)
    nt.NtClose(process, section)
    assert (target.handle_count, target.pointer_count, file.pointer_count) == (0, 1, 1)
    nt.NtUnmapViewOfSection(process, -1, mapped.base_address)
    assert (target.pointer_count, file.pointer_count) == (0, 0)


def test_the_views_of_a_process_go_with_it() -> None:
    world = World()
    stranger = world.new_thread()
    section = make(world).handle
    target = world.object(section)
    process = world.process.handles.insert(stranger.process, VM_OPERATION)
    first, second = (view(world, section, process=process) for _ in range(2))
    assert (first.base_address, second.base_address) == (0x10000, 0x30000)
    world.close(section)
    assert target.pointer_count == 2
    world.executive.thread_exited(stranger, 0)
    assert target.pointer_count == 0


# Which views a section allows: a copy that is written is read, nothing else is another one's part.
ALLOWED = {
    0x02: (0x01, 0x02, 0x08), 0x04: (0x01, 0x02, 0x04, 0x08), 0x08: (0x01, 0x02, 0x08), 0x10: (0x01, 0x10),
    0x20: (0x01, 0x02, 0x08, 0x10, 0x20, 0x80), 0x40: (0x01, *PROTECTIONS), 0x80: (0x01, 0x02, 0x08, 0x10, 0x20, 0x80),
}  # fmt: skip


@pytest.mark.parametrize("protection", PROTECTIONS)
@pytest.mark.parametrize("wanted", [0x01, *PROTECTIONS])
def test_which_protection_a_view_may_have(protection: int, wanted: int) -> None:
    world = World()
    section = make(world, protection=protection).handle
    expected = st.STATUS_SUCCESS if wanted in ALLOWED[protection] else st.STATUS_SECTION_PROTECTION
    assert status_of(view, world, section, wanted) == expected


@pytest.mark.parametrize(
    ("protection", "needed"),
    [(0x01, 4), (0x02, 4), (0x04, 2), (0x08, 4), (0x10, 8), (0x20, 0xC), (0x40, 0xA), (0x80, 0xC)],
)
def test_which_right_on_a_section_a_view_takes(protection: int, needed: int) -> None:
    world = World()
    enough = make(world, protection=page.PAGE_EXECUTE_READWRITE, access=needed).handle
    assert status_of(view, world, enough, protection) == st.STATUS_SUCCESS
    for bit in (2, 4, 8):
        if needed & bit:
            weak = make(world, protection=page.PAGE_EXECUTE_READWRITE, access=SECTION_ALL_ACCESS & ~bit).handle
            assert status_of(view, world, weak, protection) == st.STATUS_ACCESS_DENIED


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"inherit": 0}, st.STATUS_INVALID_PARAMETER_8),
        ({"inherit": 3}, st.STATUS_INVALID_PARAMETER_8),
        ({"allocation": 0x2000}, st.STATUS_INVALID_PARAMETER_9),
        ({"protection": 3}, st.STATUS_INVALID_PAGE_PROTECTION),
        ({"size": -1}, st.STATUS_INVALID_PARAMETER_3),
        ({"base": HIGHEST_ADDRESS + 1}, st.STATUS_INVALID_PARAMETER_3),
        ({"base": 0x10000, "size": HIGHEST_ADDRESS}, st.STATUS_INVALID_PARAMETER_3),
        ({"process": 0xBAD0, "base": 1}, st.STATUS_INVALID_HANDLE),
        ({"base": 0x567A20}, st.STATUS_MAPPED_ALIGNMENT),
        ({"base": 0x41000}, st.STATUS_MAPPED_ALIGNMENT),
        ({"offset": 0x1000}, st.STATUS_MAPPED_ALIGNMENT),
        ({"offset": -1}, st.STATUS_MAPPED_ALIGNMENT),
        ({"offset": 1, "protection": 0x40}, st.STATUS_MAPPED_ALIGNMENT),
        ({"size": 0x20001, "protection": 0x40}, st.STATUS_SECTION_PROTECTION),
        ({"size": 0x20001}, st.STATUS_INVALID_VIEW_SIZE),
        ({"offset": 0x10000, "size": 0x10001}, st.STATUS_INVALID_VIEW_SIZE),
        ({"offset": 0x20000}, st.STATUS_INVALID_VIEW_SIZE),
        ({"offset": -0x10000}, st.STATUS_INVALID_VIEW_SIZE),
        ({"base": 0x20000, "size": 1}, st.STATUS_CONFLICTING_ADDRESSES),
        ({"base": 0x30000, "size": 0x20000}, st.STATUS_SUCCESS),
    ],
)
def test_views_that_cannot_be(wanted: dict[str, Any], expected: int) -> None:
    world = World()
    section = make(world).handle
    view(world, section, base=0x10000)
    assert status_of(view, world, section, **wanted) == expected


def test_views_find_the_lowest_free_place() -> None:
    world = World()
    nt, section = world.nt, make(world).handle
    assert view(world, section, base=0x40000, offset=0x10000) == (0x40000, 0x10000, st.STATUS_SUCCESS)
    assert view(world, section, size=1)[:2] == (0x10000, 1)
    assert view(world, section, size=0x10001)[:2] == (0x20000, 0x10001)
    assert view(world, section)[:2] == (0x50000, 0x20000)
    assert status_of(nt.NtUnmapViewOfSection, world.thread, -1, 0x32000) == st.STATUS_NOT_MAPPED_VIEW
    nt.NtUnmapViewOfSection(world.thread, -1, 0x30FFF)
    assert view(world, section)[:2] == (0x20000, 0x20000)
    huge = make(world, HIGHEST_ADDRESS).handle
    assert status_of(view, world, huge) == st.STATUS_NO_MEMORY


def test_rights_on_the_process() -> None:
    world = World()
    section = make(world).handle
    weak = world.process.handles.insert(world.new_thread().process, 0x1FFFFF & ~VM_OPERATION)
    assert status_of(view, world, section, process=weak) == st.STATUS_ACCESS_DENIED
    unmap = world.nt.NtUnmapViewOfSection
    assert status_of(unmap, world.thread, weak, 0x10000) == st.STATUS_ACCESS_DENIED
    assert status_of(unmap, world.thread, -1, 0x10000) == st.STATUS_NOT_MAPPED_VIEW
    stranger = world.new_thread()
    ended = world.process.handles.insert(stranger.process, VM_OPERATION)
    world.executive.thread_exited(stranger, 0)
    assert status_of(view, world, section, process=ended) == st.STATUS_PROCESS_IS_TERMINATING
    assert status_of(view, world, world.create("Event", None)) == st.STATUS_OBJECT_TYPE_MISMATCH


def test_the_memory_of_a_pico_process_is_its_hosts() -> None:
    provider = TinyProvider()
    executive = boot(provider)
    pico = provider.pico.CreateProcess(PicoProcessAttributes(object()))
    nt = NtServices(executive)
    section = nt.NtCreateSection(pico, GENERIC_ALL, None, 1, page.PAGE_READONLY, sec.SEC_COMMIT).handle
    arguments = (pico, section, -1, 0, 0, 0, VIEW_SHARE, 0, page.PAGE_READONLY)
    assert status_of(nt.NtMapViewOfSection, *arguments) == st.STATUS_NOT_IMPLEMENTED


def test_who_makes_no_section_does_not_load_them() -> None:
    script = (
        "import sys\nfrom ntshim.nt import NtServices\nfrom ntshim.ps import Executive\n"
        "nt = NtServices(Executive(None))\nassert not any(name.startswith('ntshim.mm') for name in sys.modules)\n"
        "assert not hasattr(nt, 'sections')\nassert not any(name.startswith('ntshim.mm') for name in sys.modules)\n"
        "assert nt.NtCreateSection and not hasattr(nt, 'NtNonsense')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
