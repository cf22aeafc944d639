"""What a section keeps from whom, data and image, with and without handles (facts/nt.md sections 3.4 to 3.6, 3.9)."""

from __future__ import annotations

from functools import partial
from nt.drive import APPEND, DELETE, EXECUTE, MAXIMUM_ALLOWED, READ, READ_ATTRIBUTES, WRITE, Drive, status_of
from nt.pe import CODE, DATA, Part, image
from typing import TYPE_CHECKING, Any

import pytest

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.io import create as io
from ntshim.io import query
from ntshim.io.control import FSCTL_REQUEST_OPLOCK_LEVEL_1
from ntshim.io.delete import (
    FILE_DISPOSITION_DELETE,
    FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK,
    FILE_DISPOSITION_ON_CLOSE,
    FILE_DISPOSITION_POSIX_SEMANTICS,
)
from ntshim.mm import protection as page
from ntshim.mm import section as sec
from ntshim.mm.services import VIEW_UNMAP

if TYPE_CHECKING:
    from pathlib import Path

    from ntshim.fs.backend import Backend

DATA_ALLOCATION, IMAGE_ALLOCATION = sec.SEC_COMMIT, sec.SEC_IMAGE
PROGRAM = image(Part(b"code", CODE), Part(b"hello"))
SUCCESS = st.STATUS_SUCCESS
DELETED, POSIX = FILE_DISPOSITION_DELETE, FILE_DISPOSITION_POSIX_SEMANTICS
FORCED = FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK


class Scene:
    """A drive with a program `x` that is a section, open no more unless a test opens it."""

    def __init__(self, backend: Backend | None = None) -> None:
        self.drive = Drive(backend)
        self.nt, self.process = self.drive.nt, self.drive.process
        self.write("x", PROGRAM)

    def write(self, path: str, data: bytes) -> None:
        handle = self.drive.open(path, READ | WRITE, disposition=io.FILE_CREATE)
        self.nt.NtWriteFile(self.process, handle, data, 0)
        self.drive.close(handle)

    def section(
        self,
        kind: int = DATA_ALLOCATION,
        *,
        path: str = "x",
        protection: int = page.PAGE_READWRITE,
        size: int = 0,
    ) -> int:
        """Make a section and close its file."""
        handle = self.drive.open(path, READ | WRITE | EXECUTE)
        try:
            return self.nt.NtCreateSection(self.process, 0xF001F, None, size, protection, kind, handle).handle
        finally:
            self.drive.close(handle)

    def view(self, section: int, protection: int = page.PAGE_READWRITE) -> int:
        """Map a view and close its section."""
        mapped = self.nt.NtMapViewOfSection(self.process, section, -1, 0, 0, 0, VIEW_UNMAP, 0, protection)
        self.drive.close(section)
        return mapped.base_address

    def unmap(self, address: int) -> None:
        self.nt.NtUnmapViewOfSection(self.process, -1, address)

    def cut(self, handle: int, size: int) -> int:
        return status_of(lambda: self.drive.set(handle, size, query.FILE_END_OF_FILE_INFORMATION))


