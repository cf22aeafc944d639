"""Descriptors of files, in memory and on the host: what they let open, make, rename; what is inherited and kept."""

from __future__ import annotations

import os
from nt.drive import PREFIX, Drive, status_of
from typing import TYPE_CHECKING, Any

import pytest
from ntshim_se import ALICE, BOB, STAFF, descriptor, token

from ntshim import status as st
from ntshim.fs.hostfs import HostFs
from ntshim.fs.memfs import MemFs
from ntshim.fs.notify import FILE_NOTIFY_CHANGE_SECURITY
from ntshim.fs.security import descriptor_of, effective_access
from ntshim.io import create as io
from ntshim.io import query
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import (
    ACCESS_SYSTEM_SECURITY,
    DELETE,
    GENERIC_ALL,
    GENERIC_READ,
    MAXIMUM_ALLOWED,
    READ_CONTROL,
    SYNCHRONIZE,
    WRITE_DAC,
)
from ntshim.se.acl import INHERITED_ACE, Acl, allow, deny
from ntshim.se.descriptor import SE_DACL_AUTO_INHERITED, SecurityDescriptor
from ntshim.se.sid import CREATOR_OWNER, EVERYONE

if TYPE_CHECKING:
    from pathlib import Path

    from ntshim.ps import Process

OK, DENIED = st.STATUS_SUCCESS, st.STATUS_ACCESS_DENIED
READ, WRITE, APPEND, EXECUTE, DELETE_CHILD, READ_ATTRIBUTES = 0x1, 0x2, 0x4, 0x20, 0x40, 0x80
FILE_ALL, FILE_READ = 0x1F01FF, 0x120089
DACL, OWNER = 4, 1
OI, CI = 1, 2
BACKUP = io.FILE_OPEN_FOR_BACKUP_INTENT


class People:
    """A drive, on which Alice makes files; `who` is the process that opens them, Bob's unless told otherwise."""

    def __init__(self, backend: Any) -> None:
        self.drive = Drive(backend)
        self.alice = self.drive.process
        self.alice.token = token(ALICE)
        self.bob = self.process(token(BOB))

    def process(self, who: Any) -> Process:
        made = self.drive.new_process()
        made.token = who
        return made

    def make(self, path: str, made: SecurityDescriptor | None, who: Any = None, options: int = 0) -> int:
        """Make a file with a descriptor, open for Alice; gives the status."""
        name = ObjectAttributes(PREFIX + path, 0, 0x40, made)
        process = who or self.alice

        def create() -> None:
            answer = self.drive.nt.NtCreateFile(process, READ, name, 0, 7, io.FILE_CREATE, options)
            self.drive.close(answer.handle, process)

        return status_of(create)

    def open(self, path: str, access: int, who: Any = None, **more: Any) -> int:
        """Open a file; gives the access that was granted, or the status."""
        process = who or self.bob
        answer: list[int] = []

        def opening() -> None:
            handle = self.drive.create(path, access, process=process, **more).handle
            answer.append(process.handles.look_up(handle).access)
            self.drive.close(handle, process)

        status = status_of(opening)
        return answer[0] if answer else status

    def query(self, path: str, information: int = DACL | OWNER, who: Any = None) -> SecurityDescriptor:
        process = who or self.alice
        handle = self.drive.create(path, READ_CONTROL, process=process).handle
        found = self.drive.nt.NtQuerySecurityObject(process, handle, information)
        self.drive.close(handle, process)
        return found

    def stored(self, path: str) -> SecurityDescriptor | None:
        """What the backend keeps."""
        volume = self.drive.volume
        inode = volume.backend.root
        for name in path.split("\\"):
            found = volume.backend.find(inode, name, ignore_case=False)
            assert found is not None
            inode = found[1]
        return descriptor_of(volume, inode)


@pytest.fixture(params=["memory", "host"])
def people(request: pytest.FixtureRequest, tmp_path: Path) -> People:
    if request.param == "memory":
        return People(MemFs())
    try:
        os.setxattr(tmp_path, "user.ntshim.test", b"1")
    except OSError:
        pytest.skip("the temporary directory keeps no extended attributes")
    return People(HostFs(str(tmp_path)))


