"""How a name leads to an object: the walk through directories, parse routines, and the restarts of links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ntshim import status as st
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, OBJ_DONT_REPARSE
from ntshim.ob.directory import Directory
from ntshim.ob.handles import resolve_pseudo_handle
from ntshim.ob.object import Reparse
from ntshim.ob.symlink import SYMBOLIC_LINK

if TYPE_CHECKING:
    from ntshim.ob.object import Object, ObjectType
    from ntshim.ps.process import Process, Thread

# Wine 10 follows 32 links and fails at the 33rd; what Windows does is not known (facts/nt.md section 1.2, step 6).
REPARSE_LIMIT = 32


class Namespace(Protocol):
    """Where a walk begins, and whether types that ask for it are always looked up without regard to case."""

    @property
    def root(self) -> Directory:
        r"""The directory `\`."""

    @property
    def ob_case_insensitive(self) -> bool:
        """The session manager's value ObCaseInsensitive."""


class ParseRequest:
    r"""What one look-up asks for: made by a service, carried through the walk, handed to each parse routine.

    `name` is, in the service's hands, the whole name. For a parse routine it is what remains of the name behind its
    object: "" if nothing does, otherwise it begins with "\" if the object was met on the way, and with a component
    if the object is the RootDirectory. Nothing of it has been checked: doubled and trailing backslashes
    come through.
    `attributes` are the OBJ_ bits, with OBJ_CASE_INSENSITIVE as it counts for the type looked for: a parse routine
    that looks names up looks at nothing else for case. `desired_type` is the type the caller wants in the end, None
    if it takes any. `desired_access` is the caller's mask as given, generic rights and MAXIMUM_ALLOWED included.
    `context` is the service's own, handed through untouched: NtCreateFile passes what a device needs to open a
    file, and a device that finds None in it is being opened by somebody who cannot have meant a file.
    `is_binary` says that the name is no path but an id in the form of one, as NtCreateFile takes with
    FILE_OPEN_BY_FILE_ID: relative to a file it may begin with any unit.
    `granted_access` is None; a parse routine of a type that answers security questions itself sets it to the
    specific rights that the handle is to have, otherwise the object manager asks `grant_access` for them.
    `reparse_points` counts those of file systems that were followed, which have a limit of their own.
    """

    __slots__ = (
        "attributes",
        "caller",
        "context",
        "desired_access",
        "desired_type",
        "granted_access",
        "is_binary",
        "name",
        "reparse_points",
    )

    def __init__(
        self,
        caller: Process | Thread,
        name: str,
        attributes: int,
        desired_type: ObjectType | None,
        desired_access: int,
        context: Any = None,
    ) -> None:
        """Ask for an object in the name of a caller."""
        self.caller = caller
        self.name = name
        self.attributes = attributes
        self.desired_type = desired_type
        self.desired_access = desired_access
        self.context = context
        self.granted_access: int | None = None
        self.reparse_points = 0
        self.is_binary = False


def look_up(
    namespace: Namespace, request: ParseRequest, root_directory: int = 0, insert: Object | None = None
) -> Object:
    r"""Give the object that a name leads to, with a reference for the caller; its type is not yet checked.

    With `insert`, an object that has no name yet gets this one if it is free, and is itself what is given; that
    another object is given says that the name is taken. `root_directory` is a handle of the caller or 0. Statuses
    and their order: facts/nt.md sections 1.1 and 1.2. A name that a link leaves relative, and one link too many,
    are STATUS_OBJECT_NAME_NOT_FOUND.
    """
    desired_type = request.desired_type
    if desired_type is not None and desired_type.case_insensitive and namespace.ob_case_insensitive:
        request.attributes |= OBJ_CASE_INSENSITIVE
    if root_directory:
        found = _look_up_from(root_directory, request, insert)
    elif request.name.startswith("\\"):
        found = _walk(namespace.root, request.name, 1, request, insert)
    else:
        raise st.NtError(st.STATUS_OBJECT_PATH_SYNTAX_BAD)
    followed = met = 0
    while isinstance(found, Reparse):
        if request.reparse_points != met:
            # Each name that a file system gives has its own links of the namespace, as `\??\C:` is one.
            followed, met = 0, request.reparse_points
        if request.attributes & OBJ_DONT_REPARSE:
            raise st.NtError(st.STATUS_REPARSE_POINT_ENCOUNTERED)
        followed += 1
        if followed > REPARSE_LIMIT or found.name[:1] not in ("", "\\"):
            raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
        found = _walk(namespace.root, found.name, 1, request, insert)
    return found


def _look_up_from(root_directory: int, request: ParseRequest, insert: Object | None) -> Object | Reparse:
    """Begin at the RootDirectory, whose handle needs no right (facts/nt.md sections 1.2, step 1, and 1.3)."""
    root = resolve_pseudo_handle(root_directory, request.caller)
    if root is None:
        root = request.caller.process.handles.look_up(root_directory).object
    if request.name.startswith("\\") and not request.is_binary:
        raise st.NtError(st.STATUS_OBJECT_PATH_SYNTAX_BAD)
    if isinstance(root, Directory):
        return _walk(root, request.name, 0, request, insert)
    if not root.type.has_parse_routine or root.type is SYMBOLIC_LINK:
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
    return root.type.parse(root, request)


def _walk(
    directory: Directory, name: str, start: int, request: ParseRequest, insert: Object | None
) -> Object | Reparse:
    """Go from a directory along a name, whose next component begins at `start`; its end is the directory itself."""
    if start >= len(name):
        directory.reference()
        return directory
    ignore_case = bool(request.attributes & OBJ_CASE_INSENSITIVE)
    while True:
        if directory.security is not None:
            _check_directory(directory, request, insert if name.find("\\", start) < 0 else None)
        end = name.find("\\", start)
        component = name[start:end] if end >= 0 else name[start:]
        if not component:
            raise st.NtError(st.STATUS_OBJECT_NAME_INVALID)
        if insert is None or end >= 0:
            found = directory.find(component, ignore_case)
        else:
            found = directory.find_rival(component, ignore_case)
        if found is None:
            if end >= 0:
                raise st.NtError(st.STATUS_OBJECT_PATH_NOT_FOUND)
            if insert is None:
                raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
            directory.insert(component, insert)
            insert.reference()
            return insert
        if end < 0:
            return _arrive(found, "", request, insert)
        if not isinstance(found, Directory):
            return _arrive(found, name[end:], request, insert)
        directory = found
        start = end + 1


def _check_directory(directory: Directory, request: ParseRequest, insert: Object | None) -> None:
    """Ask a directory's descriptor whether the caller may go on through it, or insert an object into it."""
    from ntshim.se.check import check_insertion, check_traversal

    if insert is None:
        check_traversal(directory, request.caller)
    else:
        check_insertion(directory, request.caller, is_directory=isinstance(insert, Directory))


def _arrive(found: Object, rest: str, request: ParseRequest, insert: Object | None) -> Object | Reparse:
    """Finish at an object: by its parse routine, or with itself if nothing of the name remains.

    Where an object is to be inserted, only links are still followed (facts/nt.md section 1.2, step 4).
    """
    if found.type.has_parse_routine and (insert is None or found.type is SYMBOLIC_LINK):
        request.name = rest
        return found.type.parse(found, request)
    if rest:
        raise st.NtError(st.STATUS_OBJECT_TYPE_MISMATCH)
    found.reference()
    return found