@pytest.fixture(params=["memory", "host"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    return Scene(MemFs() if request.param == "memory" else HostFs(str(tmp_path)))


@pytest.mark.parametrize("kind", [DATA_ALLOCATION, IMAGE_ALLOCATION])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_file_does_not_become_shorter(scene: Scene, kind: int, mapped: bool) -> None:
    handle = scene.drive.open("x", READ | WRITE)
    section = scene.section(kind)
    address = scene.view(section) if mapped else 0
    for size in (0, 1, len(PROGRAM) - 1):
        assert scene.cut(handle, size) == st.STATUS_USER_MAPPED_FILE
    assert scene.cut(handle, len(PROGRAM)) == scene.cut(handle, 8192) == SUCCESS
    assert scene.cut(handle, 4096) == st.STATUS_USER_MAPPED_FILE
    assert scene.cut(handle, -1) == st.STATUS_INVALID_PARAMETER
    if mapped:
        scene.unmap(address)
    else:
        scene.drive.close(section)
    assert scene.cut(handle, 0) == SUCCESS


@pytest.mark.parametrize(
    ("kind", "access", "disposition", "options", "expected"),
    [
        (DATA_ALLOCATION, READ, io.FILE_OPEN, 0, SUCCESS),
        (DATA_ALLOCATION, READ | WRITE, io.FILE_OPEN_IF, 0, SUCCESS),
        (DATA_ALLOCATION, DELETE, io.FILE_OPEN, io.FILE_DELETE_ON_CLOSE, SUCCESS),
        (DATA_ALLOCATION, READ, io.FILE_OVERWRITE, 0, st.STATUS_USER_MAPPED_FILE),
        (DATA_ALLOCATION, READ, io.FILE_OVERWRITE_IF, 0, st.STATUS_USER_MAPPED_FILE),
        (DATA_ALLOCATION, READ, io.FILE_SUPERSEDE, 0, st.STATUS_USER_MAPPED_FILE),
        (DATA_ALLOCATION, READ, io.FILE_CREATE, 0, st.STATUS_OBJECT_NAME_COLLISION),
        (IMAGE_ALLOCATION, READ | EXECUTE, io.FILE_OPEN, 0, SUCCESS),
        (IMAGE_ALLOCATION, APPEND, io.FILE_OPEN, 0, SUCCESS),
        (IMAGE_ALLOCATION, DELETE | READ_ATTRIBUTES, io.FILE_OPEN, 0, SUCCESS),
        (IMAGE_ALLOCATION, WRITE, io.FILE_OPEN, 0, st.STATUS_SHARING_VIOLATION),
        (IMAGE_ALLOCATION, MAXIMUM_ALLOWED, io.FILE_OPEN_IF, 0, st.STATUS_SHARING_VIOLATION),
        (IMAGE_ALLOCATION, READ, io.FILE_OVERWRITE, 0, st.STATUS_SHARING_VIOLATION),
        (IMAGE_ALLOCATION, READ, io.FILE_OVERWRITE_IF, 0, st.STATUS_SHARING_VIOLATION),
        (IMAGE_ALLOCATION, MAXIMUM_ALLOWED, io.FILE_OVERWRITE, 0, st.STATUS_SHARING_VIOLATION),
        (IMAGE_ALLOCATION, READ, io.FILE_SUPERSEDE, 0, st.STATUS_USER_MAPPED_FILE),
        (IMAGE_ALLOCATION, DELETE, io.FILE_OPEN, io.FILE_DELETE_ON_CLOSE, st.STATUS_CANNOT_DELETE),
        (IMAGE_ALLOCATION, DELETE | WRITE, io.FILE_OPEN, io.FILE_DELETE_ON_CLOSE, st.STATUS_CANNOT_DELETE),
    ],
)
def test_opens_beside_a_section(
    scene: Scene, kind: int, access: int, disposition: int, options: int, expected: int
) -> None:
    section = scene.section(kind)
    attempt = partial(scene.drive.create, "x", access, disposition=disposition, options=options)
    assert status_of(attempt) == expected
    if disposition != io.FILE_CREATE:
        scene.drive.close(section)
        assert status_of(attempt) == SUCCESS or options


@pytest.mark.parametrize("access", [READ, WRITE, APPEND, EXECUTE, DELETE, READ_ATTRIBUTES])
@pytest.mark.parametrize("share", range(8))
def test_a_view_that_writes_is_a_writer(scene: Scene, access: int, share: int) -> None:
    address = scene.view(scene.section())
    visible = access != READ_ATTRIBUTES
    expected = st.STATUS_SHARING_VIOLATION if visible and not share & 2 else SUCCESS
    assert status_of(lambda: scene.drive.close(scene.drive.open("x", access, share))) == expected
    scene.unmap(address)
    assert status_of(lambda: scene.drive.open("x", access, share)) == SUCCESS


@pytest.mark.parametrize("how", ["section", "read-only view", "copying view", "image view", "other stream", "ended"])
def test_what_is_no_writer(how: str) -> None:
    scene = Scene()
    if how == "section":
        scene.section()
    elif how == "image view":
        scene.view(scene.section(IMAGE_ALLOCATION))
    elif how == "other stream":
        scene.write("x:stream", b"text")
        scene.view(scene.section(path="x:stream"))
    elif how == "ended":
        scene.view(scene.section())
        scene.process.views.release()  # type: ignore[union-attr]
    else:
        scene.view(scene.section(), page.PAGE_READONLY if how == "read-only view" else page.PAGE_WRITECOPY)
    assert status_of(lambda: scene.drive.open("x", READ, 1)) == SUCCESS


@pytest.mark.parametrize(
    ("kind", "links", "flags", "expected"),
    [
        (DATA_ALLOCATION, 1, DELETED, st.STATUS_CANNOT_DELETE),
        (DATA_ALLOCATION, 2, DELETED, st.STATUS_CANNOT_DELETE),
        (DATA_ALLOCATION, 1, DELETED | POSIX, st.STATUS_CANNOT_DELETE),
        (DATA_ALLOCATION, 1, 0, SUCCESS),
        (IMAGE_ALLOCATION, 1, DELETED, st.STATUS_CANNOT_DELETE),
        (IMAGE_ALLOCATION, 1, DELETED | POSIX, st.STATUS_CANNOT_DELETE),
        (IMAGE_ALLOCATION, 2, DELETED, SUCCESS),
        (IMAGE_ALLOCATION, 2, DELETED | POSIX, SUCCESS),
        (IMAGE_ALLOCATION, 2, DELETED | FORCED, st.STATUS_CANNOT_DELETE),
        (IMAGE_ALLOCATION, 1, FORCED, SUCCESS),
    ],
)
def test_a_mapped_file_is_not_marked_for_deletion(
    scene: Scene, kind: int, links: int, flags: int, expected: int
) -> None:
    handle = scene.drive.open("x", DELETE)
    if links == 2:
        scene.drive.link(handle, "y")
    section = scene.section(kind)
    mark = partial(scene.drive.set, handle, flags, query.FILE_DISPOSITION_INFORMATION_EX)
    assert status_of(mark) == expected
    if flags in (0, DELETED):
        plain = partial(scene.drive.set, handle, bool(flags), query.FILE_DISPOSITION_INFORMATION)
        assert status_of(plain) == expected
    scene.drive.close(section)
    assert status_of(mark) == SUCCESS


def test_of_two_links_the_second_is_held_by_the_image() -> None:
    scene = Scene()
    first = scene.drive.open("x", DELETE)
    scene.drive.link(first, "y")
    second = scene.drive.open("y", DELETE)
    scene.section(IMAGE_ALLOCATION)
    scene.drive.set(first, True, query.FILE_DISPOSITION_INFORMATION)
    mark = partial(scene.drive.set, second, True, query.FILE_DISPOSITION_INFORMATION)
    assert status_of(mark) == st.STATUS_CANNOT_DELETE


def test_a_file_marked_for_deletion_can_be_mapped_and_goes_with_its_handle(scene: Scene) -> None:
    handle = scene.drive.open("x", READ | DELETE)
    scene.drive.set(handle, True, query.FILE_DISPOSITION_INFORMATION)
    section = scene.nt.NtCreateSection(scene.process, 0xF001F, None, 0, 2, DATA_ALLOCATION, handle).handle
    address = scene.view(section, page.PAGE_READONLY)
    scene.drive.close(handle)
    assert scene.drive.exists("x") == st.STATUS_OBJECT_NAME_NOT_FOUND
    assert scene.nt.NtReadVirtualMemory(scene.process, -1, address, len(PROGRAM)) == PROGRAM


def test_delete_on_close_removes_the_name_of_mapped_data(scene: Scene) -> None:
    address = scene.view(scene.section())
    scene.drive.close(scene.drive.open("x", DELETE, options=io.FILE_DELETE_ON_CLOSE))
    assert scene.drive.exists("x") == st.STATUS_OBJECT_NAME_NOT_FOUND
    scene.write("x", b"another")
    assert scene.nt.NtReadVirtualMemory(scene.process, -1, address, 2) == b"MZ"
    assert status_of(lambda: scene.drive.open("x", READ, 1)) == SUCCESS


def test_an_image_does_not_go_on_close_either() -> None:
    scene = Scene()
    handle = scene.drive.open("x", DELETE, options=io.FILE_DELETE_ON_CLOSE)
    scene.section(IMAGE_ALLOCATION)
    on = FILE_DISPOSITION_ON_CLOSE | DELETED
    mark = partial(scene.drive.set, handle, on, query.FILE_DISPOSITION_INFORMATION_EX)
    assert status_of(mark) == st.STATUS_CANNOT_DELETE
    scene.drive.set(handle, FILE_DISPOSITION_ON_CLOSE, query.FILE_DISPOSITION_INFORMATION_EX)
    scene.drive.close(handle)
    assert scene.drive.exists("x") == SUCCESS


@pytest.mark.parametrize("act", ["rename", "link"])
@pytest.mark.parametrize(
    ("kind", "flags", "expected"),
    [
        (DATA_ALLOCATION, 0, st.STATUS_OBJECT_NAME_COLLISION),
        (DATA_ALLOCATION, 1, SUCCESS),
        (DATA_ALLOCATION, 3, SUCCESS),
        (IMAGE_ALLOCATION, 0, st.STATUS_OBJECT_NAME_COLLISION),
        (IMAGE_ALLOCATION, 1, st.STATUS_ACCESS_DENIED),
        (IMAGE_ALLOCATION, 3, st.STATUS_ACCESS_DENIED),
    ],
)
def test_the_name_of_a_mapped_file(scene: Scene, act: str, kind: int, flags: int, expected: int) -> None:
    scene.write("new", b"new")
    section = scene.section(kind)
    source = scene.drive.open("new", DELETE)
    take = scene.drive.rename if act == "rename" else scene.drive.link
    assert status_of(lambda: take(source, "x", flags, extended=True)) == expected
    if not expected:
        assert scene.nt.NtReadVirtualMemory(scene.process, -1, scene.view(section), 2) == b"MZ"
        assert scene.nt.NtReadFile(scene.process, scene.drive.open("x"), 3, 0) == b"new"


def test_a_mapped_file_can_be_renamed(scene: Scene) -> None:
    scene.section(IMAGE_ALLOCATION)
    scene.drive.rename(scene.drive.open("x", DELETE), "y")
    assert status_of(lambda: scene.drive.open("y", WRITE)) == st.STATUS_SHARING_VIOLATION
    assert scene.drive.exists("x") == st.STATUS_OBJECT_NAME_NOT_FOUND


def test_a_section_of_a_locked_file_sees_and_changes_it(scene: Scene) -> None:
    handle = scene.drive.open("x", READ | WRITE)
    scene.nt.NtLockFile(scene.process, handle, 0, 100, exclusive_lock=True)
    address = scene.view(scene.section())
    scene.nt.NtWriteVirtualMemory(scene.process, -1, address, b"changed")
    assert scene.nt.NtReadFile(scene.process, handle, 7, 0) == b"changed"


def test_streams_are_mapped_by_themselves() -> None:
    scene = Scene()
    scene.write("x:stream", b"text")
    section = scene.section(path="x:stream")
    assert status_of(lambda: scene.drive.create("x", READ, disposition=io.FILE_OVERWRITE)) == SUCCESS
    overwrite = partial(scene.drive.create, "x:stream", READ, disposition=io.FILE_OVERWRITE)
    assert status_of(overwrite) == st.STATUS_USER_MAPPED_FILE
    stream = scene.drive.open("x:stream", DELETE)
    mark = partial(scene.drive.set, stream, True, query.FILE_DISPOSITION_INFORMATION)
    assert status_of(mark) == st.STATUS_CANNOT_DELETE
    address = scene.view(section)
    scene.drive.close(scene.drive.open("x:stream", DELETE, options=io.FILE_DELETE_ON_CLOSE))
    scene.drive.close(stream)
    # What was in a stream goes with it.
    assert scene.nt.NtReadVirtualMemory(scene.process, -1, address, 4) == bytes(4)
    scene.nt.NtWriteVirtualMemory(scene.process, -1, address, b"lost")
    scene.drive.make_directory("dir")
    scene.write("dir:stream", b"text")
    assert scene.section(path="dir:stream")


def test_a_mapped_stream_keeps_its_name() -> None:
    scene = Scene()
    scene.write("x:mapped", b"text")
    scene.write("x:other", b"text")
    section = scene.section(path="x:mapped")
    mapped, other = scene.drive.open("x:mapped", DELETE), scene.drive.open("x:other", DELETE)
    rename = partial(scene.drive.set, mapped, query.FileRenameInformation(":new"), query.FILE_RENAME_INFORMATION)
    replace = partial(scene.drive.set, other, query.FileRenameInformation(":mapped", 1), query.FILE_RENAME_INFORMATION)
    assert status_of(rename) == st.STATUS_USER_MAPPED_FILE
    assert status_of(replace) == st.STATUS_ACCESS_DENIED
    scene.drive.close(mapped)
    assert status_of(replace) == st.STATUS_ACCESS_DENIED
    scene.drive.close(section)
    assert status_of(replace) == SUCCESS


def test_nothing_is_kept_of_a_file_without_sections(scene: Scene) -> None:
    data, address = scene.section(), scene.view(scene.section())
    program = scene.section(IMAGE_ALLOCATION)
    assert (len(scene.drive.volume.nodes), len(scene.drive.volume.nodes.mapped)) == (0, 1)
    scene.drive.close(data)
    scene.unmap(address)
    assert status_of(lambda: scene.drive.open("x", WRITE)) == st.STATUS_SHARING_VIOLATION
    scene.drive.close(program)
    assert not scene.drive.volume.nodes.mapped
    assert status_of(lambda: scene.drive.open("x", WRITE)) == SUCCESS


@pytest.mark.parametrize(
    ("protection", "size", "expected"),
    [
        (page.PAGE_READWRITE, 0, (SUCCESS, 4)),
        (page.PAGE_READWRITE, 3, (SUCCESS, 4)),
        (page.PAGE_READWRITE, 4096, (SUCCESS, 4096)),
        (page.PAGE_READWRITE, -1, (st.STATUS_SECTION_TOO_BIG, 4)),
        (page.PAGE_READWRITE, 1 << 54, (st.STATUS_SECTION_TOO_BIG, 4)),
        (page.PAGE_READONLY, len(PROGRAM), (SUCCESS, len(PROGRAM))),
        (page.PAGE_READONLY, len(PROGRAM) + 1, (st.STATUS_SECTION_NOT_EXTENDED, 4)),
        (page.PAGE_WRITECOPY, len(PROGRAM) + 1, (st.STATUS_SECTION_NOT_EXTENDED, 4)),
    ],
)
def test_sections_grow(scene: Scene, protection: int, size: int, expected: tuple[int, int]) -> None:
    section = scene.section(protection=protection, size=4)
    extend = partial(scene.nt.NtExtendSection, scene.process, section, size)
    status, length = expected
    assert status_of(extend) == status
    assert scene.nt.NtQuerySection(scene.process, section).maximum_size == length
    if not status:
        assert extend() == length
    handle = scene.drive.open("x", READ)
    told = scene.drive.get(handle, query.FILE_STANDARD_INFORMATION).end_of_file
    assert told == max(len(PROGRAM), length)


def test_what_does_not_grow() -> None:
    scene = Scene()
    nt, process = scene.nt, scene.process
    weak = process.handles.insert(process.handles.look_up(scene.section()).object, 0xF001F & ~0x10)
    image_section = scene.section(IMAGE_ALLOCATION)
    memory = nt.NtCreateSection(process, 0xF001F, None, 4096, 4, DATA_ALLOCATION).handle
    for section in (image_section, memory):
        assert status_of(partial(nt.NtExtendSection, process, section, 8192)) == st.STATUS_SECTION_NOT_EXTENDED
    assert status_of(lambda: nt.NtExtendSection(process, weak, 8192)) == st.STATUS_ACCESS_DENIED


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (PROGRAM, SUCCESS),
        (image(Part(b"hello"), machine=0x8664, base=0x140000000), SUCCESS),
        (image(Part(b"x" * 0x200), section_alignment=0x200), SUCCESS),
        (b"#!/bin/sh\n" * 20, st.STATUS_INVALID_IMAGE_NOT_MZ),
        (b"\x7fELF".ljust(200, b"\0"), st.STATUS_INVALID_IMAGE_NOT_MZ),
        (PROGRAM[:60], st.STATUS_INVALID_IMAGE_NOT_MZ),
        (PROGRAM[:64], st.STATUS_INVALID_IMAGE_PROTECT),
        (PROGRAM[:100], st.STATUS_INVALID_IMAGE_FORMAT),
        (PROGRAM[:300], st.STATUS_INVALID_IMAGE_FORMAT),
        (PROGRAM[:-1], st.STATUS_INVALID_IMAGE_FORMAT),
        (image(Part(b"x"), signature=b"NE\0\0"), st.STATUS_INVALID_IMAGE_NE_FORMAT),
        (image(Part(b"x"), signature=b"LE\0\0"), st.STATUS_INVALID_IMAGE_LE_FORMAT),
        (image(Part(b"x"), signature=b"ZM\0\0"), st.STATUS_INVALID_IMAGE_PROTECT),
        (image(), st.STATUS_INVALID_IMAGE_FORMAT),
        (image(Part(b"x"), characteristics=0), st.STATUS_INVALID_IMAGE_FORMAT),
        (image(Part(b"x"), machine=0x1234), st.STATUS_INVALID_IMAGE_FORMAT),
        (image(Part(b"x"), base=0x10001000), st.STATUS_INVALID_IMAGE_FORMAT),
        (image(Part(b"x"), section_alignment=0x1800), st.STATUS_INVALID_IMAGE_FORMAT),
        (image(Part(b"x"), Part(b"y"), gap=0x1000), st.STATUS_INVALID_IMAGE_FORMAT),
    ],
)
def test_what_is_an_image(program: bytes, expected: int) -> None:
    scene = Scene()
    scene.write("program", program)
    assert status_of(lambda: scene.section(IMAGE_ALLOCATION, path="program")) == expected


