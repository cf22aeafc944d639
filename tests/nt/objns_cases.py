"""The phrases in which rows of kind objns tell what was done, and the doing of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from ntshim.ob.attributes import (
    MISALIGNED,
    OBJ_CASE_INSENSITIVE,
    OBJ_DONT_REPARSE,
    OBJ_OPENIF,
    OBJ_OPENLINK,
    UNREADABLE,
    ObjectAttributes,
    UnicodeString,
)
from ntshim.ob.object import (
    DELETE,
    GENERIC_ALL,
    GENERIC_EXECUTE,
    GENERIC_READ,
    GENERIC_WRITE,
    MAXIMUM_ALLOWED,
    OBJ_PERMANENT,
)

from .kind import Unverified
from .objns_scene import BASE, TYPE, WORDS, Scene
from .world import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ntshim.ob.attributes import GivenAttributes, GivenName


# What was done, and the status it gave.
Answers: TypeAlias = list[tuple[str, str]]
Rule: TypeAlias = "Callable[[Scene, re.Match[str]], list[Answer]]"

FLAGS = {
    "OPENIF": OBJ_OPENIF,
    "OPENLINK": OBJ_OPENLINK,
    "DONT_REPARSE": OBJ_DONT_REPARSE,
    "CASE_INSENSITIVE": OBJ_CASE_INSENSITIVE,
    "CI": OBJ_CASE_INSENSITIVE,
}
RIGHTS = {
    "GENERIC_READ": GENERIC_READ,
    "GENERIC_WRITE": GENERIC_WRITE,
    "GENERIC_EXECUTE": GENERIC_EXECUTE,
    "GENERIC_ALL": GENERIC_ALL,
    "MAXIMUM_ALLOWED": MAXIMUM_ALLOWED,
    "DELETE": DELETE,
    "QUERY": 1,
    "TRAVERSE": 2,
    "CREATE_OBJECT": 4,
    "CREATE_SUBDIRECTORY": 8,
}
DIRECTORY_ALL = 0xF000F

# Words that change nothing.
FILLERS = "an?|the|its|is|was|pointer"

_RULES: list[tuple[re.Pattern[str], Rule]] = []


def rule(pattern: str) -> Callable[[Rule], Rule]:
    """Say which phrase a function acts out; `{T}` stands for the name of a type."""

    def enter(act: Rule) -> Rule:
        _RULES.append((re.compile(pattern.replace("{T}", TYPE), re.IGNORECASE), act))
        return act

    return enter


def run(case: str, group: str) -> Answers:
    """Act a phrase out; every answer has to be what the row expects."""
    flags = 0
    phrase = case.strip()
    for word, flag in FLAGS.items():
        flagged = rf"(?:,? with |,? )?\b(?:OBJ_)?{word}\b"
        without = rf",? (?:w/o|without) (?:OBJ_)?{word}\b"
        if re.search(without, phrase):
            phrase = re.sub(without, "", phrase)
        elif re.search(flagged, phrase):
            flags |= flag
            phrase = re.sub(flagged, "", phrase)
    relative = " via RootDirectory" in phrase
    phrase = re.sub(rf" via RootDirectory|\b(?:{FILLERS})\b ?", "", phrase).strip(" ,")
    verb = re.search(r",? (open|create)(?: \([^)]*\))?$", phrase)
    readings = [(phrase, "")] + ([(phrase[: verb.start()], verb[1])] if verb else [])
    for text, told in [*readings, *((re.sub(r" *\([^)]*\)", "", text).strip(), told) for text, told in readings)]:
        for pattern, act in _RULES:
            found = pattern.fullmatch(text)
            if found is not None:
                return [(phrase, answer.status) for answer in act(Scene(flags, relative=relative, verb=told), found)]
    raise Unverified(f"no rule for {group} {case!r}")


def kind_of(word: str | None, default: str = "event") -> str:
    """Give the type that a row's word means."""
    return WORDS[word.lower()] if word else default


