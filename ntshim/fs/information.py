"""What a volume tells of an open file, and what of it can be changed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.fs import links, times
from ntshim.io import create, query
from ntshim.io.delete import FILE_DISPOSITION_DELETE
from ntshim.io.rename import FILE_RENAME_REPLACE_IF_EXISTS

if TYPE_CHECKING:
    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Open
    from ntshim.fs.volume import Volume
    from ntshim.io.file import File
    from ntshim.io.irp import Irp

_LATEST = (1 << 63) - 1  # of a time, and of a size
CLUSTER = 4096  # bytes


# Classes that change how much of a stream there is.
_SIZES = (
    query.FILE_END_OF_FILE_INFORMATION,
    query.FILE_ALLOCATION_INFORMATION,
    query.FILE_VALID_DATA_LENGTH_INFORMATION,
)


def query_file(volume: Volume, file: File, information_class: int) -> Any:
    """Give the record of a class; STATUS_INVALID_INFO_CLASS for one that is not known."""
    opened: Open = file.context
    inode = opened.node.inode
    if information_class in (query.FILE_NAME_INFORMATION, query.FILE_NORMALIZED_NAME_INFORMATION):
        return _name(volume, opened)
    if information_class == query.FILE_CASE_SENSITIVE_INFORMATION:
        return int(inode.is_directory and volume.backend.is_case_sensitive(inode))
    if information_class == query.FILE_STREAM_INFORMATION:
        return _streams(volume, opened)
    if information_class in (query.FILE_EA_INFORMATION, query.FILE_FULL_EA_INFORMATION):
        return _eas(volume, opened, information_class)
    if information_class == query.FILE_ALTERNATE_NAME_INFORMATION:
        # No short names are made (facts/nt.md section 4.4).
        raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
    facts = volume.backend.facts(inode, opened.stream.name)
    allocation = max(facts.allocation_size, opened.stream.allocation)
    if information_class == query.FILE_BASIC_INFORMATION:
        return query.FileBasicInformation(*facts[1:5], shown_attributes(inode, facts.attributes))
    if information_class == query.FILE_STANDARD_INFORMATION:
        return query.FileStandardInformation(
            allocation,
            facts.size,
            facts.links - opened.node.pending_links,
            opened.link.delete_pending or opened.stream.delete_pending,
            inode.is_directory,
        )
    if information_class == query.FILE_INTERNAL_INFORMATION:
        return facts.file_id
    if information_class == query.FILE_NETWORK_OPEN_INFORMATION:
        return query.FileNetworkOpenInformation(
            *facts[1:5], allocation, facts.size, shown_attributes(inode, facts.attributes)
        )
    from ntshim.fs import stat

    return stat.query_stat(volume, opened, facts, information_class)


def change(volume: Volume, file: File, record: Any, information_class: int) -> Irp | None:
    """Change what a class speaks of; gives the request that is still to be performed, if one is."""
    opened: Open = file.context
    if volume.read_only:
        raise st.NtError(st.STATUS_MEDIA_WRITE_PROTECTED)
    if volume.has_oplocks:
        _break_oplocks(opened, record, information_class)
    if information_class == query.FILE_BASIC_INFORMATION:
        _set_basic(volume, opened, record)
    elif information_class == query.FILE_DISPOSITION_INFORMATION:
        links.set_disposition(volume, opened, FILE_DISPOSITION_DELETE if record else 0)
    elif information_class == query.FILE_DISPOSITION_INFORMATION_EX:
        links.set_disposition(volume, opened, record)
    elif information_class == query.FILE_END_OF_FILE_INFORMATION:
        _set_end(volume, opened, record)
    elif information_class == query.FILE_ALLOCATION_INFORMATION:
        _set_allocation(volume, opened, record)
    elif information_class == query.FILE_VALID_DATA_LENGTH_INFORMATION:
        _set_valid_data_length(volume, opened, record)
    elif information_class == query.FILE_CASE_SENSITIVE_INFORMATION:
        _set_case_sensitive(volume, opened, record)
    elif information_class == query.FILE_FULL_EA_INFORMATION:
        _set_eas(volume, file, record)
    elif information_class in query.RENAME_CLASSES or information_class in query.LINK_CLASSES:
        return _move(volume, opened, record, information_class)
    else:
        raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
    return None


def _break_oplocks(opened: Open, record: Any, information_class: int) -> None:
    """Break what a change of size or a disposition breaks; what it waits for is raised."""
    from ntshim.fs import oplocks

    if information_class in _SIZES:
        oplocks.before_resize(opened)
    elif information_class == query.FILE_DISPOSITION_INFORMATION:
        oplocks.before_disposition(opened, deletes=bool(record))
    elif information_class == query.FILE_DISPOSITION_INFORMATION_EX:
        oplocks.before_disposition(opened, deletes=bool(record & FILE_DISPOSITION_DELETE))


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
    if volume.has_oplocks:
        from ntshim.fs import oplocks

        oplocks.before_rename(volume, opened, place)
    decide = links.rename if information_class in query.RENAME_CLASSES else links.make_link
    return decide(volume, opened, place, flags, opens_directory=opens_directory)


def shown_attributes(inode: Inode, attributes: int) -> int:
    """Give attributes as a caller sees them: DIRECTORY follows from what it is, NORMAL from having no other."""
    if inode.is_directory:
        attributes |= create.FILE_ATTRIBUTE_DIRECTORY
    if inode.is_reparse_point:
        attributes |= create.FILE_ATTRIBUTE_REPARSE_POINT
    return attributes or create.FILE_ATTRIBUTE_NORMAL


def _name(volume: Volume, opened: Open) -> str:
    """Give the name from the volume's root, as it is stored; a file without one is kept where no name leads."""
    if opened.link.removed:
        return _internal_name(volume, opened)
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


