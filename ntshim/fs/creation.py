"""Opens of a volume between decision and completion: what is reserved, what is done, what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ntshim import status as st
from ntshim.fs import links
from ntshim.io import create
from ntshim.io.file import File
from ntshim.io.irp import CreateIrp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ntshim.fs.backend import Inode
    from ntshim.fs.nodes import Open
    from ntshim.fs.notify import Watches
    from ntshim.fs.volume import Place, Volume
    from ntshim.io.create import CreateRequest
    from ntshim.io.ea import FileFullEaInformation


class VolumeCreate(CreateIrp):
    """A creation on a volume. `information` says what is to be done to `place`: make, open, overwrite, supersede.

    `opened` is the share reservation on a file that exists; a file that is being made has its name reserved instead.
    """

    __slots__ = ("asked", "eas", "opened", "place", "security", "volume")

    def __init__(self, volume: Volume, asked: CreateRequest, place: Place, verdict: create.Verdict) -> None:
        """Begin what a verdict allows."""
        super().__init__(File(device=volume, options=asked.options), verdict.granted, verdict.information)
        self.volume = volume
        self.asked = asked
        self.place = place
        self.opened: Open | None = None
        self.eas: Sequence[FileFullEaInformation] = ()
        self.security: bytes | None = None

    def _take_effect(self) -> Inode | None:
        """Make, empty or leave the file; gives the one that was made."""
        backend, place, opened = self.volume.backend, self.place, self.opened
        if self.information == create.FILE_OPENED:
            return None
        is_directory = bool(self.asked.options & create.FILE_DIRECTORY_FILE)
        attributes = create.stored_attributes(self.asked.attributes, is_directory=is_directory)
        if opened is None:
            if place.directory is None:
                raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
            attributes |= backend.attributes(place.directory) & create.FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
            made = backend.make(place.directory, place.name, attributes, is_directory=is_directory)
            if is_directory:
                self._flag_new(place.directory, made)
            self._furnish(place.directory, made)
            return made
        inode = opened.node.inode
        if self.information == create.FILE_CREATED:
            backend.make_stream(inode, place.part.stream)
        else:
            backend.replace_contents(inode, opened.stream.name, attributes)
            if not opened.stream.name:
                self._replace_eas(inode)
                if self.information == create.FILE_SUPERSEDED:
                    links.drop_streams(self.volume, opened)
        return None

    def check_ea_knowledge(self) -> None:
        """Refuse a file that cannot be understood without its EAs to one who does not know EAs."""
        if self.opened is None or self.information != create.FILE_OPENED:
            return
        from ntshim.fs import eas

        try:
            eas.check_understood(self.volume, self.opened)
        except st.NtError as error:
            self.fail(error.status)
            raise

    def _replace_eas(self, inode: Inode) -> None:
        """Have a file that is overwritten or superseded have the EAs of this request alone, as NTFS does."""
        backend = self.volume.backend
        if self.eas or backend.extended_attributes(inode):
            backend.set_extended_attributes(inode, list(self.eas))

    def _furnish(self, directory: Inode, made: Inode) -> None:
        """Give a new file its descriptor, and the EAs and the stream that it was made with, or undo it."""
        backend, part = self.volume.backend, self.place.part
        try:
            if self.security is not None:
                backend.set_security(made, self.security)
            if self.eas:
                backend.set_extended_attributes(made, list(self.eas))
            if not part.is_main_stream:
                backend.make_stream(made, part.stream)
        except st.NtError:
            backend.unlink(directory, self.place.name, made)
            raise

    def _flag_new(self, directory: Inode, made: Inode) -> None:
        """Make a new directory case-sensitive if the rules want that, or undo it; a medium without flags has none."""
        backend = self.volume.backend
        if not self.volume.rules.flags_new(lambda: backend.is_case_sensitive(directory)):
            return
        try:
            backend.set_case_sensitive(made, sensitive=True)
        except st.NtError as error:
            if error.status != st.STATUS_NOT_SUPPORTED:
                backend.unlink(directory, self.place.name, made)
                raise

    def _commit(self, host_key: Any, inode: Any) -> None:
        """Count the open for good."""
        volume, place = self.volume, self.place
        opened = self.opened
        if opened is None:
            if inode is None:
                inode = self._made_by_others()
            stream = "" if place.part.is_main_stream else place.part.stream
            opened = volume.nodes.acquire(inode, place[:2], stream, self.granted, self.asked.share)
            self.opened = opened
        opened.delete_on_close = bool(self.asked.options & create.FILE_DELETE_ON_CLOSE)
        opened.by_id = bool(self.asked.options & create.FILE_OPEN_BY_FILE_ID)
        volume.backend.open(opened.node.inode)
        self.file.context = opened
        if host_key is not None:
            self.file.host_key = host_key
        if volume.watches is not None:
            self._report(volume.watches, opened)

    def _report(self, watches: Watches, opened: Open) -> None:
        """Tell of what was made or emptied."""
        if self.information in (create.FILE_OVERWRITTEN, create.FILE_SUPERSEDED):
            watches.overwritten(opened)
        elif self.information == create.FILE_CREATED:
            if self.place.inode is None:
                watches.added(*self.place[:2], opened.node.inode)
            if opened.stream.name:
                watches.stream_added(opened)

    def _made_by_others(self) -> Inode:
        """Find the file that was made natively."""
        place = self.place
        found = place.directory and self.volume.backend.find(place.directory, place.name, ignore_case=False)
        if not found:
            raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
        return found[1]

    def _abort(self) -> None:
        """Give the share access back."""
        if self.opened is not None:
            self.volume.nodes.release(self.opened)
