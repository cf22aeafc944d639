"""Names of objects: every status of facts/nt.md sections 1.1 and 1.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ntshim_ob import BASE, World, status_of

from ntshim import status as st
from ntshim.ob import attributes as oa
from ntshim.ob.attributes import ObjectAttributes, UnicodeString
from ntshim.ob.object import GENERIC_ALL, MAXIMUM_ALLOWED, OBJ_EXCLUSIVE, OBJ_PERMANENT, Object, ObjectType, Reparse
from ntshim.ob.parse import REPARSE_LIMIT
from ntshim.ob.types import make_type

if TYPE_CHECKING:
    from ntshim.ob.parse import ParseRequest

OK = st.STATUS_SUCCESS
SYNTAX_BAD = st.STATUS_OBJECT_PATH_SYNTAX_BAD
NAME_INVALID = st.STATUS_OBJECT_NAME_INVALID
PATH_NOT_FOUND = st.STATUS_OBJECT_PATH_NOT_FOUND
NAME_NOT_FOUND = st.STATUS_OBJECT_NAME_NOT_FOUND
MISMATCH = st.STATUS_OBJECT_TYPE_MISMATCH
COLLISION = st.STATUS_OBJECT_NAME_COLLISION
EXISTS = st.STATUS_OBJECT_NAME_EXISTS
INVALID_PARAMETER = st.STATUS_INVALID_PARAMETER
DENIED = st.STATUS_ACCESS_DENIED
KINDS = (
    "Event",
    "Mutant",
    "Semaphore",
    "KeyedEvent",
    "Timer",
    "IoCompletion",
    "Job",
    "Section",
    "Directory",
    "SymbolicLink",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "opened", "created"),
    [
        ("", SYNTAX_BAD, OK),
        (None, SYNTAX_BAD, OK),
        ("name", SYNTAX_BAD, SYNTAX_BAD),
        ("/BaseNamedObjects", SYNTAX_BAD, SYNTAX_BAD),
        (BASE + "\\", NAME_INVALID, NAME_INVALID),
        ("\\" + BASE, NAME_INVALID, NAME_INVALID),
        (BASE + r"\\name", NAME_INVALID, NAME_INVALID),
        ("\\\\", NAME_INVALID, NAME_INVALID),
        (BASE + "\\missing\\", PATH_NOT_FOUND, PATH_NOT_FOUND),
        (BASE + r"\missing\name", PATH_NOT_FOUND, PATH_NOT_FOUND),
        (r"\missing\\name", PATH_NOT_FOUND, PATH_NOT_FOUND),
        (BASE + r"\missing", NAME_NOT_FOUND, OK),
        (r"\KernelObjects\MemoryErrors\below", MISMATCH, MISMATCH),
        ("\\KernelObjects\\MemoryErrors\\", MISMATCH, MISMATCH),
        (r"\ObjectTypes\Event", MISMATCH, MISMATCH),
        (r"\Device\Null", MISMATCH, MISMATCH),
        (r"\Device\Null\x", MISMATCH, MISMATCH),
    ],
)
def test_absolute_names(kind: str, name: str | None, opened: int, created: int) -> None:
    assert World().status(kind, ObjectAttributes(name)) == (opened, created)


@pytest.mark.parametrize("kind", KINDS)
def test_the_root_directory(kind: str) -> None:
    expected = (OK, COLLISION) if kind == "Directory" else (MISMATCH, MISMATCH)
    assert World().status(kind, ObjectAttributes("\\")) == expected
    assert World().status(kind, ObjectAttributes("\\", 0, oa.OBJ_OPENIF))[1] == (
        EXISTS if kind == "Directory" else MISMATCH
    )


@pytest.mark.parametrize(
    ("kind", "name", "opened", "created"),
    [
        ("Event", "\\name", SYNTAX_BAD, SYNTAX_BAD),
        ("Event", "\\", SYNTAX_BAD, SYNTAX_BAD),
        ("Event", "\\name\\", SYNTAX_BAD, SYNTAX_BAD),
        ("Event", "missing\\name", PATH_NOT_FOUND, PATH_NOT_FOUND),
        ("Event", "missing\\", PATH_NOT_FOUND, PATH_NOT_FOUND),
        ("Event", "name", NAME_NOT_FOUND, OK),
        ("Event", "", MISMATCH, MISMATCH),
        ("SymbolicLink", "", MISMATCH, MISMATCH),
        ("Directory", "", OK, COLLISION),
        ("Event", None, NAME_INVALID, OK),
        ("Directory", None, NAME_INVALID, OK),
    ],
)
def test_names_below_a_root_directory(kind: str, name: str | None, opened: int, created: int) -> None:
    world = World()
    root = world.open("Directory", BASE)
    assert world.status(kind, ObjectAttributes(name, root)) == (opened, created)


@pytest.mark.parametrize("name", ["name", ""])
@pytest.mark.parametrize("root", ["Event", "SymbolicLink", "Mutant"])
def test_a_root_directory_of_another_type(root: str, name: str) -> None:
    world = World()
    given = ObjectAttributes(name, world.create(root, None))
    assert world.status("Event", given) == (MISMATCH, MISMATCH)
    assert world.status("Directory", given) == (MISMATCH, MISMATCH)


def test_a_root_directory_that_is_no_handle() -> None:
    world = World()
    assert world.status("Event", ObjectAttributes("name", 0xBAD0)) == (st.STATUS_INVALID_HANDLE,) * 2
    assert world.status("Event", ObjectAttributes("\\name", 0xBAD0)) == (st.STATUS_INVALID_HANDLE,) * 2
    assert world.status("Event", ObjectAttributes("name", -1)) == (MISMATCH, MISMATCH)
    assert world.status("Event", ObjectAttributes(None, 0xBAD0)) == (NAME_INVALID, OK)


def test_a_root_directory_needs_no_right() -> None:
    world = World()
    weak = world.open("Directory", BASE, access=1)
    handle = world.create("Event", "name", weak)
    assert world.open("Event", "name", weak)
    assert world.object(handle).name.text == "name"


@pytest.mark.parametrize(
    ("given", "opened", "created"),
    [
        (None, INVALID_PARAMETER, OK),
        (oa.UNREADABLE, st.STATUS_ACCESS_VIOLATION, st.STATUS_ACCESS_VIOLATION),
        (oa.MISALIGNED, st.STATUS_DATATYPE_MISALIGNMENT, st.STATUS_DATATYPE_MISALIGNMENT),
        (ObjectAttributes("\\x", length=0), INVALID_PARAMETER, INVALID_PARAMETER),
        (ObjectAttributes("\\x", length=49), INVALID_PARAMETER, INVALID_PARAMETER),
        (ObjectAttributes(oa.UNREADABLE), st.STATUS_ACCESS_VIOLATION, st.STATUS_ACCESS_VIOLATION),
        (ObjectAttributes(oa.MISALIGNED), st.STATUS_DATATYPE_MISALIGNMENT, st.STATUS_DATATYPE_MISALIGNMENT),
        (ObjectAttributes(UnicodeString(oa.UNREADABLE, 2)), st.STATUS_ACCESS_VIOLATION, st.STATUS_ACCESS_VIOLATION),
        (
            ObjectAttributes(UnicodeString(oa.MISALIGNED, 3)),
            st.STATUS_DATATYPE_MISALIGNMENT,
            st.STATUS_DATATYPE_MISALIGNMENT,
        ),
        (ObjectAttributes(UnicodeString(oa.UNREADABLE, 0)), SYNTAX_BAD, OK),
        (ObjectAttributes(UnicodeString("\\x", 3)), NAME_INVALID, NAME_INVALID),
        (ObjectAttributes(UnicodeString("\\x", 6)), st.STATUS_ACCESS_VIOLATION, st.STATUS_ACCESS_VIOLATION),
        (ObjectAttributes(UnicodeString("\\x\\y", 4)), NAME_NOT_FOUND, OK),
        (ObjectAttributes("\\x", oa.UNREADABLE.status, 1), INVALID_PARAMETER, INVALID_PARAMETER),
    ],
)
def test_malformed_attributes(given: Any, opened: int, created: int) -> None:
    assert World().status("Event", given) == (opened, created)


@pytest.mark.parametrize("bit", [1 << number for number in range(32)])
def test_attribute_bits(bit: int) -> None:
    known = bit & 0x1FF2
    opened = (INVALID_PARAMETER if bit == OBJ_EXCLUSIVE else OK) if known else INVALID_PARAMETER
    world = World()
    world.create("Event", r"\there")
    assert world.status("Event", ObjectAttributes(r"\there", 0, bit))[0] == opened
    created = (st.STATUS_PRIVILEGE_NOT_HELD if bit == OBJ_PERMANENT else OK) if known else INVALID_PARAMETER
    assert world.status("Event", ObjectAttributes(r"\new", 0, bit))[1] == created


@pytest.mark.parametrize(
    ("units", "expected"),
    [(32765, OK), (32766, OK), (32767, NAME_INVALID), (32768, NAME_INVALID), (70000, NAME_INVALID)],
)
@pytest.mark.parametrize("letter", ["x", "\N{OLD ITALIC LETTER A}", "\udc00", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_the_longest_name_is_counted_in_units(units: int, expected: int, letter: str) -> None:
    width = len(letter.encode("utf-16-le", "surrogatepass")) // 2
    name = "\\" + "y" * ((units - 1) % width) + letter * ((units - 1) // width)
    assert len(name.encode("utf-16-le", "surrogatepass")) == 2 * units
    opened = NAME_NOT_FOUND if expected == OK else expected
    assert World().status("Event", ObjectAttributes(name)) == (opened, expected)


@pytest.mark.parametrize(
    "text", ["a/b", ".", "..", ":", "*", "?", "<>|", "a\0b", "x" * 300, " ", "\ud800", "\udfff\ud800"]
)
def test_only_the_backslash_separates(text: str) -> None:
    world = World()
    world.create("Event", rf"{BASE}\{text}")
    assert world.open("Event", rf"{BASE}\{text}")
    with pytest.raises(st.NtError, match="NAME_NOT_FOUND"):
        world.open("Event", rf"{BASE}\{text}x")


def test_a_pair_of_surrogates_is_one_name_however_it_is_written() -> None:
    world = World()
    world.create("Event", "\\\ud800\udf00")
    assert world.open("Event", "\\\N{OLD ITALIC LETTER A}")
    raw = UnicodeString("\\\N{OLD ITALIC LETTER A}", 6)
    assert world.status("Event", ObjectAttributes(raw)) == (OK, COLLISION)
    assert world.status("Event", ObjectAttributes(UnicodeString("\\\N{OLD ITALIC LETTER A}", 4)))[0] == NAME_NOT_FOUND


@pytest.mark.parametrize("there", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_exists(there: str, kind: str) -> None:
    name = rf"{BASE}\there"
    if there == "SymbolicLink" and kind != "SymbolicLink":
        # The link is followed, to a directory.
        expected = (OK, COLLISION, EXISTS) if kind == "Directory" else (MISMATCH,) * 3
    elif there == kind:
        # Windows 10 1607 and later say nothing of a link that was there.
        expected = (OK, COLLISION, OK if kind == "SymbolicLink" else EXISTS)
    else:
        expected = (MISMATCH,) * 3
    world = World()
    world.create(there, name)
    assert world.status(kind, ObjectAttributes(name)) == expected[:2]
    assert world.status(kind, ObjectAttributes(name, 0, oa.OBJ_OPENIF))[1] == expected[2]


def test_openif_gives_a_handle_to_what_exists() -> None:
    world = World()
    first = world.create("Event", r"\there")
    create, _ = world.services("Event")
    second, status = create(2, ObjectAttributes(r"\there", 0, oa.OBJ_OPENIF | oa.OBJ_INHERIT))
    assert status == EXISTS
    assert world.object(second) is world.object(first)
    entry = world.process.handles.look_up(second)
    assert (entry.access, entry.attributes) == (2, oa.OBJ_INHERIT)


@pytest.mark.parametrize(
    ("access", "opened", "created"),
    [
        (0, DENIED, OK),
        (0x1F0003, OK, OK),
        (GENERIC_ALL, OK, OK),
        (MAXIMUM_ALLOWED, OK, OK),
        (4, DENIED, DENIED),
        (0x1F0003 | 0x400000, DENIED, DENIED),
        (0x1000000, st.STATUS_PRIVILEGE_NOT_HELD, st.STATUS_PRIVILEGE_NOT_HELD),
    ],
)
def test_access_of_events(access: int, opened: int, created: int) -> None:
    world = World()
    world.create("Event", r"\there")
    assert world.status("Event", ObjectAttributes(r"\there"), access)[0] == opened
    assert world.status("Event", ObjectAttributes(r"\new"), access)[1] == created
    assert status_of(world.open, "Event", r"\new", access=1) == (OK if created == OK else NAME_NOT_FOUND)
    again = status_of(world.services("Event")[0], access, ObjectAttributes(r"\there", 0, oa.OBJ_OPENIF))
    assert again == (EXISTS if opened == OK else opened)


def test_generic_rights_are_mapped() -> None:
    world = World()
    for access, expected in [(0x80000000, 0x20001), (0x40000000, 0x20002), (0x20000000, 0x120000), (1 << 25, 0x1F0003)]:
        handle = world.create("Event", None, access=access)
        assert world.process.handles.look_up(handle).access == expected


def test_case_counts_unless_told_otherwise() -> None:
    world = World()
    world.create("Event", rf"{BASE}\Test")
    ignore = oa.OBJ_CASE_INSENSITIVE
    assert world.status("Event", ObjectAttributes(rf"{BASE}\test", 0, ignore)) == (OK, COLLISION)
    assert world.status("Event", ObjectAttributes(r"\basenamedobjects\TEST", 0, ignore)) == (OK, COLLISION)
    assert world.status("Event", ObjectAttributes(r"\basenamedobjects\Test")) == (PATH_NOT_FOUND, PATH_NOT_FOUND)
    assert world.status("Event", ObjectAttributes(rf"{BASE}\test")) == (NAME_NOT_FOUND, OK)
    lower = world.create("Event", rf"{BASE}\TEST")
    exact = world.open("Event", rf"{BASE}\TEST", flags=ignore)
    assert world.object(exact) is world.object(lower)
    assert world.object(world.open("Event", rf"{BASE}\tEST", flags=ignore)).name.text == "Test"


def test_case_is_ignored_by_the_table_of_ntfs() -> None:
    world = World()
    world.create("Event", "\\\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert world.open("Event", "\\\N{LATIN CAPITAL LETTER E WITH ACUTE}", flags=oa.OBJ_CASE_INSENSITIVE)
    world.create("Event", "\\\N{LATIN SMALL LETTER SHARP S}")
    assert status_of(world.open, "Event", "\\SS", flags=oa.OBJ_CASE_INSENSITIVE) == NAME_NOT_FOUND


def test_links_are_followed_unless_a_link_is_wanted() -> None:
    world = World()
    world.create("Directory", rf"{BASE}\dir")
    world.create("Event", rf"{BASE}\dir\event")
    link = world.link(rf"{BASE}\link", rf"{BASE}\dir")
    assert world.object(world.open("SymbolicLink", rf"{BASE}\link")) is world.object(link)
    assert world.object(world.open("SymbolicLink", rf"{BASE}\link", flags=oa.OBJ_OPENLINK)) is world.object(link)
    assert world.open("Event", rf"{BASE}\link\event")
    assert status_of(world.open, "Event", rf"{BASE}\link") == MISMATCH
    assert world.open("Directory", rf"{BASE}\link")
    assert status_of(world.open, "Directory", rf"{BASE}\link", flags=oa.OBJ_OPENLINK) == MISMATCH
    assert world.open("Event", rf"{BASE}\link\event", flags=oa.OBJ_OPENLINK)
    world.create("Event", rf"{BASE}\link\new")
    assert world.open("Event", rf"{BASE}\dir\new")


@pytest.mark.parametrize(
    ("target", "name", "opened", "created"),
    [
        (rf"{BASE}\nowhere", "link", NAME_NOT_FOUND, OK),
        (rf"{BASE}\nowhere", r"link\below", PATH_NOT_FOUND, PATH_NOT_FOUND),
        (r"\nowhere\name", "link", PATH_NOT_FOUND, PATH_NOT_FOUND),
        ("event", "link", NAME_NOT_FOUND, NAME_NOT_FOUND),
        ("BaseNamedObjects", r"link\event", NAME_NOT_FOUND, NAME_NOT_FOUND),
        ("", "link" + rf"{BASE}\event", OK, COLLISION),
        (BASE + "\\", r"link\event", OK, COLLISION),
        (BASE + "\\", "link", NAME_INVALID, NAME_INVALID),
        (BASE + "\\\\", r"link\event", NAME_INVALID, NAME_INVALID),
        (rf"{BASE}\event", "link\\", MISMATCH, MISMATCH),
        (rf"{BASE}\link", "link", NAME_NOT_FOUND, NAME_NOT_FOUND),
        (rf"{BASE}\link", r"link\below", NAME_NOT_FOUND, NAME_NOT_FOUND),
    ],
)
def test_where_links_lead(target: str, name: str, opened: int, created: int) -> None:
    world = World()
    world.create("Event", rf"{BASE}\event")
    world.link(rf"{BASE}\link", target)
    assert world.status("Event", ObjectAttributes(rf"{BASE}\{name}")) == (opened, created)


def test_an_empty_target_is_the_root() -> None:
    world = World()
    world.link(rf"{BASE}\link", "")
    root = world.open("Directory", rf"{BASE}\link")
    assert world.object(root) is world.executive.namespace.root


@pytest.mark.parametrize(("count", "expected"), [(1, OK), (REPARSE_LIMIT, OK), (REPARSE_LIMIT + 1, NAME_NOT_FOUND)])
def test_so_many_links_are_followed(count: int, expected: int) -> None:
    world = World()
    world.create("Event", r"\link0")
    for number in range(1, count + 1):
        world.link(rf"\link{number}", rf"\link{number - 1}")
    assert status_of(world.open, "Event", rf"\link{count}") == expected


def test_who_wants_no_link_meets_none() -> None:
    world = World()
    world.create("Event", rf"{BASE}\event")
    world.link(rf"{BASE}\link", BASE)
    dont = oa.OBJ_DONT_REPARSE
    encountered = st.STATUS_REPARSE_POINT_ENCOUNTERED
    assert world.status("Event", ObjectAttributes(rf"{BASE}\link\event", 0, dont)) == (encountered, encountered)
    assert world.open("SymbolicLink", rf"{BASE}\link", flags=dont)
    assert world.open("Event", rf"{BASE}\event", flags=dont)


class GateType(ObjectType):
    """A type that goes on with names by itself, and remembers what it was asked."""

    __slots__ = ()

    has_parse_routine = True
    case_insensitive = True

    def parse(self, target: Object, request: ParseRequest) -> Object | Reparse:
        assert isinstance(target, Gate)
        target.asked.append((request.name, request.attributes, request.context))
        if request.name.endswith("away"):
            return Reparse(rf"{BASE}\event")
        request.granted_access = 0x80
        return Object(self)


class Gate(Object):
    """What such a type's names go through."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        super().__init__(GATE)
        self.asked: list[tuple[str, int, Any]] = []


