"""The services on keys: making, opening, deleting, renaming, enumerating, watching, hives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ntshim import status as st
from ntshim.cm import journal, registry, walk
from ntshim.cm.key import (
    KEY,
    KEY_ENUMERATE_SUB_KEYS,
    KEY_NOTIFY,
    KEY_QUERY_VALUE,
    KEY_SET_VALUE,
    Key,
)
from ntshim.cm.notify import (
    REG_LEGAL_CHANGE_FILTER,
    REG_NOTIFY_CHANGE_LAST_SET,
    REG_NOTIFY_CHANGE_NAME,
    KeyWatch,
    NotifyKeyRequest,
    report,
    report_deleted,
)
from ntshim.cm.records import KEY_CLASSES, KEY_NAME_INFORMATION, fit, key_record
from ntshim.io.file import FILE, FILE_WRITE_DATA, File
from ntshim.io.query import FILE_END_OF_FILE_INFORMATION
from ntshim.ke.event import EVENT, EVENT_MODIFY_STATE, Event
from ntshim.ob.attributes import OBJ_CASE_INSENSITIVE, ObjectAttributes, capture_for_open
from ntshim.ob.object import DELETE, grant_access
from ntshim.ob.open import open_by_name
from ntshim.ob.parse import ParseRequest, look_up
from ntshim.se.descriptor import capture_descriptor
from ntshim.se.privileges import SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE
from ntshim.se.token import require_privilege
from ntshim.service import ServiceFamily, service

if TYPE_CHECKING:
    from ntshim.cm.node import KeyNode, Store
    from ntshim.ob.attributes import GivenAttributes
    from ntshim.ps.process import Process, Thread

KEY_WRITE_TIME_INFORMATION = 0  # KEY_SET_INFORMATION_CLASS
_LATEST = (1 << 63) - 1


class CreatedKey(NamedTuple):
    """What NtCreateKey gives; `disposition` is REG_CREATED_NEW_KEY or REG_OPENED_EXISTING_KEY."""

    handle: int
    disposition: int


class KeyServices(ServiceFamily):
    r"""Keys below `\REGISTRY`. Names never depend on case. A key that was deleted while open is STATUS_KEY_DELETED.

    Source, where nothing else is said: WDK, Zw routines of the registry.
    """

    __slots__ = ()

    @service
    def NtCreateKey(
        self,
        caller: Process | Thread,
        desired_access: int,
        object_attributes: GivenAttributes,
        class_name: str = "",
        create_options: int = walk.REG_OPTION_NON_VOLATILE,
    ) -> CreatedKey:
        """Open a key, or make the last one of a name.

        `create_options` are REG_OPTION_ bits, STATUS_INVALID_PARAMETER for others. STATUS_OBJECT_NAME_NOT_FOUND if a
        key above is missing; STATUS_CHILD_MUST_BE_VOLATILE for a lasting key below a volatile one.
        """
        if create_options & ~walk.REG_LEGAL_OPTION:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        name, root_directory, attributes = capture_for_open(object_attributes)
        given = object_attributes.security_descriptor if isinstance(object_attributes, ObjectAttributes) else None
        context = walk.KeyContext(create_options, class_name, creates=True, given=capture_descriptor(given))
        request = ParseRequest(caller, name, attributes, KEY, desired_access, context)
        found = look_up(self.executive.namespace, request, root_directory)
        try:
            access = request.granted_access
            if access is None:
                access = grant_access(found, caller, request.desired_access)
            return CreatedKey(caller.process.handles.insert(found, access, attributes), context.disposition)
        finally:
            found.dereference()

    @service
    def NtOpenKey(self, caller: Process | Thread, desired_access: int, object_attributes: GivenAttributes) -> int:
        """Open a key; STATUS_OBJECT_NAME_NOT_FOUND."""
        return _open(self, caller, desired_access, object_attributes, 0)

    @service
    def NtOpenKeyEx(
        self, caller: Process | Thread, desired_access: int, object_attributes: GivenAttributes, open_options: int
    ) -> int:
        """Open a key; with REG_OPTION_OPEN_LINK a link itself."""
        if open_options & ~walk.REG_LEGAL_OPTION:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        return _open(self, caller, desired_access, object_attributes, open_options)

    @service
    def NtDeleteKey(self, caller: Process | Thread, handle: int) -> None:
        """Delete a key at once; other handles to it are good for nothing but being closed. Needs DELETE.

        STATUS_CANNOT_DELETE for one that has subkeys, and for the root of a hive.
        """
        node = walk.node_of(self._object(caller, handle, Key, KEY, DELETE))
        above = node.parent
        if above is None or node.is_hive_root or len(node):
            raise st.NtError(st.STATUS_CANNOT_DELETE)
        if node.store is not None:
            node.store.delete(node.path())
        above.remove(node)
        node.deleted = True
        report_deleted(node)
        report(above, REG_NOTIFY_CHANGE_NAME)

    @service
    def NtRenameKey(self, caller: Process | Thread, handle: int, new_name: str) -> None:
        """Give a key another name beside its old one; needs KEY_WRITE.

        STATUS_INVALID_PARAMETER for a name that is none or a path, STATUS_CANNOT_DELETE for a name that is taken and
        for the root of a hive (Wine, server/registry.c).
        """
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY.generic_mapping.write))
        if walk.components_of(new_name) != [new_name]:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        above = node.parent
        if above is None or node.is_hive_root or above.find(new_name) is not None:
            raise st.NtError(st.STATUS_CANNOT_DELETE)
        if node.store is not None:
            node.store.rename(node.path(), new_name)
        above.remove(node)
        node.name = new_name
        above.add(node)
        report(above, REG_NOTIFY_CHANGE_NAME)

    @service
    def NtQueryKey(
        self, caller: Process | Thread, handle: int, information_class: int, length: int | None = None
    ) -> Any:
        """Tell of a key: a record of `cm.records`. Needs KEY_QUERY_VALUE, but for the name.

        For a buffer of `length` bytes, if one is named: TooSmall with STATUS_BUFFER_TOO_SMALL or _OVERFLOW.
        STATUS_INVALID_PARAMETER for an unknown class.
        """
        if information_class not in KEY_CLASSES:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        access = 0 if information_class == KEY_NAME_INFORMATION else KEY_QUERY_VALUE
        key = self._object(caller, handle, Key, KEY, access)
        return fit(key_record(walk.node_of(key), information_class, walk.full_name(key)), length)

    @service
    def NtEnumerateKey(
        self, caller: Process | Thread, handle: int, index: int, information_class: int, length: int | None = None
    ) -> Any:
        """Tell of the subkey with a number from 0; STATUS_NO_MORE_ENTRIES behind the last. Needs ENUMERATE_SUB_KEYS."""
        if information_class not in KEY_CLASSES:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY_ENUMERATE_SUB_KEYS))
        subkey = node.subkey(index)
        if subkey is None:
            raise st.NtError(st.STATUS_NO_MORE_ENTRIES)
        name = f"{walk.full_name(self._object(caller, handle, Key, KEY, 0))}\\{subkey.name}"
        return fit(key_record(subkey, information_class, name), length)

    @service
    def NtSetInformationKey(self, caller: Process | Thread, handle: int, information_class: int, time: int) -> None:
        """Set the last write time in 100 ns since 1601; STATUS_INVALID_INFO_CLASS. Needs KEY_SET_VALUE."""
        if information_class != KEY_WRITE_TIME_INFORMATION:
            raise st.NtError(st.STATUS_INVALID_INFO_CLASS)
        node = walk.node_of(self._object(caller, handle, Key, KEY, KEY_SET_VALUE))
        if not 0 <= time <= _LATEST:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if node.store is not None:
            node.store.set_time(node.path(), time)
        node.last_write_time = time
        report(node, REG_NOTIFY_CHANGE_LAST_SET)

    @service
    def NtFlushKey(self, caller: Process | Thread, handle: int) -> None:
        """Bring the key's hive to its medium: nothing of what was done before can be lost afterwards."""
        node = walk.node_of(self._object(caller, handle, Key, KEY, 0))
        if node.hive.store is not None:
            node.hive.store.flush()

    @service
    def NtNotifyChangeKey(
        self,
        caller: Process | Thread,
        handle: int,
        completion_filter: int,
        watch_tree: bool = False,
        event: int = 0,
    ) -> NotifyKeyRequest:
        """Ask to be told of the next change; needs KEY_NOTIFY.

        The first request of a handle fixes the REG_NOTIFY_CHANGE_ bits and whether all below is meant. The request ends
        with STATUS_NOTIFY_ENUM_DIR after a change, or one since the last request, with STATUS_NOTIFY_CLEANUP when the
        handle is closed. `event` is reset, and set at the end. STATUS_INVALID_PARAMETER for no filter or unknown bits.
        """
        key = self._object(caller, handle, Key, KEY, KEY_NOTIFY)
        node = walk.node_of(key)
        signalled = self._object(caller, event, Event, EVENT, EVENT_MODIFY_STATE) if event else None
        if not completion_filter or completion_filter & ~REG_LEGAL_CHANGE_FILTER:
            raise st.NtError(st.STATUS_INVALID_PARAMETER)
        if key.watch is None:
            key.watch = KeyWatch(node, completion_filter, watch_tree=bool(watch_tree))
        request = key.watch.request()
        if signalled is not None:
            _signal(request, signalled)
        return request

    @service
    def NtLoadKey(self, caller: Process | Thread, target_key: GivenAttributes, store: Store) -> None:
        r"""Load a hive below `\REGISTRY\MACHINE` or `\REGISTRY\USER`; needs SeRestorePrivilege.

        `store` is what keeps it, as `cm.hive_file.open_hive` gives it. STATUS_OBJECT_NAME_COLLISION,
        STATUS_INVALID_PARAMETER for another place.
        """
        require_privilege(caller, SE_RESTORE_PRIVILEGE)
        above, name = _place(self, caller, target_key)
        registry.load(above, name, store)
        report(above, REG_NOTIFY_CHANGE_NAME)

    @service
    def NtUnloadKey(self, caller: Process | Thread, target_key: GivenAttributes) -> None:
        """Take a hive out again; needs SeRestorePrivilege. STATUS_CANNOT_DELETE while a key of it is open."""
        require_privilege(caller, SE_RESTORE_PRIVILEGE)
        above, name = _place(self, caller, target_key)
        node = above.find(name)
        if node is None:
            raise st.NtError(st.STATUS_OBJECT_NAME_NOT_FOUND)
        registry.unload(node)
        report(above, REG_NOTIFY_CHANGE_NAME)

    @service
    def NtSaveKey(self, caller: Process | Thread, handle: int, file_handle: int) -> None:
        """Write a key with all below it into an open file, as a hive whose root it is; needs SeBackupPrivilege.

        What is volatile is left out. The file needs FILE_WRITE_DATA, and is cut to what is written.
        STATUS_ACCESS_DENIED for a volatile key, STATUS_INVALID_DEVICE_REQUEST for a file that the host serves.
        """
        require_privilege(caller, SE_BACKUP_PRIVILEGE)
        node = walk.node_of(self._object(caller, handle, Key, KEY, 0))
        file = self._object(caller, file_handle, File, FILE, FILE_WRITE_DATA)
        if node.volatile:
            raise st.NtError(st.STATUS_ACCESS_DENIED)
        if file.device is None or file.device.native:
            raise st.NtError(st.STATUS_INVALID_DEVICE_REQUEST)
        content, _ = journal.saved(node)
        file.device.set_information(file, 0, FILE_END_OF_FILE_INFORMATION)
        file.device.write(file, 0, content)
        file.device.flush(file)


def _signal(request: NotifyKeyRequest, event: Event) -> None:
    """Reset an event, and set it when the request is done."""
    event.set(signalled=False)
    event.reference()

    def done(_: NotifyKeyRequest) -> None:
        event.set(signalled=True)
        event.dereference()

    request.when_done(done)


def _open(
    services: ServiceFamily,
    caller: Process | Thread,
    desired_access: int,
    object_attributes: GivenAttributes,
    options: int,
) -> int:
    """Open an existing key."""
    context = walk.KeyContext(options)
    return open_by_name(services.executive.namespace, caller, object_attributes, KEY, desired_access, context)


def _place(services: ServiceFamily, caller: Process | Thread, target_key: GivenAttributes) -> tuple[KeyNode, str]:
    """Give the key above a name, and its last component."""
    name, root_directory, _ = capture_for_open(target_key)
    above, _, last = name.rpartition("\\")
    if walk.components_of(last) != [last]:
        raise st.NtError(st.STATUS_INVALID_PARAMETER)
    request = ParseRequest(caller, above, OBJ_CASE_INSENSITIVE, KEY, 0)
    found = look_up(services.executive.namespace, request, root_directory)
    try:
        return walk.node_of(found), last
    finally:
        found.dereference()
