"""What a volume tells of an open file, and what of it can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.fs import links
from ntshim.io import create, query
from ntshim.io.delete import FILE_DISPOSITION_DELETE
from ntshim.io.rename import FILE_RENAME_REPLACE_IF_EXISTS

if TYPE_CHECKING:
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume
    from ntshim.io.file import File
    from ntshim.io.irp import Irp

_STOP_UPDATING = -1
_RESUME_UPDATING = -2


def query_file(volume: Volume, file: File, information_class: int) -> Any:
    """Give the record of a class; STATUS_INVALID_INFO_CLASS for one that is not known."""
    opened: Open = file.context
    inode = opened.node.inode
    if information_class == query.FILE_NAME_INFORMATION:
        return _name(volume, opened)
    if information_class == query.FILE_CASE_SENSITIVE_INFORMATION:
        return int(inode.is_directory and volume.backend.is_case_sensitive(inode))
    if information_class == query.FILE_STREAM_INFORMATION:
        return _streams(volume, opened)
    if information_class in (query.FILE_EA_INFORMATION, query.FILE_FULL_EA_INFORMATION):
        return _eas(volume, opened, information_class)
    facts = volume.backend.facts(inode, opened.stream.name)
    if information_class == query.FILE_BASIC_INFORMATION:
        return query.FileBasicInformation(*facts[1:5], _shown(facts.attributes, opened))
    if information_class == query.FILE_STANDARD_INFORMATION:
        return query.FileStandardInformation(
            facts.allocation_size,
            facts.size,
            facts.links - opened.node.pending_links,
            opened.link.delete_pending or opened.stream.delete_pending,
            inode.is_directory,
        )
    if information_class == query.FILE_INTERNAL_INFORMATION:
        return facts.file_id
    if information_class == query.FILE_NETWORK_OPEN_INFORMATION:
        return query.FileNetworkOpenInformation(
            *facts[1:5], facts.allocation_size, facts.size, _shown(facts.attributes, opened)
        )
    raise st.NtError(st.STATUS_INVALID_INFO_CLASS)


def change(volume: Volume, file: File, record: Any, information_class: int) -> Irp | None:
    """Change what a class speaks of; gives the request that is still to be performed, if one is."""
    opened: Open = file.context
    if information_class == query.FILE_BASIC_INFORMATION:
        _set_basic(volume, opened, record)
    elif information_class == query.FILE_DISPOSITION_INFORMATION:
        links.set_disposition(volume, opened, FILE_DISPOSITION_DELETE if record else 0)
    elif information_class == query.FILE_DISPOSITION_INFORMATION_EX:
        links.set_disposition(volume, opened, record)
    elif information_class == query.FILE_END_OF_FILE_INFORMATION:
        _set_end(volume, opened, record)
    elif information_class == query.FILE_CASE_SENSITIVE_INFORMATION:
        _set_case_sensitive(volume, opened, record)
    elif information_class == query.FILE_FULL_EA_INFORMATION:
        _set_eas(volume, file, record)
    elif information_class in query.RENAME_CLASSES or information_class in query.LINK_CLASSES:
        return _move(volume, opened, record, information_class)
    else:
        raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
    return None


def _move(volume: Volume, opened: Open, record: Any, information_class: int) -> Irp | None:
    """Rename or link; `record` is a services.Destination."""
    flags = record.flags
    if information_class in query.PLAIN_CLASSES:
        flags &= FILE_RENAME_REPLACE_IF_EXISTS
    place = record.place
    if place is None and record.name.startswith(":") and information_class in query.RENAME_CLASSES:
        from ntshim.fs import streams

        streams.rename(volume, opened, record.name, flags)
        return None
    opens_directory = place is not None
    if place is None:
        place = volume.sibling(opened, record.name)
    decide = links.rename if information_class in query.RENAME_CLASSES else links.make_link
    return decide(volume, opened, place, flags, opens_directory=opens_directory)


def _shown(attributes: int, opened: Open) -> int:
    """Give attributes as a caller sees them: DIRECTORY follows from what it is, NORMAL from having no other."""
    if opened.node.inode.is_directory:
        attributes |= create.FILE_ATTRIBUTE_DIRECTORY
    if opened.node.inode.is_reparse_point:
        attributes |= create.FILE_ATTRIBUTE_REPARSE_POINT
    return attributes or create.FILE_ATTRIBUTE_NORMAL


def _name(volume: Volume, opened: Open) -> str:
    """Give the name from the volume's root, as it is stored."""
    components = [opened.link.name]
    directory = opened.link.directory
    while directory is not None and directory.key != volume.backend.root.key:
        directory, name = volume.backend.parent(directory)
        components.append(name)
    path = "\\" + "\\".join(reversed(components))
    return f"{path}:{opened.stream.name}" if opened.stream.name else path


