"""The phrases in which rows of kind handles tell what was done, and the doing of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from ntshim.fs.memfs import MemFs
from ntshim.fs.volume import Volume
from ntshim.io import create
from ntshim.io.share import FILE_SHARE_ALL
from ntshim.nt import OBJECT_BASIC_INFORMATION
from ntshim.ob.attributes import OBJ_INHERIT, ObjectAttributes
from ntshim.ob.handles import (
    CURRENT_PROCESS,
    CURRENT_THREAD,
    DUPLICATE_CLOSE_SOURCE,
    DUPLICATE_SAME_ACCESS,
    DUPLICATE_SAME_ATTRIBUTES,
    OBJ_PROTECT_CLOSE,
)
from ntshim.ob.services import (
    OBJECT_HANDLE_FLAG_INFORMATION,
    ObjectBasicInformation,
    ObjectHandleFlagInformation,
)
from ntshim.ob.symlink import SymbolicLink
from ntshim.ps.services import ClientId

from .kind import Unverified
from .world import Answer, World

if TYPE_CHECKING:
    from collections.abc import Callable

# What a row tells of an answer: status, granted access, handle values ...
Told: TypeAlias = dict[str, Any]
Rule: TypeAlias = "Callable[[Scene, re.Match[str]], Told | Answer]"

NOWHERE = 0x0BADBAD0
EVENT_ALL_ACCESS = 0x1F0003
PROCESS_ALL_ACCESS = 0x1FFFFF
# Every right an event has, so that the state of a handle shows without asking for another.
RIGHTS = {
    "EVENT_QUERY_STATE": 1,
    "EVENT_MODIFY_STATE": 2,
    "SYNCHRONIZE": 0x100000,
    "ALL_ACCESS": EVENT_ALL_ACCESS,
    "EVENT_ALL_ACCESS": EVENT_ALL_ACCESS,
    "DELETE": 0x10000,
    "READ_CONTROL": 0x20000,
    "GENERIC_READ": 0x80000000,
    "GENERIC_WRITE": 0x40000000,
    "GENERIC_EXECUTE": 0x20000000,
    "GENERIC_ALL": 0x10000000,
    "MAXIMUM_ALLOWED": 0x2000000,
}
OPTIONS = {
    "CLOSE_SOURCE": DUPLICATE_CLOSE_SOURCE,
    "SAME_ACCESS": DUPLICATE_SAME_ACCESS,
    "SAME_ATTRIBUTES": DUPLICATE_SAME_ATTRIBUTES,
}
FILE_RIGHTS = {"FILE_READ_DATA": 1, "FILE_WRITE_DATA": 2, "FILE_READ_ATTRIBUTES": 0x80, "SYNCHRONIZE": 0x100000}

_RULES: list[tuple[re.Pattern[str], Rule]] = []


class Scene(World):
    """A process with a few handles; `handle` and `source` are those that a following row means."""

    def __init__(self) -> None:
        """Open an event."""
        super().__init__()
        self.handle = self.event()
        self.source = self.handle

    def event(self, access: int = EVENT_ALL_ACCESS, flags: int = 0) -> int:
        """Open a new event."""
        return self.nt.NtCreateEvent(self.thread, access, ObjectAttributes(attributes=flags), 0).handle

    def close(self, handle: int) -> Answer:
        """Close a handle."""
        return Answer(lambda: self.nt.NtClose(self.thread, handle))

    def protect(self, handle: int) -> None:
        """Protect a handle from being closed."""
        flags = ObjectHandleFlagInformation(inherit=False, protect_from_close=True)
        self.nt.NtSetInformationObject(self.thread, handle, OBJECT_HANDLE_FLAG_INFORMATION, flags)

    def basic(self, handle: int) -> ObjectBasicInformation:
        """Ask what a handle is."""
        told = self.nt.NtQueryObject(self.thread, handle, OBJECT_BASIC_INFORMATION)
        assert isinstance(told, ObjectBasicInformation)
        return told

    def duplicate(
        self,
        source: int,
        access: int = 0,
        options: int = 0,
        source_process: int = CURRENT_PROCESS,
        target_process: int = CURRENT_PROCESS,
        attributes: int = 0,
    ) -> Answer:
        """Duplicate a handle; the new one becomes `handle`."""
        answer = Answer(
            lambda: self.nt.NtDuplicateObject(
                self.thread, source_process, source, target_process, access, attributes, options
            )
        )
        self.source = source
        if answer.value is not None:
            self.handle = answer.value
        return answer

    def file(self, access: int) -> int:
        """Open a file with these rights, on a drive that is there for it alone."""
        self.executive.namespace.add(r"\Device\HarddiskVolume1", Volume(MemFs()))
        self.executive.namespace.add(r"\GLOBAL??\C:", SymbolicLink(r"\Device\HarddiskVolume1"))
        name = ObjectAttributes(r"\??\C:\rights")
        return self.nt.NtCreateFile(
            self.thread, access, name, 0, FILE_SHARE_ALL, create.FILE_OPEN_IF, create.FILE_NON_DIRECTORY_FILE
        ).handle


def rule(pattern: str) -> Callable[[Rule], Rule]:
    """Say which phrase a function acts out."""

    def enter(act: Rule) -> Rule:
        _RULES.append((re.compile(pattern, re.IGNORECASE), act))
        return act

    return enter


def act_out(case: str, scene: Scene) -> Told:
    """Do what a phrase says in a scene; gives what a row would tell of it."""
    phrase = case.strip()
    for pattern, act in _RULES:
        found = pattern.fullmatch(phrase) or pattern.fullmatch(re.sub(r" *\([^)]*\)$", "", phrase))
        if found is not None:
            told = act(scene, found)
            return told if isinstance(told, dict) else {"status": told.status}
    raise Unverified(f"no rule for {case!r}")


def mask(words: str, names: dict[str, int]) -> int:
    """Give the bits that names joined by | stand for."""
    bits = 0
    for word in re.split(r"[|+ ]+", words.strip()):
        name = word.upper().removeprefix("DUPLICATE_")
        if name not in names and not re.fullmatch(r"0x[0-9a-f]+", word, re.IGNORECASE):
            raise Unverified(f"unknown name {word}")
        bits |= names[name] if name in names else int(word, 16)
    return bits


@rule(r"(\d+) consecutive handles")
def consecutive(scene: Scene, found: re.Match[str]) -> Told:
    values = [scene.event() for _ in range(int(found[1]))]
    multiple = all(value % 4 == 0 for value in values)
    return {"multiple_of_4": int(multiple), "first": values[0], "second": values[1], "last": values[-1]}


@rule(r"value reuse after close")
def reuse(scene: Scene, found: re.Match[str]) -> Told:
    closed = [scene.event() for _ in range(20)][5]
    scene.close(closed)
    return {"closed": closed, "next": scene.event()}


@rule(r"bulk create (?:up to )?(\d+)(?: handles)?")
def bulk(scene: Scene, found: re.Match[str]) -> Told:
    values = [scene.event() for _ in range(int(found[1]))]
    failed = [value for value in values if scene.close(value).status != "00000000"]
    return {"created": len(values), "count": len(failed), "last": values[-1]}


@rule(r"(?:then )?NtClose\((?:\(HANDLE\))?(-?\w+)(?:\|(\d+))?\)(?: .*)?")
def close(scene: Scene, found: re.Match[str]) -> Answer:
    word = found[1].lower()
    value = {"null": 0, "handle": scene.handle, "source": scene.source}.get(word)
    if value is None:
        if not re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", word):
            raise Unverified(f"unknown handle {word}")
        value = int(word, 0)
    return scene.close(value | int(found[2] or 0))


@rule(r"NtClose (?:of )?(?:an? )?already closed(?: handle)?")
def close_again(scene: Scene, found: re.Match[str]) -> Answer:
    scene.close(scene.handle)
    return scene.close(scene.handle)


@rule(r"NtClose (?:of |on )?(?:an? )?protected(?: handle)?")
def close_protected(scene: Scene, found: re.Match[str]) -> Answer:
    scene.protect(scene.handle)
    return scene.close(scene.handle)


@rule(r"(?:(?:is )?source closed\??|then close source|close source)")
def close_source(scene: Scene, found: re.Match[str]) -> Answer:
    return scene.close(scene.source)


@rule(r"(?:is )?(?:source )?still open\??|handle still valid\??")
def still_open(scene: Scene, found: re.Match[str]) -> Answer:
    return Answer(lambda: scene.basic(scene.source))


@rule(r"dup(?:licate)? (?:with )?((?:(?:DUPLICATE_)?(?:CLOSE_SOURCE|SAME_ACCESS|SAME_ATTRIBUTES)[| +]*)+)")
def duplicate_with(scene: Scene, found: re.Match[str]) -> Answer:
    return scene.duplicate(scene.handle, options=mask(found[1], OPTIONS))


@rule(r"dup(?:licate)? CLOSE_SOURCE (?:of|on) (?:an? )?protected(?: handle)?")
def duplicate_protected(scene: Scene, found: re.Match[str]) -> Answer:
    scene.protect(scene.handle)
    return scene.duplicate(scene.handle, options=DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS)


@rule(r"dup(?:licate)? (?:to )?(?:reduced )?access ([\w|]+)")
def duplicate_reduced(scene: Scene, found: re.Match[str]) -> Answer:
    return scene.duplicate(scene.handle, mask(found[1], RIGHTS))


@rule(r"granted after (?:reduced )?dup(?: (?:to )?(?:access )?([\w|]+))?")
def granted(scene: Scene, found: re.Match[str]) -> Told:
    scene.duplicate(scene.handle, mask(found[1] or "EVENT_MODIFY_STATE", RIGHTS))
    return {"granted": f"{scene.basic(scene.handle).granted_access:08x}"}


@rule(r"dup(?:licate)? reduced (?:event )?handle back to ([\w|]+)")
def duplicate_widened(scene: Scene, found: re.Match[str]) -> Answer:
    scene.duplicate(scene.handle, 2)
    return scene.duplicate(scene.handle, mask(found[1], RIGHTS))


@rule(r"dup(?:licate)? (?:reduced )?file handle (?:back )?(?:to|with) (?:more|wider|write|([\w|]+))(?: access)?")
def duplicate_widened_file(scene: Scene, found: re.Match[str]) -> Answer:
    return scene.duplicate(scene.file(FILE_RIGHTS["FILE_READ_DATA"]), mask(found[1] or "0x2", FILE_RIGHTS))


@rule(r"dup(?:licate)? (?:with )?(?:access )?bits? outside (?:the )?valid mask")
def duplicate_invalid_access(scene: Scene, found: re.Match[str]) -> Answer:
    return scene.duplicate(scene.handle, 0x8000)


@rule(r"dup(?:licate)? (invalid|closed|NULL) source(?: handle)?")
def duplicate_invalid(scene: Scene, found: re.Match[str]) -> Answer:
    return scene.duplicate(0 if found[1].lower() == "null" else NOWHERE, options=DUPLICATE_SAME_ACCESS)


@rule(r"dup(?:licate)? (?:(invalid) )?(source|target) process(?: handle)?(?: (of wrong type|invalid))?")
def duplicate_wrong_process(scene: Scene, found: re.Match[str]) -> Answer:
    process = scene.event() if found[3] and "wrong" in found[3].lower() else NOWHERE
    if found[2].lower() == "source":
        return scene.duplicate(scene.handle, options=DUPLICATE_SAME_ACCESS, source_process=process)
    return scene.duplicate(scene.handle, options=DUPLICATE_SAME_ACCESS, target_process=process)


@rule(r"dup(?:licate)? pseudo (process|thread)(?: ?-> ?real)?")
def duplicate_pseudo(scene: Scene, found: re.Match[str]) -> Answer:
    pseudo = CURRENT_PROCESS if found[1].lower() == "process" else CURRENT_THREAD
    return scene.duplicate(pseudo, options=DUPLICATE_SAME_ACCESS)


@rule(r"dup(?:licate)?(?: (?:with )?(?:DUPLICATE_)?(CLOSE_SOURCE))? (?:with(?:out)?|no) (?:a |no )?target(?: process)?")
def duplicate_without_target(scene: Scene, found: re.Match[str]) -> Answer:
    return scene.duplicate(scene.handle, options=DUPLICATE_CLOSE_SOURCE if found[1] else 0, target_process=0)


@rule(r"dup(?:licate)? (?:in)?to (?:an? )?(?:terminat(?:ed|ing)|ended|dead) (?:target )?process")
def duplicate_into_terminated(scene: Scene, found: re.Match[str]) -> Answer:
    ended = scene.executive.create_minimal_process("ended")
    target = scene.nt.NtOpenProcess(scene.thread, PROCESS_ALL_ACCESS, ObjectAttributes(), ClientId(ended.pid))
    scene.nt.NtTerminateProcess(scene.thread, target, 0)
    return scene.duplicate(scene.handle, options=DUPLICATE_SAME_ACCESS, target_process=target)


@rule(r"wait (?:on )?(?:an? )?invalid(?: handle)?")
def wait_invalid(scene: Scene, found: re.Match[str]) -> Answer:
    return Answer(lambda: scene.nt.NtWaitForSingleObject(scene.thread, NOWHERE, 0))


@rule(r"wait on (?:an? )?(?:event )?handle (?:lacking|without) SYNCHRONIZE")
def wait_without_right(scene: Scene, found: re.Match[str]) -> Answer:
    handle = scene.event(EVENT_ALL_ACCESS & ~RIGHTS["SYNCHRONIZE"])
    return Answer(lambda: scene.nt.NtWaitForSingleObject(scene.thread, handle, 0))


@rule(r"Nt(Set|Reset|Query)Event on (?:an? )?handle (?:lacking|without) ([\w|]+)")
def use_event(scene: Scene, found: re.Match[str]) -> Answer:
    handle = scene.event(EVENT_ALL_ACCESS & ~mask(found[2], RIGHTS))
    service: Any = getattr(scene.nt, f"Nt{found[1].title()}Event")
    return Answer(lambda: service(scene.thread, handle))


@rule(r"Nt(Read|Write)File on (?:an? )?(?:(event|process) handle|(?:file )?handle (?:lacking|without) ([\w|]+))")
def use_file(scene: Scene, found: re.Match[str]) -> Answer:
    if found[2]:
        handle = CURRENT_PROCESS if found[2].lower() == "process" else scene.handle
    else:
        handle = scene.file(sum(FILE_RIGHTS.values()) & ~mask(found[3], FILE_RIGHTS))
    if found[1].lower() == "read":
        return Answer(lambda: scene.nt.NtReadFile(scene.thread, handle, 1, 0))
    return Answer(lambda: scene.nt.NtWriteFile(scene.thread, handle, b"x", 0))


@rule(r"(?:handle )?flags? after (protect|inherit)")
def flags(scene: Scene, found: re.Match[str]) -> Told:
    handle = scene.event(flags=OBJ_INHERIT if found[1].lower() == "inherit" else 0)
    if found[1].lower() == "protect":
        scene.protect(handle)
    return {"attributes": scene.basic(handle).attributes & (OBJ_INHERIT | OBJ_PROTECT_CLOSE)}
