"""The namespace against a naive model of it: a flat table of paths."""

from __future__ import annotations

from typing import Any, NamedTuple

import hypothesis.strategies as some
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ntshim_ob import World

from ntshim import status as st
from ntshim.ob import attributes as oa
from ntshim.ob.attributes import ObjectAttributes
from ntshim.ob.object import GENERIC_ALL, OBJ_PERMANENT
from ntshim.ob.open import Created
from ntshim.ob.parse import REPARSE_LIMIT

ROOT = ("BaseNamedObjects", "model")
PREFIX = r"\BaseNamedObjects\model"
KINDS = ("Directory", "Event", "Mutant", "SymbolicLink")
COMPONENTS = ("a", "A", "b", "\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{LATIN CAPITAL LETTER E WITH ACUTE}")


class Name(NamedTuple):
    """A name near what is there: the path of an entry, perhaps in other letters, and what follows it."""

    which: int
    swapped: bool
    rest: str


# Mostly what is there, or one component below it.
names = some.builds(
    Name,
    some.integers(0, 1 << 10),
    some.sampled_from((False, False, False, True)),
    some.sampled_from(("", "", "", *(f"\\{component}" for component in COMPONENTS * 2), "\\a\\b", "\\", "\\\\a")),
)
kinds = some.sampled_from(KINDS)
booleans = some.booleans()


class Failure(Exception):
    """What the model says a call fails with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Entry:
    """An object of the model."""

    def __init__(self, kind: str, target: str, *, permanent: bool) -> None:
        self.kind = kind
        self.target = target
        self.permanent = permanent
        self.handles = 0


class Found(NamedTuple):
    """Where a name leads: an entry, or None and the path that is free."""

    entry: Entry | None
    path: tuple[str, ...]


class Model:
    """Objects by their whole paths, in the order of their creation."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, ...], Entry] = {ROOT: Entry("Directory", "", permanent=True)}

    def child(self, parent: tuple[str, ...], name: str, ignore_case: bool) -> tuple[str, ...] | None:
        if parent == () and name.upper() == ROOT[0].upper() and (ignore_case or name == ROOT[0]):
            return ROOT[:1]
        if (*parent, name) in self.entries:
            return (*parent, name)
        for path in self.entries:
            if ignore_case and path[:-1] == parent and path[-1].upper() == name.upper():
                return path
        return None

    def resolve(self, name: str, ignore_case: bool, kind: str, links: int = 0) -> Found:
        if not name.startswith("\\"):
            raise Failure(st.STATUS_OBJECT_NAME_NOT_FOUND)
        components = name[1:].split("\\")
        here: tuple[str, ...] = ()
        for index, component in enumerate(components):
            rest = components[index + 1 :]
            if not component:
                raise Failure(st.STATUS_OBJECT_NAME_INVALID)
            there = self.child(here, component, ignore_case)
            if there is None:
                if rest:
                    raise Failure(st.STATUS_OBJECT_PATH_NOT_FOUND)
                return Found(None, (*here, component))
            here = there
            entry = self.entries.get(here)
            if entry is None or entry.kind == "Directory":
                continue
            if entry.kind == "SymbolicLink":
                if not rest and kind == "SymbolicLink":
                    return Found(entry, here)
                if links == REPARSE_LIMIT:
                    raise Failure(st.STATUS_OBJECT_NAME_NOT_FOUND)
                return self.resolve("\\".join([entry.target, *rest]), ignore_case, kind, links + 1)
            if rest:
                raise Failure(st.STATUS_OBJECT_TYPE_MISMATCH)
        return Found(self.entries[here], here)

    def open(self, kind: str, name: str, ignore_case: bool) -> tuple[int, Entry | None]:
        """Give the status, and the entry on success."""
        try:
            entry = self.resolve(name, ignore_case, kind).entry
        except Failure as failure:
            return failure.status, None
        if entry is None:
            return st.STATUS_OBJECT_NAME_NOT_FOUND, None
        if entry.kind != kind:
            return st.STATUS_OBJECT_TYPE_MISMATCH, None
        return st.STATUS_SUCCESS, entry

    def create(self, new: Entry, name: str, ignore_case: bool, openif: bool) -> tuple[int, Entry | None]:
        """Give the status, and on success the new entry or the one that was there."""
        try:
            entry, path = self.resolve(name, ignore_case, new.kind)
        except Failure as failure:
            return failure.status, None
        if entry is None:
            self.entries[path] = new
            return st.STATUS_SUCCESS, new
        if entry.kind != new.kind:
            return st.STATUS_OBJECT_TYPE_MISMATCH, None
        if not openif:
            return st.STATUS_OBJECT_NAME_COLLISION, None
        return st.STATUS_SUCCESS if new.kind == "SymbolicLink" else st.STATUS_OBJECT_NAME_EXISTS, entry

    def sweep(self) -> None:
        """Take away what nothing keeps, until nothing more goes."""
        kept = -1
        while kept != len(self.entries):
            kept = len(self.entries)
            for path, entry in list(self.entries.items()):
                parent = any(other[: len(path)] == path and other != path for other in self.entries)
                if not (entry.handles or entry.permanent or parent):
                    del self.entries[path]