def test_an_image_lies_as_its_headers_say() -> None:
    scene = Scene()
    nt, process = scene.nt, scene.process
    scene.write("program", image(Part(b"code" * 0x500, CODE), Part(b"data", DATA, 0x2800), base=0x400000, entry=0x1004))
    section = scene.section(IMAGE_ALLOCATION, path="program")
    assert nt.NtQuerySection(process, section) == (0, sec.SEC_IMAGE | sec.SEC_FILE, 0x6000)
    told = nt.NtQuerySection(process, section, 1)
    assert (told.transfer_address, told.machine, told.image_contains_code) == (0x401004, 0x14C, True)
    assert (told.sub_system_type, told.sub_system_major_version, told.sub_system_minor_version) == (3, 5, 2)
    assert (told.maximum_stack_size, told.committed_stack_size, told.check_sum) == (0x100000, 0x1000, 77)
    assert (told.dll_characteristics, told.image_characteristics) == (0x140, 2)
    mapping = (process, section, -1, 0, 0, 0, VIEW_UNMAP, 0, page.PAGE_READWRITE)
    assert nt.NtMapViewOfSection(*mapping) == (0x400000, 0x6000, SUCCESS)
    second = nt.NtMapViewOfSection(*mapping)
    assert second == (0x10000, 0x6000, st.STATUS_IMAGE_NOT_AT_BASE)
    read, write = partial(nt.NtReadVirtualMemory, process, -1), partial(nt.NtWriteVirtualMemory, process, -1)
    assert read(0x400000, 2) == b"MZ"
    assert read(0x401000, 0x1402) == b"code" * 0x500 + bytes(2)
    assert read(0x402FFE, 8) == b"\0\0data\0\0"
    for address in (0x400000, 0x401000, 0x402FFF):
        assert status_of(partial(write, address, b"xx")) == st.STATUS_PARTIAL_COPY
    assert write(0x403002, b"--" + bytes(0x2000) + b"end") == 0x2005
    assert read(0x403000, 4) == b"da--"
    assert read(0x405004, 3) == b"end"
    assert read(second.base_address + 0x3000, 4) == b"data"