def either(scene: Scene, kind: str, given: GivenAttributes, verb: str = "") -> list[Answer]:
    """Create, open, or both where the row says neither and both answer alike."""
    verb = (verb or scene.verb).strip().lower()
    answers = []
    if verb != "open":
        answers.append(scene.create(kind, given))
    if verb != "create":
        answers.append(scene.open(kind, given))
    return answers


def access_of(text: str) -> int:
    """Give the mask that names, joined by |, or a hexadecimal number stand for."""
    access = 0
    for word in re.split(r"[|+ ]+", text.strip()):
        name = re.sub(r"^(DIRECTORY|EVENT|OBJ)_", "", word.upper())
        if name in RIGHTS:
            access |= RIGHTS[name]
        elif re.fullmatch(r"(0x)?[0-9a-f]+", word, re.IGNORECASE):
            access |= int(word, 16)
        else:
            raise Unverified(f"unknown right {word}")
    return access


# Creating and opening.


@rule(r"(?:create )?(?:new )?({T})(?: new| create)?")
def new(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return [scene.create(kind_of(found[1]), scene.attributes("new"))]


@rule(r"(?:create )?({T}) (?:in|below) dir(?:ectory)?")
def new_in_directory(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return [scene.create(kind_of(found[1]), scene.attributes("new"))]


@rule(r"(?:create )?({T}) (?:over )?existing(?: same type)?")
def over_itself(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[1])
    scene.make(kind, "there")
    return [scene.create(kind, scene.attributes("there"))]


@rule(r"(?:create )?({T}) over (?:existing )?({T})")
def over_another(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make(kind_of(found[2]), "there")
    return [scene.create(kind_of(found[1]), scene.attributes("there"))]


@rule(r"(create |open |)({T} )?case-variant")
def case_variant(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[2].strip() if found[2] else None)
    scene.make(kind, "Variant")
    given = scene.attributes("vARIANT")
    return [scene.open(kind, given) if found[1].lower() == "open " else scene.create(kind, given)]


@rule(r"open (?:existing )?({T}) as ({T})")
def open_as_another(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make(kind_of(found[1]), "there")
    return [scene.open(kind_of(found[2]), scene.attributes("there"))]


@rule(r"open (?:existing )?({T})?(?: same type)?(?: ?with access (\w+))?")
def open_existing(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[1])
    scene.make(kind, "there")
    return [scene.open(kind, scene.attributes("there"), access_of(found[2]) if found[2] else GENERIC_ALL)]


@rule(r"(?:create )?(?:new )?({T}) (?:new )?with access (\w+)")
def new_with_access(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return [scene.create(kind_of(found[1]), scene.attributes("new"), access_of(found[2]))]


@rule(r"(create|descend|open)(?: ({T}))? (?:below|through) ({T})")
def below(scene: Scene, found: re.Match[str]) -> list[Answer]:
    through = kind_of(found[3])
    handle = scene.make(through, "there")
    if through == "link":
        scene.make("event", rf"{BASE}\inner")
    elif through == "directory":
        scene.make("event", "inner", root=handle)
    kind = kind_of(found[2])
    if found[1].lower() == "create":
        return [scene.create(kind, scene.attributes(r"there\new"))]
    return [scene.open(kind, scene.attributes(r"there\inner"))]


@rule(r"(create |open )?missing (?:leaf|last component)")
def missing_leaf(scene: Scene, found: re.Match[str]) -> list[Answer]:
    given = scene.attributes("missing")
    return [scene.create("event", given) if (found[1] or "").strip() == "create" else scene.open("event", given)]


@rule(r"(create |open )?(?:below )?missing (?:intermediate|parent|middle)(?: component| directory)?")
def missing_parent(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return either(scene, "event", scene.attributes(r"missing\leaf"), found[1] or "")


# OBJECT_ATTRIBUTES.


@rule(r"leading backslash with RootDirectory")
def leading_backslash(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return either(scene, "event", scene.attributes(r"\name", root=scene.root))


@rule(r"empty name(?: (with|without|w/o|no) (?:Root(?:Directory)?))?(?:, ({T}))?")
def empty_name(scene: Scene, found: re.Match[str]) -> list[Answer]:
    rooted = (found[1] or "without").lower() == "with"
    kind = kind_of(found[2])
    given = scene.attributes("", root=scene.root if rooted else 0)
    # Without a root, or for a directory, creating answers otherwise, so that a row that names no verb means opening.
    return either(scene, kind, given, "" if scene.verb or (rooted and kind != "directory") else "open")


@rule(r"NULL (?:ObjectName|name)(?:,? (with|without|w/o|no) Root(?:Directory)?)?")
def null_name(scene: Scene, found: re.Match[str]) -> list[Answer]:
    rooted = (found[1] or "without").lower() == "with"
    return either(scene, "event", scene.attributes(None, root=scene.root if rooted else 0))


@rule(r"NULL (?:OBJECT_ATTRIBUTES|attributes)")
def null_attributes(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return either(scene, "event", None)


@rule(r"RootDirectory (?:handle )?({T})(?: handle)?")
def root_of_another_type(scene: Scene, found: re.Match[str]) -> list[Answer]:
    root = scene.make(kind_of(found[1]), "root")
    return either(scene, "event", scene.attributes("name", root=root))


@rule(r"(?:invalid RootDirectory|RootDirectory (?:handle )?(?:invalid|closed))(?: handle)?")
def invalid_root(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.close(scene.root)
    return either(scene, "event", scene.attributes("name", root=scene.root))


@rule(r"(?:wrong OBJECT_ATTRIBUTES\.Length|OBJECT_ATTRIBUTES\.Length (?:wrong|\d+))")
def wrong_size(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return either(scene, "event", scene.attributes("name", length=47))


@rule(r"(?:unknown|invalid|reserved) attribute(?: bit)?s?(?: 0x([0-9a-f]+))?")
def unknown_attribute(scene: Scene, found: re.Match[str]) -> list[Answer]:
    flags = int(found[1], 16) if found[1] else 0x2000
    return either(scene, "event", scene.attributes("name", flags))


@rule(r"odd (?:UNICODE_STRING\.|name )?Length")
def odd_length(scene: Scene, found: re.Match[str]) -> list[Answer]:
    name = rf"{BASE}\name"
    return either(scene, "event", ObjectAttributes(UnicodeString(name, 2 * len(name) - 1)))


@rule(r"(?:(?:name |UNICODE_STRING\.|ObjectName\.)?Length (?:of |= ?)?(\d+)|(\d+)[- ]bytes? (?:name|Length))")
def long_name(scene: Scene, found: re.Match[str]) -> list[Answer]:
    length = int(found[1] or found[2])
    name = (BASE + "\\").ljust((length + 1) // 2, "x")
    return either(scene, "event", ObjectAttributes(UnicodeString(name, length)))


@rule(r"(misaligned|unaligned|unreadable|bad) (OBJECT_ATTRIBUTES|ObjectName|(?:name )?buffer|name)")
def bad_pointer(scene: Scene, found: re.Match[str]) -> list[Answer]:
    pointer = MISALIGNED if "aligned" in found[1].lower() else UNREADABLE
    if found[2].lower() == "object_attributes":
        return either(scene, "event", pointer)
    name: GivenName = UnicodeString(pointer, 8) if "buffer" in found[2].lower() else pointer
    return either(scene, "event", ObjectAttributes(name))


# Lifetime.


@rule(r"name survives while another handle open")
def second_handle(scene: Scene, found: re.Match[str]) -> list[Answer]:
    first = scene.make("event", "there")
    scene.open("event", scene.attributes("there"))
    scene.close(first)
    return [scene.open("event", scene.attributes("there"))]


@rule(r"(?:open |re-?open )?(?:({T}) )?(?:name )?(?:gone )?after (?:last (?:handle )?)?closed?")
def after_last_close(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[1])
    scene.close(scene.make(kind, "there"))
    return [scene.open(kind, scene.attributes("there"))]


@rule(r"dir(?:ectory)? name after handle closed while child ({T}) still open")
def directory_with_child(scene: Scene, found: re.Match[str]) -> list[Answer]:
    directory = scene.make("directory", "parent")
    scene.make(kind_of(found[1]), "child", root=directory)
    scene.close(directory)
    return [scene.open("directory", scene.attributes("parent"))]


@rule(r"dir(?:ectory)? name (?:gone )?after child(?: {T})?(?: handle)? closed(?: too)?")
def directory_after_child(scene: Scene, found: re.Match[str]) -> list[Answer]:
    directory = scene.make("directory", "parent")
    child = scene.make("event", "child", root=directory)
    scene.close(directory)
    scene.close(child)
    return [scene.open("directory", scene.attributes("parent"))]


@rule(r"open permanent(?: ({T}))? after last close")
def permanent_after_close(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[1])
    scene.make_permanent(kind, "there")
    return [scene.open(kind, scene.attributes("there"))]


@rule(r"(?:create |new )?(?:permanent ({T})|(?:({T}) )?(?:with )?(?:OBJ_)?PERMANENT)(?:,? without privilege)?")
def create_permanent(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return [scene.create(kind_of(found[1] or found[2]), scene.attributes("there", OBJ_PERMANENT))]


@rule(r"Nt(MakeTemporary|MakePermanent)Object( twice)?( without DELETE)?")
def change_permanence(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make_permanent("event", "there")
    handle = scene.open("event", scene.attributes("there"), 1 if found[3] else GENERIC_ALL).value
    temporary = found[1].lower() == "maketemporary"
    service = scene.nt.NtMakeTemporaryObject if temporary else scene.nt.NtMakePermanentObject
    return [Answer(lambda: service(scene.thread, handle)) for _ in range(2 if found[2] else 1)]


@rule(r"open after make temporary ?\+ ?close")
def gone_after_temporary(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make_permanent("event", "there")
    handle = scene.open("event", scene.attributes("there")).value
    scene.nt.NtMakeTemporaryObject(scene.thread, handle)
    scene.close(handle)
    return [scene.open("event", scene.attributes("there"))]


# Links.


@rule(r"open (?:({T}) )?through (?:link|symlink)")
def through_link(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[1])
    scene.make("link", "link")
    scene.make(kind, "there")
    return [scene.open(kind, scene.attributes(r"link\there"))]


@rule(r"create (?:({T}) )?through (?:link|symlink)")
def create_through_link(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("link", "link")
    kind = kind_of(found[1])
    answer = scene.create(kind, scene.attributes(r"link\new"))
    return [answer, scene.open(kind, scene.attributes("new"))]


@rule(r"NtOpenSymbolicLinkObject")
def open_link(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("link", "link")
    return [scene.open("link", scene.attributes("link"))]


@rule(r"(?:NtQuerySymbolicLinkObject|query (?:sym)?link(?: target)?)(?:,? (?:with )?(?:too )?(?:small|short) buffer)?")
def query_link(scene: Scene, found: re.Match[str]) -> list[Answer]:
    handle = scene.make("link", "link")
    length = 2 * len(BASE) + (0 if re.search("small|short", found[0]) else 2)
    return [Answer(lambda: scene.nt.NtQuerySymbolicLinkObject(scene.thread, handle, length))]


@rule(r"(open|create)(?: ({T}))?(?: leaf| at| over)? dangling link(?: leaf)?")
def dangling_leaf(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("link", "link", rf"{BASE}\nowhere")
    return either(scene, kind_of(found[2]), scene.attributes("link"), found[1].lower())


@rule(r"(open|create)(?: ({T}))? below dangling link")
def below_dangling(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("link", "link", rf"{BASE}\nowhere")
    return either(scene, kind_of(found[2]), scene.attributes(r"link\leaf"), found[1].lower())


@rule(r"(open below )?link with relative target")
def relative_target(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("event", "there")
    scene.make("link", "link", "there")
    return [scene.open("event", scene.attributes(r"link\leaf" if found[1] else "link"))]


@rule(r"(?:link with empty target|open (?:link to|through) root)")
def empty_target(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("link", "link", "")
    scene.make("event", "there")
    return [scene.open("event", scene.attributes("link" + rf"{BASE}\there"))]


@rule(r"self-referencing link")
def endless_link(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("link", "link", rf"{BASE}\link")
    return [scene.open("event", scene.attributes("link"))]


@rule(r"(?:two links (?:to|at) each other|(?:mutual|circular|cyclic) links?)")
def circular_links(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("link", "link", rf"{BASE}\other")
    scene.make("link", "other", rf"{BASE}\link")
    return [scene.open("event", scene.attributes("link"))]


@rule(r"(?:chain of )?(\d+)(?: |-)?(?:chained |nested )?(?:hops?|links?)(?: chain| deep)?")
def chained_links(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("event", "link0")
    for number in range(1, int(found[1]) + 1):
        scene.make("link", f"link{number}", rf"{BASE}\link{number - 1}")
    return [scene.open("event", scene.attributes(f"link{found[1]}"))]


# Access.


@rule(r"dir(?:ectory)? handle with ([\w| +]+?)(?: only)?")
def directory_handle(scene: Scene, found: re.Match[str]) -> list[Answer]:
    scene.make("directory", "there")
    return [scene.open("directory", scene.attributes("there"), access_of(found[1]))]


@rule(r"(create|open)(?: ({T}))? below handle (?:lacking|without) ([\w|]+)(?: \(name (absent|present)\))?")
def below_weak_handle(scene: Scene, found: re.Match[str]) -> list[Answer]:
    directory = scene.make("directory", "there")
    if found[4] == "present":
        scene.make("event", "name", root=directory)
    weak = scene.open("directory", scene.attributes("there"), DIRECTORY_ALL & ~access_of(found[3])).value
    return either(scene, kind_of(found[2]), scene.attributes("name", root=weak), found[1].lower())


@rule(r"(?:({T}) )?granted for ([\w| ]+)")
def granted(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[1])
    scene.make(kind, "there")
    return [scene.open(kind, scene.attributes("there"), access_of(found[2]))]


@rule(r"(?:open|create)?(?: ({T}))?(?: ?with)? (?:access )?bits? outside valid mask")
def outside_mask(scene: Scene, found: re.Match[str]) -> list[Answer]:
    kind = kind_of(found[1])
    scene.make(kind, "there")
    return [scene.open(kind, scene.attributes("there"), 0x8000)]


# Limits.


@rule(r"(\d+)-char(?:acter)? (?:component|name)")
def long_component(scene: Scene, found: re.Match[str]) -> list[Answer]:
    return [scene.create("event", scene.attributes("x" * int(found[1])))]


@rule(r"(\d+) nested dir(?:ectorie)?s")
def nested_directories(scene: Scene, found: re.Match[str]) -> list[Answer]:
    names = ["\\".join(["d"] * depth) for depth in range(1, int(found[1]) + 1)]
    return [scene.create("directory", scene.attributes(name)) for name in names]


@rule(r"(?:component|name) with (.+)")
def odd_character(scene: Scene, found: re.Match[str]) -> list[Answer]:
    text = "\0" if found[1].upper().startswith(("NUL", "EMBEDDED NUL")) else found[1].strip("'\"")
    return [scene.create("event", scene.attributes(f"a{text}b"))]