class Namespace(RuleBasedStateMachine):
    """The same calls on both."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.model = Model()
        self.world.executive.namespace.directory(PREFIX)
        # (who holds it, handle, what it is in the model)
        self.handles: list[tuple[Any, int, Entry]] = []

    def call(self, routine: Any, *arguments: Any) -> tuple[int, int | None]:
        """Call a service; gives status and handle."""
        try:
            answer = routine(*arguments)
        except st.NtError as error:
            return error.status, None
        return (answer.status, answer.handle) if isinstance(answer, Created) else (st.STATUS_SUCCESS, answer)

    @rule(kind=kinds, name=names, aim=names, ignore_case=booleans, openif=booleans, lasting=booleans)
    def create(self, kind: str, name: Name, aim: Name, ignore_case: bool, openif: bool, lasting: bool) -> None:
        nt = self.world.nt
        caller = self.world.system if lasting else self.world.process
        flags = oa.OBJ_CASE_INSENSITIVE * ignore_case | oa.OBJ_OPENIF * openif | OBJ_PERMANENT * lasting
        path, target = self.path(name), self.path(aim).rstrip("\\")
        given = ObjectAttributes(path, 0, flags)
        calls = {
            "Directory": (nt.NtCreateDirectoryObject, caller, GENERIC_ALL, given),
            "Event": (nt.NtCreateEvent, caller, GENERIC_ALL, given, 0),
            "Mutant": (nt.NtCreateMutant, caller, GENERIC_ALL, given),
            "SymbolicLink": (nt.NtCreateSymbolicLinkObject, caller, GENERIC_ALL, given, target),
        }
        status, handle = self.call(*calls[kind])
        expected, entry = self.model.create(Entry(kind, target, permanent=lasting), path, ignore_case, openif)
        self.agree(caller, status, handle, expected, entry)

    @rule(kind=kinds, name=names, ignore_case=booleans)
    def open(self, kind: str, name: Name, ignore_case: bool) -> None:
        path = self.path(name)
        given = ObjectAttributes(path, 0, oa.OBJ_CASE_INSENSITIVE * ignore_case)
        status, handle = self.call(self.world.services(kind)[1], GENERIC_ALL, given)
        expected, entry = self.model.open(kind, path, ignore_case)
        self.agree(self.world.process, status, handle, expected, entry)

    def path(self, name: Name) -> str:
        """Spell a name out."""
        paths = list(self.model.entries)
        below = paths[name.which % len(paths)][len(ROOT) :]
        text = "".join(f"\\{component}" for component in below)
        return PREFIX + (text.swapcase() if name.swapped else text) + name.rest

    def agree(self, caller: Any, status: int, handle: int | None, expected: int, entry: Entry | None) -> None:
        """Compare the answers of both, and keep a handle that both gave."""
        assert status == expected
        assert (handle is None) == (entry is None)
        if handle is not None and entry is not None:
            entry.handles += 1
            self.handles.append((caller, handle, entry))

    @precondition(lambda self: self.handles)
    @rule(which=some.integers(0, 1 << 16))
    def close(self, which: int) -> None:
        caller, handle, entry = self.handles.pop(which % len(self.handles))
        self.world.nt.NtClose(caller, handle)
        entry.handles -= 1
        self.model.sweep()

    @precondition(lambda self: self.handles)
    @rule(which=some.integers(0, 1 << 16), permanent=booleans)
    def change(self, which: int, permanent: bool) -> None:
        caller, handle, entry = self.handles[which % len(self.handles)]
        if entry is self.model.entries[ROOT]:
            return
        if not permanent:
            self.world.nt.NtMakeTemporaryObject(caller, handle)
        elif caller is self.world.system:
            self.world.nt.NtMakePermanentObject(caller, handle)
        else:
            status, _ = self.call(self.world.nt.NtMakePermanentObject, caller, handle)
            assert status == st.STATUS_PRIVILEGE_NOT_HELD
            return
        entry.permanent = permanent

    @invariant()
    def the_trees_are_equal(self) -> None:
        expected = {path: (entry.kind, entry.handles) for path, entry in self.model.entries.items()}
        assert dict(self.tree(ROOT)) == expected

    @invariant()
    def handles_lead_to_their_objects(self) -> None:
        for caller, handle, entry in self.handles:
            target = caller.handles.look_up(handle).object
            assert (target.type.name, target.handle_count) == (entry.kind, entry.handles)
            named = any(entry is other for other in self.model.entries.values())
            assert (target.name is not None) == named
            children = len(target.entries()) if entry.kind == "Directory" else 0
            assert target.pointer_count == entry.handles + named + children

    def tree(self, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], tuple[str, int]]]:
        """Give what is below a path, with the path itself."""
        target = self.world.executive.namespace.directory("\\" + "\\".join(path[:-1])).find(path[-1])
        assert target is not None
        found = [(path, (target.type.name, target.handle_count))]
        if target.type.name == "Directory":
            directory: Any = target
            for name in directory.entries():
                found += self.tree((*path, name))
        return found


Namespace.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestNamespace = Namespace.TestCase