def _eas(volume: Volume, opened: Open, information_class: int) -> Any:
    """Give the EAs, or the bytes that they take."""
    from ntshim.io.ea import ea_size

    attributes = volume.backend.extended_attributes(opened.node.inode)
    return ea_size(attributes) if information_class == query.FILE_EA_INFORMATION else attributes


def _set_eas(volume: Volume, file: File, record: Any) -> None:
    """Set EAs, as NtSetEaFile."""
    from ntshim.io.ea import check

    volume.set_eas(file, check(record))


def _streams(volume: Volume, opened: Open) -> list[query.FileStreamInformation]:
    """List the streams; a directory has no data of its own."""
    inode = opened.node.inode
    names = [] if inode.is_directory else [""]
    if volume.backend.has_streams:
        names += volume.backend.streams(inode)
    facts = [volume.backend.facts(inode, name) for name in names]
    return [
        query.FileStreamInformation(f":{name}:$DATA", told.size, told.allocation_size)
        for name, told in zip(names, facts, strict=True)
    ]


def _set_basic(volume: Volume, opened: Open, record: query.FileBasicInformation) -> None:
    """Set times and attributes (facts/nt.md section 3.10).

    -2 takes up updates again, which never stop here: that -1 asks for it is refused, not ignored.
    """
    *times, attributes = record
    is_directory = opened.node.inode.is_directory
    if min(times) < _RESUME_UPDATING or (attributes & create.FILE_ATTRIBUTE_DIRECTORY and not is_directory):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    if _STOP_UPDATING in times:
        raise st.NtError(st.STATUS_NOT_IMPLEMENTED)
    created, read, written, changed = (max(time, 0) for time in times)
    kept = attributes & create.FILE_ATTRIBUTE_VALID_SET_FLAGS if attributes else None
    volume.backend.set_basic(opened.node.inode, (created, read, written, changed), kept)
    if volume.watches is not None:
        volume.watches.basic_set(opened, record)


def _set_end(volume: Volume, opened: Open, size: int) -> None:
    """Cut or extend a file; a directory has no end (facts/nt.md section 3.10)."""
    inode = opened.node.inode
    if size < 0 or (inode.is_directory and not opened.stream.name):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if volume.nodes.mapped and size < volume.backend.facts(inode, opened.stream.name).size:
        from ntshim.fs.mapped import check_truncation

        check_truncation(volume.nodes, inode, opened.stream.name)
    volume.backend.set_end(inode, opened.stream.name, size)
    if volume.watches is not None:
        volume.watches.written(opened, resized=True)


def _set_case_sensitive(volume: Volume, opened: Open, flags: int) -> None:
    """Make a directory's names exact or not (facts/nt.md section 4.5, facts/wsl1.md section 4.5)."""
    inode = opened.node.inode
    if not inode.is_directory or flags & ~query.FILE_CS_FLAG_CASE_SENSITIVE_DIR:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    backend = volume.backend
    may_be_flagged = not volume.rules.flags_empty_only or backend.is_case_sensitive(inode) or backend.is_empty(inode)
    if flags and not may_be_flagged:
        raise st.NtError(st.STATUS_DIRECTORY_NOT_EMPTY)
    backend.set_case_sensitive(inode, bool(flags))