def test_the_memory_of_a_file_is_the_file(scene: Scene) -> None:
    nt, process = scene.nt, scene.process
    scene.write("y", b"0123456789" * 1000)
    handle = scene.drive.open("y", READ | WRITE)
    shared, again = scene.view(scene.section(path="y")), scene.view(scene.section(path="y"), page.PAGE_READONLY)
    copy = scene.view(scene.section(path="y"), page.PAGE_WRITECOPY)
    read, write = partial(nt.NtReadVirtualMemory, process, -1), partial(nt.NtWriteVirtualMemory, process, -1)
    nt.NtWriteFile(process, handle, b"file", 4094)
    assert read(shared + 4092, 8) == read(again + 4092, 8) == read(copy + 4092, 8) == b"23file89"
    assert write(shared + 10, b"view") == 4
    assert nt.NtReadFile(process, handle, 6, 9) == b"9view4"
    write(copy + 4090, b"private")
    assert nt.NtReadFile(process, handle, 8, 4090) == b"0123file"
    assert read(copy + 4088, 10) == b"89privatee"
    nt.NtWriteFile(process, handle, b"later", 4092)
    assert read(copy + 4090, 8) == b"privatee"
    assert read(copy + 8194, 4) == b"4567"
    assert status_of(lambda: write(again, b"x")) == st.STATUS_PARTIAL_COPY
    # The last page goes on behind the end of the file, and the file does not.
    assert read(shared + 9998, 4) == b"89\0\0"
    write(shared + 9998, b"abcd")
    assert nt.NtReadFile(process, handle, 10, 9996) == b"67ab"
    assert status_of(lambda: read(shared + 12286, 4)) == st.STATUS_PARTIAL_COPY
    scene.drive.close(handle)
    assert read(shared + 9998, 2) == b"ab"


