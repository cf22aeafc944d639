"""Changes of names and files that nobody stands in the way of: NT would refuse none of them, so it is not asked.

A program's temporary files are made, renamed and removed by hundreds; all but few are open nowhere by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from picobox.check.names import is_harmless

if TYPE_CHECKING:
    from picobox.call import Call
    from picobox.changes import Changes
    from picobox.opens import Opens
    from picobox.platform.identity import Identity
    from picobox.provider import PicoProvider

_WRITE_PERMISSIONS = 0o222


class Unopposed:
    """Tells which changes are such. Each is asked about at a call's entry."""

    def __init__(self, provider: PicoProvider, opens: Opens, changes: Changes) -> None:
        """Know what is open by the nodes of `opens`, and what is mapped by `changes`."""
        self._provider = provider
        self._opens = opens
        self._changes = changes

    def file(self, call: Call, found: Identity) -> bool:
        """Whether a regular file has no handle, is not mapped and not protected: who has it open is not known."""
        if found.is_directory or not self._is_left_alone(call, found):
            return False
        self._changes.look_at_mappings(found)
        return (found.file, "") not in self._opens.nodes.mapped

    def directory(self, call: Call, found: Identity) -> bool:
        """Whether a directory has no handle, also as somebody's working directory."""
        if not found.is_directory or not self._is_left_alone(call, found):
            return False
        self._changes.working_directories.look()
        nodes = self._opens.nodes
        return nodes.of_key(found.file) is None

    def removal(self, call: Call, found: Identity, *, directory: bool) -> bool:
        """Whether a name can be removed, as far as it is not for the directory to be empty."""
        is_so = self.directory(call, found) if directory else self.file(call, found)
        return is_so and not self._may_be_open(found)

    def name(self, call: Call, found: Identity) -> bool:
        """Whether a name that is not there can be made, by all that NT knows; others may just be making it."""
        if found.file is not None or not self._is_watched(call) or self._provider.interposer is not None:
            return False
        return self.may_be_made(found)

    def may_be_made(self, found: Identity) -> bool:
        """The same of a name that is not there, whoever asks."""
        if any(volume.reservations for volume in self._opens.volumes):
            return False
        parent = self._opens.nodes.of_key(found.directory)
        return is_harmless(found.name) and (parent is None or not parent.pending_links)

    def rename(self, call: Call, source: Identity, target: Identity, *, replace: bool) -> bool:
        """Whether a regular file can get another name, which may be that of another file if it is to `replace` it."""
        if not self.file(call, source) or source.file == target.file or self._may_be_open(source):
            return False
        if target.file is None:
            return self.name(call, target)
        return replace and self.file(call, target) and not self._may_be_open(target)

    def _may_be_open(self, found: Identity) -> bool:
        """Whether somebody may have a file open that has no node yet."""
        return found.file is None or self._opens.unopened.may_have(found.file)

    def _is_left_alone(self, call: Call, found: Identity) -> bool:
        if found.file is None or not self._is_watched(call) or not found.mode & _WRITE_PERMISSIONS:
            return False
        return self._opens.nodes.of_key(found.file) is None

    def _is_watched(self, call: Call) -> bool:
        """Whether a check lets the guest have Linux' answer whatever NT says."""
        return call.judgement is not None and call.judgement.observes