@pytest.mark.parametrize(
    ("made", "access", "expected"),
    [
        (descriptor(allow(BOB, READ | SYNCHRONIZE)), READ, READ),
        (descriptor(allow(BOB, READ)), WRITE, DENIED),
        (descriptor(allow(BOB, GENERIC_READ)), GENERIC_READ, FILE_READ),
        (descriptor(allow(BOB, GENERIC_READ)), MAXIMUM_ALLOWED, FILE_READ | DELETE),
        (descriptor(deny(BOB, WRITE), allow(EVERYONE, GENERIC_ALL)), MAXIMUM_ALLOWED, FILE_ALL & ~WRITE),
        (descriptor(), READ_CONTROL, DENIED),
        (descriptor(allow(ALICE, GENERIC_ALL)), READ, DENIED),
        (descriptor(allow(BOB, GENERIC_ALL)), ACCESS_SYSTEM_SECURITY | READ, st.STATUS_PRIVILEGE_NOT_HELD),
        # The directory, which has no descriptor, lets everybody delete children and see their attributes.
        (descriptor(), MAXIMUM_ALLOWED, DELETE | READ_ATTRIBUTES),
    ],
)
def test_the_descriptor_is_asked_at_open(people: People, made: Any, access: int, expected: int) -> None:
    assert people.make("f", made) == OK
    assert people.open("f", access) == expected


def test_what_the_directory_adds(people: People) -> None:
    above = descriptor(allow(EVERYONE, READ | WRITE | EXECUTE))
    assert people.make("d", above, options=io.FILE_DIRECTORY_FILE) == OK
    assert people.make("d\\f", descriptor()) == OK
    assert people.open("d\\f", READ_ATTRIBUTES) == READ_ATTRIBUTES
    assert people.open("d\\f", DELETE) == DENIED
    assert people.open("d\\f", MAXIMUM_ALLOWED) == READ_ATTRIBUTES
    assert people.open("d", MAXIMUM_ALLOWED | READ) == READ | WRITE | EXECUTE | DELETE | READ_ATTRIBUTES


@pytest.mark.parametrize("rights", [0, WRITE, APPEND, WRITE | APPEND])
def test_making_something_in_a_directory(people: People, rights: int) -> None:
    assert people.make("d", descriptor(allow(BOB, rights | READ)), options=io.FILE_DIRECTORY_FILE) == OK
    assert people.make("d\\f", None, people.bob) == (OK if rights & WRITE else DENIED)
    assert people.make("d\\s", None, people.bob, io.FILE_DIRECTORY_FILE) == (OK if rights & APPEND else DENIED)
    assert people.drive.exists("d\\f") == (OK if rights & WRITE else st.STATUS_OBJECT_NAME_NOT_FOUND)


def test_overwriting_takes_the_rights_that_it_implies(people: People) -> None:
    people.make("f", descriptor(allow(BOB, READ)))
    assert people.open("f", READ, disposition=io.FILE_OPEN_IF) == READ
    assert people.open("f", READ, disposition=io.FILE_OVERWRITE) == DENIED
    assert people.open("f", READ, disposition=io.FILE_CREATE) == st.STATUS_OBJECT_NAME_COLLISION


def test_a_stream_takes_the_right_to_write(people: People) -> None:
    people.make("f", descriptor(allow(BOB, READ)))
    assert people.open("f:s", READ, disposition=io.FILE_CREATE) == DENIED
    people.make("g", descriptor(allow(BOB, READ | WRITE)))
    assert people.open("g:s", READ, disposition=io.FILE_CREATE) == READ
    assert people.open("g:s", EXECUTE) == DENIED