def test_memory_minds_neither_oplocks_nor_sectors(scene: Scene) -> None:
    nt, process = scene.nt, scene.process
    handle = scene.drive.open("x", READ | WRITE, options=io.FILE_NO_INTERMEDIATE_BUFFERING)
    made = partial(nt.NtCreateSection, process, 0xF001F, None, 0, page.PAGE_READWRITE)
    program = made(IMAGE_ALLOCATION, handle).handle
    address = scene.view(made(DATA_ALLOCATION, handle).handle)
    assert status_of(lambda: nt.NtReadFile(process, handle, 3, 1)) == st.STATUS_INVALID_PARAMETER
    assert nt.NtReadVirtualMemory(process, -1, address + 1, 2) == PROGRAM[1:3]
    scene.drive.close(program)
    scene.drive.close(handle)
    holder = scene.drive.open("x", READ | WRITE)
    oplock: Any = nt.NtFsControlFile(process, holder, FSCTL_REQUEST_OPLOCK_LEVEL_1)
    nt.NtWriteVirtualMemory(process, -1, address + 2, b"no break")
    assert nt.NtReadVirtualMemory(process, -1, address + 2, 8) == b"no break"
    assert oplock.status == st.STATUS_PENDING


def test_writing_to_memory_is_noticed(scene: Scene) -> None:
    nt, process = scene.nt, scene.process
    root = scene.drive.open("", READ, options=io.FILE_DIRECTORY_FILE)
    address = scene.view(scene.section())
    before = scene.drive.open("x", READ_ATTRIBUTES)
    scene.drive.set(scene.drive.open("x", 0x100), query.FileBasicInformation(0, 0, 1 << 50), 4)
    told = nt.NtNotifyChangeDirectoryFile(process, root, 4096, 0x10)
    nt.NtWriteVirtualMemory(process, -1, address + 2, b"new")
    assert told.status == SUCCESS
    assert scene.drive.get(before, query.FILE_BASIC_INFORMATION).last_write_time > 1 << 56


