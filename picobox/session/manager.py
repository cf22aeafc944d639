"""Owns what is done to instances: each step of their life, by whichever of many processes, at any time.

The registry is read and written in short transactions; what takes longer has the lock of the instance meanwhile
(facts wsl1.md 5.2). What a process that was killed has left is put in order by the next one that writes.
"""

from __future__ import annotations

import os
import re
import select
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.errors import PicoboxError
from picobox.nt_files.place import PLACE
from picobox.session import locks
from picobox.session.errors import ErrorCode, SessionError
from picobox.session.registry import ALL_FLAGS, NEVER_IDLE, Instance, Registry, new_guid, transaction
from picobox.session.removal import remove_tree
from picobox.session.states import PASSING, State, Step, after, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picobox.session.place import SessionPlace

_NAME = re.compile(r"[a-zA-Z0-9._-]{1,256}")
# What WSL kept its first instance under.
_LEGACY = "Legacy"
_MOST_UID = (1 << 32) - 2
# What is made inside of the directory of an instance.
_PARTS = ("rootfs", "temp")
_PATIENCE_MS = 10_000
_PAUSE_S = 0.002


class Listed(NamedTuple):
    """An instance as a listing shows it."""

    instance: Instance
    state: State
    is_default: bool

    @property
    def state_name(self) -> str:
        """As WSL shows it: what is installed and does not run has stopped (facts wsl1.md 5.2)."""
        return "Stopped" if self.state.name == "INSTALLED" else self.state.name.capitalize()


class Installation(NamedTuple):
    """An instance that is being made, and fields of it that turn out meanwhile."""

    instance: Instance
    found: dict[str, Any]