GATE = make_type("Device", GateType)


def test_a_parse_routine_gets_the_rest_of_the_name() -> None:
    world = World()
    gate = Gate()
    world.executive.namespace.add(r"\Device\Gate", gate)
    world.create("Event", rf"{BASE}\event")
    assert world.open("Event", r"\Device\Gate\to\away")
    assert status_of(world.open, "Event", r"\Device\Gate\\x\\") == MISMATCH
    assert status_of(world.open, "Event", r"\Device\Gate") == MISMATCH
    assert [name for name, _, _ in gate.asked] == [r"\to\away", "\\\\x\\\\", ""]
    assert world.status("Event", ObjectAttributes(r"\Device\Gate\x"))[1] == MISMATCH
    assert world.status("Event", ObjectAttributes(r"\Device\Gate"))[1] == MISMATCH
    assert [name for name, _, _ in gate.asked[3:]] == [r"\x", ""], "who creates below it is not its affair"
    gate.asked.clear()
    gate.reference()
    root = world.process.handles.insert(gate, 1)
    assert world.open("Event", "far\\away", root)
    assert status_of(world.open, "Event", "\\away", root) == SYNTAX_BAD
    assert [name for name, _, _ in gate.asked] == ["far\\away"]


@pytest.mark.parametrize("everything", [True, False])
def test_types_may_ignore_case_by_themselves(everything: bool) -> None:
    from ntshim.ob.open import open_by_name

    world = World()
    gate = Gate()
    namespace = world.executive.namespace
    namespace.add(r"\Device\Gate", gate)
    namespace.ob_case_insensitive = everything
    lower, exact = ObjectAttributes(r"\device\gate\X"), ObjectAttributes(r"\Device\Gate\X")
    found = status_of(open_by_name, namespace, world.thread, lower, GATE, 1, "context")
    assert found == (OK if everything else PATH_NOT_FOUND)
    handle = open_by_name(namespace, world.thread, exact, GATE, 1, "context")
    ignored = oa.OBJ_CASE_INSENSITIVE if everything else 0
    assert gate.asked == [(r"\X", ignored, "context")] * (2 if everything else 1)
    assert world.process.handles.look_up(handle).access == 0x80
    opened = world.object(handle)
    assert (opened.handle_count, opened.pointer_count) == (1, 1)