@pytest.mark.parametrize(
    ("privilege", "access", "options", "expected"),
    [
        ("SeBackupPrivilege", READ | EXECUTE, BACKUP, READ | EXECUTE),
        ("SeBackupPrivilege", READ, 0, DENIED),
        ("SeBackupPrivilege", WRITE, BACKUP, DENIED),
        ("SeRestorePrivilege", WRITE | WRITE_DAC, BACKUP, WRITE | WRITE_DAC),
        ("SeRestorePrivilege", READ, BACKUP, DENIED),
        ("SeRestorePrivilege", WRITE, 0, DENIED),
        ("SeSecurityPrivilege", ACCESS_SYSTEM_SECURITY | READ_ATTRIBUTES, 0, ACCESS_SYSTEM_SECURITY | READ_ATTRIBUTES),
        ("SeSecurityPrivilege", ACCESS_SYSTEM_SECURITY | READ, 0, DENIED),
    ],
)
def test_privileges(people: People, privilege: str, access: int, options: int, expected: int) -> None:
    people.make("f", descriptor())
    somebody = people.process(token(BOB, privileges=(privilege,)))
    assert people.open("f", access, somebody, options=options) == expected


def test_restoring_into_a_directory(people: People) -> None:
    people.make("d", descriptor(), options=io.FILE_DIRECTORY_FILE)
    somebody = people.process(token(BOB, privileges=("SeRestorePrivilege",)))
    assert people.make("d\\f", None, somebody) == DENIED
    assert people.make("d\\f", None, somebody, BACKUP) == OK


def test_directories_are_passed_by_privilege(people: People) -> None:
    people.make("d", descriptor(allow(EVERYONE, READ | WRITE)), options=io.FILE_DIRECTORY_FILE)
    people.make("d\\f", None)
    assert people.open("d\\f", READ) == READ
    assert isinstance(people.bob.token, type(token(BOB)))
    people.bob.token.privileges.clear()
    assert people.open("d\\f", READ) == DENIED
    assert people.open("d", READ) == READ


def test_files_inherit(people: People) -> None:
    above = descriptor(allow(CREATOR_OWNER, GENERIC_ALL, OI | CI), allow(BOB, READ, OI), allow(EVERYONE, 0x2 | 0x4))
    people.make("d", above, options=io.FILE_DIRECTORY_FILE)
    assert people.make("d\\f", None, people.bob) == OK
    found = people.stored("d\\f")
    assert found is not None
    assert found.dacl == Acl((allow(BOB, FILE_ALL, INHERITED_ACE), allow(BOB, READ, INHERITED_ACE)))
    assert found.owner == BOB
    assert found.control & SE_DACL_AUTO_INHERITED
    people.make("d\\s", None, people.bob, io.FILE_DIRECTORY_FILE)
    inner = people.stored("d\\s")
    assert inner is not None
    assert inner.dacl is not None
    assert [ace.flags for ace in inner.dacl.aces] == [
        INHERITED_ACE,
        INHERITED_ACE | OI | CI | 8,
        INHERITED_ACE | OI | 8,
    ]
    # What is given stands before what is inherited.
    people.make("d\\g", SecurityDescriptor(dacl=Acl((deny(STAFF, READ),))), people.bob)
    both = people.stored("d\\g")
    assert both is not None
    assert both.dacl is not None
    assert [ace.sid for ace in both.dacl.aces] == [STAFF, BOB, BOB]


def test_without_descriptors_nothing_is_kept(people: People) -> None:
    people.make("f", None)
    assert people.stored("f") is None
    assert people.open("f", MAXIMUM_ALLOWED) == FILE_ALL
    found = people.query("f")
    assert (found.owner, found.dacl) == (ALICE, None)
    assert found.dacl_present


def test_a_default_dacl_is_given_to_files(people: People) -> None:
    people.alice.token = token(ALICE, default_dacl=Acl((allow(ALICE, GENERIC_ALL),)))
    people.make("f", None)
    assert people.open("f", READ) == DENIED
    assert people.open("f", MAXIMUM_ALLOWED, people.alice) == FILE_ALL


def test_a_descriptor_is_set_and_kept_over_renames(people: People) -> None:
    people.make("f", None)
    drive = people.drive
    handle = drive.open("f", READ_CONTROL | WRITE_DAC | DELETE)
    drive.nt.NtSetSecurityObject(people.alice, handle, DACL, descriptor(allow(BOB, GENERIC_READ)))
    assert drive.nt.NtQuerySecurityObject(people.alice, handle, DACL).dacl == Acl((allow(BOB, FILE_READ),))
    drive.rename(handle, "g")
    drive.close(handle)
    assert people.open("g", READ) == READ
    assert people.open("g", WRITE) == DENIED
    weak = drive.open("g", READ_CONTROL)
    assert status_of(lambda: drive.nt.NtSetSecurityObject(people.alice, weak, DACL, descriptor())) == DENIED