class Manager:
    """The instances of one user. SessionError or PicoboxError, each with cause and remedy, if a step is not taken."""

    def __init__(self, place: SessionPlace) -> None:
        self._place = place

    def list(self, *, all_states: bool = False, running: bool = False) -> list[Listed]:
        """The default first, the others by name; with `all_states` also what comes, goes, or is written elsewhere."""
        with transaction(self._place) as registry:
            self._recover(registry)
            instances, default = registry.instances(), registry.default
        found = [Listed(each, self._state(each), each.guid == default) for each in instances]
        shown = [
            each
            for each in found
            if (all_states or each.state not in PASSING) and (not running or each.state == State.RUNNING)
        ]
        return sorted(shown, key=lambda each: (not each.is_default, each.instance.name.lower()))

    def find(self, name: str | None = None) -> Listed:
        """An instance by its name, in any case, or GUID; None: the default."""
        with transaction(self._place) as registry:
            self._recover(registry)
            instance = self._found(registry, name)
            is_default = instance.guid == registry.default
        return Listed(instance, self._state(instance), is_default)

    def directory_of(self, name: str) -> str:
        """Where an instance lies for which no directory is named."""
        return os.path.join(self._place.instances, checked_name(name))

    @contextmanager
    def installing(self, name: str, base_path: str, **fields: Any) -> Iterator[Installation]:
        """Enters an instance and makes its directories; the block fills `rootfs`. If it raises, nothing is left.

        The first one becomes the default. `fields` are those of Instance.
        """
        path = os.path.realpath(base_path)
        instance = Instance(new_guid(), checked_name(name), path, **fields)
        with self._locked(instance, State.INSTALLING):
            with transaction(self._place) as registry:
                self._recover(registry)
                _check_new(registry, instance)
                # Before its directories are made: what is not entered would be left by a crash.
                registry.enter(instance)
            try:
                _make_directories(path)
                installation = Installation(instance, {})
                yield installation
            except BaseException:
                self._take_away(instance)
                raise
            with transaction(self._place) as registry:
                registry.change(instance, **installation.found, state=after(State.INSTALLING, Step.FINISH, name))
                self._keep_default(registry)

    def unregister(self, name: str) -> None:
        """Ends an instance, forgets it and deletes its files; if it was the default, the next one becomes that.

        The key goes even if some file cannot be deleted, which is told.
        """
        with transaction(self._place) as registry:
            self._recover(registry)
            instance = self._found(registry, name)
            after(self._state(instance), Step.UNREGISTER, instance.name)
        with self._locked(instance, State.UNINSTALLING):
            self._end(instance)
            with transaction(self._place) as registry:
                self._still_there(registry, instance)
                registry.change(instance, state=State.UNINSTALLING)
                self._keep_default(registry)
            self._take_away(instance)

    @contextmanager
    def taken(self, name: str, step: Step) -> Iterator[Instance]:
        """An instance that is exported or converted while the block lasts: it is ended, and does not start again."""
        with transaction(self._place) as registry:
            self._recover(registry)
            instance = self._found(registry, name)
        state = after(self._state(instance), step, instance.name)
        with self._locked(instance, state):
            self._end(instance)
            with transaction(self._place) as registry:
                instance = self._still_there(registry, instance)
            if not os.path.isdir(instance.rootfs):
                raise PicoboxError(
                    f"{instance.rootfs} is not there: unregister the instance, and import what it was made of again."
                )
            yield instance

    def set_default(self, name: str) -> None:
        """Makes an instance the one that is meant where none is named."""
        with transaction(self._place) as registry:
            self._recover(registry)
            instance = self._found(registry, name)
            if instance.state != State.INSTALLED:
                raise _not_found(name)
            registry.default = instance.guid

    def configure(self, name: str, **fields: Any) -> Instance:
        """Changes fields of an instance, which ends one that runs if anything is another than before."""
        _check_fields(fields)
        with transaction(self._place) as registry:
            self._recover(registry)
            instance = self._found(registry, name)
            after(self._state(instance), Step.CONFIGURE, instance.name)
            changed = {field: value for field, value in fields.items() if getattr(instance, field) != value}
            holder = self._holder(instance) if changed else None
            registry.change(instance, **changed)
        # One that has started since then is as it is to be.
        if holder is not None:
            _end_process(*holder)
        if changed.get("nt_files") == 0:
            # What it was mounted on; a place of another use is not empty, and no directory of the host's below a link.
            with suppress(OSError):
                os.rmdir(instance.rootfs + os.fsdecode(PLACE))
        return instance._replace(**changed)

    def claim(self, name: str | None) -> tuple[Instance, int] | None:
        """Makes an instance a running one, which it is until the descriptor is closed; None: it runs already.

        Raises SessionError if it cannot start.
        """
        with transaction(self._place) as registry:
            self._recover(registry)
            instance = self._found(registry, name)
            after(self._state(instance), Step.START, instance.name)
            # While the registry is ours nobody begins to convert or export it.
            fd = locks.acquire(self._alive(instance))
            if fd < 0:
                return None
            locks.say(fd, f"{os.getpid()} {_started(os.getpid())}".encode())
            return instance, fd

    def terminate(self, name: str) -> None:
        """Ends an instance at once; one that does not run has ended."""
        with transaction(self._place) as registry:
            instance = self._found(registry, name)
        self._end(instance)

    def socket_of(self, instance: Instance) -> str:
        """Where who runs an instance can be talked to."""
        return os.path.join(self._place.sockets, instance.guid)

    def is_running(self, instance: Instance) -> bool:
        """Whether somebody runs it, or is about to, or has not quite ended it."""
        return locks.is_held(self._alive(instance))

    def _alive(self, instance: Instance) -> str:
        return os.path.join(self._place.running, instance.guid)

    def _lock(self, instance: Instance) -> str:
        return os.path.join(self._place.locks, instance.guid)

    def _state(self, instance: Instance) -> State:
        said = locks.said(self._lock(instance))
        locked = State(int(said)) if said else None
        return present(instance.state, locked, locks.is_held(self._alive(instance)))

    @contextmanager
    def _locked(self, instance: Instance, state: State) -> Iterator[None]:
        """Enters an instance in the lock list; E_ILLEGAL_STATE_CHANGE if it is there."""
        path = self._lock(instance)
        # Whoever starts it looks at the lock list while he has the registry.
        with transaction(self._place):
            fd = locks.acquire(path)
        if fd < 0:
            raise SessionError(
                ErrorCode.E_ILLEGAL_STATE_CHANGE,
                f"{instance.name}: somebody else is at work on it. Wait until that has ended; "
                "`picobox instance list --all -v` tells.",
            )
        try:
            locks.say(fd, str(int(state)).encode())
            yield
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path)
            os.close(fd)

    def _holder(self, instance: Instance) -> tuple[int, int] | None:
        """Who runs an instance, by its number and its start; who has the registry sees all of it."""
        said = locks.said(self._alive(instance))
        if not said:
            return None
        pid, started = map(int, said.split())
        return pid, started

    def _end(self, instance: Instance) -> None:
        """Ends the process that runs an instance, and waits for that."""
        with transaction(self._place):
            holder = self._holder(instance)
        if holder is None:
            return
        _end_process(*holder)
        # Its children hold the lock as well, and end with it. To wait for the lock itself would be to wait for whoever
        # comes next, too.
        while self._holder(instance) == holder:
            time.sleep(_PAUSE_S)

    def _recover(self, registry: Registry) -> None:
        """Puts in order what a process that was killed has left."""
        for guid in registry.unfinished():
            registry.drop(guid)
        for instance in registry.instances():
            fd = -1 if instance.state == State.INSTALLED else locks.acquire(self._lock(instance))
            if fd >= 0:
                try:
                    # What cannot be deleted stays, and is nobody's.
                    with suppress(OSError):
                        _delete_files(instance)
                    self._forget(registry, instance)
                finally:
                    os.close(fd)
        self._sweep({each.guid for each in registry.instances()})
        self._keep_default(registry)

    def _sweep(self, known: set[str]) -> None:
        """Removes the files of locks whose instances are no more; locks are taken by who has the registry."""
        for directory in (self._place.locks, self._place.running):
            for name in os.listdir(directory):
                fd = -1 if name in known else locks.acquire(os.path.join(directory, name))
                if fd >= 0:
                    os.unlink(os.path.join(directory, name))
                    os.close(fd)
        for name in os.listdir(self._place.sockets):
            if name not in known:
                os.unlink(os.path.join(self._place.sockets, name))

    def _take_away(self, instance: Instance) -> None:
        """Deletes an instance's files and then its key, which goes in any case. PicoboxError if some are left."""
        failure: OSError | None = None
        try:
            _delete_files(instance)
        except OSError as error:
            failure = error
        with transaction(self._place) as registry:
            self._forget(registry, instance)
        if failure is not None:
            raise PicoboxError(
                f"{instance.name}: it is unregistered, but {failure.filename or instance.base_path} is left: "
                f"{failure.strerror}. Delete it by hand."
            )

    def _forget(self, registry: Registry, instance: Instance) -> None:
        registry.drop(instance.guid)
        for path in (self._alive(instance), self._lock(instance), self.socket_of(instance)):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def _keep_default(self, registry: Registry) -> None:
        """Has the default be one that is installed, the first if it was none of them."""
        installed = [each.guid for each in registry.instances() if each.state == State.INSTALLED]
        if registry.default not in installed:
            registry.default = installed[0] if installed else ""

    def _found(self, registry: Registry, name: str | None) -> Instance:
        wanted = registry.default if name is None else name
        for instance in registry.instances():
            if wanted and wanted.lower() in (instance.name.lower(), instance.guid.lower()):
                return instance
        if name is None:
            raise SessionError(
                ErrorCode.WSL_E_DEFAULT_DISTRO_NOT_FOUND,
                "there is no default instance. `picobox instance import NAME - FILE` makes one, "
                "`picobox instance set-default NAME` names it.",
            )
        raise _not_found(name)

    def _still_there(self, registry: Registry, instance: Instance) -> Instance:
        """An instance that was found in another transaction."""
        found = self._found(registry, instance.guid)
        after(found.state, Step.CONFIGURE, found.name)
        return found