def test_memory_of_the_page_file_is_shared_by_its_views() -> None:
    scene = Scene()
    nt, process = scene.nt, scene.process
    stranger = scene.drive.new_process()
    gate = process.handles.insert(stranger, 0x1FFFFF)
    section = nt.NtCreateSection(process, 0xF001F, None, 0x20000, 4, DATA_ALLOCATION).handle
    here = nt.NtMapViewOfSection(process, section, -1, 0, 0x10000, 0, VIEW_UNMAP, 0, 4).base_address
    there = nt.NtMapViewOfSection(process, section, gate, 0, 0, 0, VIEW_UNMAP, 0, 4).base_address
    nt.NtWriteVirtualMemory(process, -1, here + 0xFFE, b"over a page")
    assert nt.NtReadVirtualMemory(process, gate, there + 0x10FFC, 15) == b"\0\0over a page\0\0"
    # Views that lie side by side are one range of memory.
    beside = nt.NtMapViewOfSection(process, section, -1, here + 0x10000, 0, 0, VIEW_UNMAP, 0, 4).base_address
    nt.NtWriteVirtualMemory(process, -1, beside - 2, b"both")
    assert nt.NtReadVirtualMemory(process, gate, there, 2) == b"th"
    assert nt.NtReadVirtualMemory(process, gate, there + 0x1FFFE, 2) == b"bo"