def _internal_name(volume: Volume, opened: Open) -> str:
    """Give what a file that is deleted but open is called: its id, and a number for each name that it has lost."""
    number = zlib.crc32(opened.link.name.encode("utf-16-le", "surrogatepass"))
    name = f"\\$Extend\\$Deleted\\{volume.backend.facts(opened.node.inode).file_id:016X}{number:08X}"
    return f"{name}:{opened.stream.name}" if opened.stream.name else name


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
    """Set times and attributes, and what of them this open moves from now on ([MS-FSA] section 2.1.5.15.2).

    The change time moves with both, unless it is stopped or set itself. STATUS_NOT_SUPPORTED where the medium lets
    nobody set a time, nor keep it from moving.
    """
    inode, backend = opened.node.inode, volume.backend
    given = times.Times(*record[:4])
    wrong = create.FILE_ATTRIBUTE_TEMPORARY if inode.is_directory else create.FILE_ATTRIBUTE_DIRECTORY
    is_valid = all(times.RESUME_UPDATING <= at <= _LATEST for at in given)
    if not is_valid or (record.file_attributes & wrong and not opened.stream.name):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    if given.change == times.STOP_UPDATING and not backend.keeps_all_times:
        raise st.NtError(st.STATUS_NOT_SUPPORTED)
    before = backend.attributes(inode)
    attributes = _settable(opened, before, record.file_attributes)
    stopped = times.stops_after(opened, given)
    moved = (attributes != before and not opened.stopped_times & times.CHANGE) or (
        max(given[:3]) > 0 and not stopped & times.CHANGE
    )
    backend.set_basic(inode, times.Times(*(max(at, 0) for at in given)), attributes if attributes != before else None)
    if not volume.native:
        opened.stopped_times = stopped
    if moved and given.change in (0, times.RESUME_UPDATING):
        backend.stamp(inode, change=True)
    if volume.watches is not None:
        volume.watches.basic_set(opened, record)


def _settable(opened: Open, before: int, asked: int) -> int:
    """Give the attributes that a file then has: 0 asks for no change; the root stays neither HIDDEN nor SYSTEM."""
    may_change = create.FILE_ATTRIBUTE_VALID_SET_FLAGS if asked else 0
    if opened.link.directory is None:
        may_change &= ~(create.FILE_ATTRIBUTE_HIDDEN | create.FILE_ATTRIBUTE_SYSTEM)
    return (before & ~may_change) | (asked & may_change)


def _check_size(opened: Open, size: int) -> None:
    """Refuse a size that no stream can have; a directory has none (facts/nt.md section 3.10)."""
    if not 0 <= size <= _LATEST or (opened.node.inode.is_directory and not opened.stream.name):
        raise st.NtError(st.STATUS_INVALID_PARAMETER)


def _set_end(volume: Volume, opened: Open, size: int) -> None:
    """Cut or extend a stream."""
    _check_size(opened, size)
    inode, stream = opened.node.inode, opened.stream
    cuts = (volume.nodes.mapped or stream.allocation) and size < volume.backend.facts(inode, stream.name).size
    if cuts and volume.nodes.mapped:
        from ntshim.fs.mapped import check_unmapped

        check_unmapped(volume.nodes, inode, stream.name)
    if cuts:
        stream.allocation = 0
    times.modify(volume, opened, lambda: volume.backend.set_end(inode, stream.name, size))
    if volume.watches is not None:
        volume.watches.written(opened, resized=True)


def _set_allocation(volume: Volume, opened: Open, size: int) -> None:
    """Take room for a stream until nobody has it open, or cut it to what it is left ([MS-FSA] section 2.1.5.15.1)."""
    _check_size(opened, size)
    inode, stream = opened.node.inode, opened.stream
    needed = -(-size // CLUSTER) * CLUSTER
    if needed > volume.backend.space().total:
        raise st.NtError(st.STATUS_DISK_FULL)
    if size < volume.backend.facts(inode, stream.name).size:
        _set_end(volume, opened, size)
        stream.allocation = needed
    else:
        stream.allocation = needed
        times.note_change(volume, opened)
        times.archive(volume, inode)


def _set_valid_data_length(volume: Volume, opened: Open, length: int) -> None:
    """Take what a stream holds up to its end for valid, which it is here: nothing is read that was not written."""
    _check_size(opened, length)
    if length > volume.backend.facts(opened.node.inode, opened.stream.name).size:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)


def _set_case_sensitive(volume: Volume, opened: Open, flags: int) -> None:
    """Make a directory's names exact or not (facts/nt.md section 4.5, facts/wsl1.md section 4.5)."""
    inode = opened.node.inode
    if not inode.is_directory or flags & ~query.FILE_CS_FLAG_CASE_SENSITIVE_DIR:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    backend = volume.backend
    may_be_flagged = not volume.rules.flags_empty_only or backend.is_case_sensitive(inode) or backend.is_empty(inode)
    if flags and not may_be_flagged:
        raise st.NtError(st.STATUS_DIRECTORY_NOT_EMPTY)
    backend.set_case_sensitive(inode, bool(flags))