def checked_name(name: str) -> str:
    """A name that an instance may have; E_INVALIDARG if it is none."""
    if not _NAME.fullmatch(name) or not name.strip(".") or name.lower() == _LEGACY.lower():
        raise SessionError(
            ErrorCode.E_INVALIDARG,
            f"{name!r} is no name for an instance: up to 256 letters, digits, dots, dashes and underscores, "
            f"not dots alone, and not {_LEGACY}.",
        )
    return name


def _check_fields(fields: dict[str, Any]) -> None:
    uid, flags = fields.get("default_uid", 0), fields.get("flags", 0)
    if not 0 <= uid <= _MOST_UID:
        raise SessionError(ErrorCode.E_INVALIDARG, f"{uid} is no user's number: 0 to {_MOST_UID}.")
    if not 0 <= fields.get("idle_timeout", 0) <= NEVER_IDLE:
        raise SessionError(ErrorCode.E_INVALIDARG, "an instance can be idle for up to 49 days, or for ever.")
    if flags & ~ALL_FLAGS:
        raise SessionError(ErrorCode.E_INVALIDARG, f"{flags:#x} has unknown flags: {ALL_FLAGS:#x} are all there are.")


def _check_new(registry: Registry, instance: Instance) -> None:
    """That neither name nor directory is another one's, and that there is nothing in its place."""
    for other in registry.instances():
        if other.name.lower() == instance.name.lower():
            if other.state != State.INSTALLED:
                after(other.state, Step.REGISTER, instance.name)
            raise SessionError(
                ErrorCode.ERROR_ALREADY_EXISTS,
                f"{instance.name}: there is an instance {other.name}. Choose another name, or "
                "`picobox instance unregister` it.",
            )
        if other.base_path == instance.base_path:
            raise _taken(instance.base_path, f"it is the directory of {other.name}")
        # Programs of the other one would write it, and it would go with the other one's tree.
        if any(f"{instance.base_path}/".startswith(f"{tree}/") for tree in (other.rootfs, other.temp)):
            raise _taken(instance.base_path, f"it is within {other.name}")
    for part in _PARTS:
        if os.path.lexists(os.path.join(instance.base_path, part)):
            raise _taken(instance.base_path, f"there is a {part} in it already")