def test_setting_a_descriptor_is_told_to_who_watches(people: People) -> None:
    people.make("f", None)
    drive = people.drive
    top = drive.create("", READ, options=io.FILE_DIRECTORY_FILE).handle
    irp = drive.nt.NtNotifyChangeDirectoryFile(people.alice, top, 512, FILE_NOTIFY_CHANGE_SECURITY, False)
    handle = drive.open("f", WRITE_DAC)
    drive.nt.NtSetSecurityObject(people.alice, handle, DACL, descriptor())
    assert irp.status == OK
    assert [entry.file_name for entry in irp.result] == ["f"]


def test_a_name_in_a_directory_that_refuses(people: People) -> None:
    drive = people.drive
    people.make("d", descriptor(allow(BOB, APPEND)), options=io.FILE_DIRECTORY_FILE)
    people.make("f", None)
    people.make("s", None, options=io.FILE_DIRECTORY_FILE)

    def move(path: str, target: str) -> int:
        handle = drive.open(path, DELETE, process=people.bob)
        drive.process = people.bob
        try:
            return status_of(lambda: drive.rename(handle, target))
        finally:
            drive.close(handle, people.bob)
            drive.process = people.alice

    assert move("f", "d\\f") == DENIED
    assert move("s", "d\\s") == OK
    assert move("f", "g") == OK


@pytest.mark.parametrize("stored", [b"", b"nonsense", b"\1\0\4\x80" + b"\xff" * 16])
def test_a_damaged_descriptor_opens_nothing(people: People, stored: bytes) -> None:
    people.make("f", descriptor(allow(EVERYONE, GENERIC_ALL)))
    found = people.drive.volume.backend.find(people.drive.volume.backend.root, "f", ignore_case=False)
    assert found is not None
    people.drive.volume.backend.set_security(found[1], stored)
    assert people.open("f", READ) >= st.STATUS_UNSUCCESSFUL


def test_malformed_descriptors_make_no_file(people: People) -> None:
    assert people.make("f", b"nonsense") == st.STATUS_INVALID_SECURITY_DESCR  # type: ignore[arg-type]
    assert people.make("f", descriptor(owner=BOB)) == st.STATUS_INVALID_OWNER
    assert people.drive.exists("f") == st.STATUS_OBJECT_NAME_NOT_FOUND
    assert people.make("f", None) == OK


def test_effective_access(people: People) -> None:
    people.make("f", descriptor(allow(BOB, READ)))
    volume = people.drive.volume
    found = volume.backend.find(volume.backend.root, "f", ignore_case=False)
    assert found is not None
    assert effective_access(volume, found[1], people.bob) == READ
    assert effective_access(volume, volume.backend.root, people.bob) == FILE_ALL


def test_a_file_that_nobody_serves_has_no_descriptor(people: People) -> None:
    from ntshim.io.file import File

    handle = people.alice.handles.insert(File(), READ_CONTROL | WRITE_DAC)
    nt = people.drive.nt
    asked = status_of(lambda: nt.NtQuerySecurityObject(people.alice, handle, DACL))
    put = status_of(lambda: nt.NtSetSecurityObject(people.alice, handle, DACL, descriptor()))
    assert asked == put == st.STATUS_INVALID_DEVICE_REQUEST


@pytest.mark.parametrize("missing", [0, WRITE, APPEND, DELETE_CHILD])
def test_the_case_flag_needs_the_rights_to_change_names(people: People, missing: int) -> None:
    dacl = descriptor(allow(BOB, FILE_ALL & ~missing & ~0x10000))
    assert people.make("dir", dacl, options=io.FILE_DIRECTORY_FILE) == OK
    drive = people.drive
    handle = drive.create("dir", 0x100, process=people.bob).handle
    status = status_of(
        lambda: drive.nt.NtSetInformationFile(people.bob, handle, 1, query.FILE_CASE_SENSITIVE_INFORMATION)
    )
    assert status == (DENIED if missing else OK)