def test_what_cannot_be_read_or_written() -> None:
    scene = Scene()
    nt, process = scene.nt, scene.process
    section = nt.NtCreateSection(process, 0xF001F, None, 0x1000, 4, DATA_ALLOCATION).handle
    base = nt.NtMapViewOfSection(process, section, -1, 0, 0, 0, VIEW_UNMAP, 0, page.PAGE_READWRITE).base_address
    none = nt.NtMapViewOfSection(process, section, -1, 0, 0, 0, VIEW_UNMAP, 0, page.PAGE_NOACCESS).base_address
    cases = [
        (base - 1, 1, st.STATUS_PARTIAL_COPY), (base + 0xFFF, 2, st.STATUS_PARTIAL_COPY),
        (none, 1, st.STATUS_PARTIAL_COPY), (-1, 1, st.STATUS_ACCESS_VIOLATION), (0, -1, st.STATUS_ACCESS_VIOLATION),
        (1 << 47, 1, st.STATUS_ACCESS_VIOLATION), (base, 1 << 80, st.STATUS_ACCESS_VIOLATION),
        (base, 1 << 40, st.STATUS_INSUFFICIENT_RESOURCES), (0, 0, SUCCESS), (base, 0, SUCCESS),
    ]  # fmt: skip
    for address, length, expected in cases:
        assert status_of(partial(nt.NtReadVirtualMemory, process, -1, address, length)) == expected
        if 0 <= length < 4096:
            assert status_of(partial(nt.NtWriteVirtualMemory, process, -1, address, bytes(length))) == expected
    assert nt.NtReadVirtualMemory(process, -1, base, 0x1000) == bytes(0x1000)
    weak = process.handles.insert(process, 0x1FFFFF & ~0x10)
    assert status_of(lambda: nt.NtReadVirtualMemory(process, weak, base, 1)) == st.STATUS_ACCESS_DENIED
    assert nt.NtWriteVirtualMemory(process, weak, base, b"x") == 1
    weak = process.handles.insert(process, 0x1FFFFF & ~0x20)
    assert status_of(lambda: nt.NtWriteVirtualMemory(process, weak, base, b"x")) == st.STATUS_ACCESS_DENIED
    assert nt.NtReadVirtualMemory(process, weak, base, 1) == b"x"