def _taken(path: str, why: str) -> SessionError:
    return SessionError(ErrorCode.ERROR_FILE_EXISTS, f"{path}: {why}. Name another directory.")


def _make_directories(path: str) -> None:
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        for part in _PARTS:
            os.mkdir(os.path.join(path, part), 0o755)
    except OSError as error:
        raise PicoboxError(f"{path}: {error.strerror}. Name a directory that can be made.") from None


def _delete_files(instance: Instance) -> None:
    """The directory itself goes if nothing else is in it. Raises OSError."""
    for part in _PARTS:
        remove_tree(os.path.join(instance.base_path, part))
    with suppress(OSError):
        os.rmdir(instance.base_path)


def _not_found(name: str) -> SessionError:
    return SessionError(
        ErrorCode.WSL_E_DISTRO_NOT_FOUND, f"{name}: there is no such instance. `picobox instance list` shows all."
    )


def _started(pid: int) -> int:
    """When a process began, which no other of its number has in common with it (proc_pid_stat(5)); 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b") ")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _end_process(pid: int, started: int) -> None:
    """Asks a process to end, and ends it if it has not after ten seconds; none if another has its number by now."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _started(pid) == started:
            signal.pidfd_send_signal(fd, signal.SIGTERM)
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            if not poll.poll(_PATIENCE_MS):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
                poll.poll()
    except ProcessLookupError:
        return
    finally:
        os.close(fd)
