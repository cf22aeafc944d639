"""Serves the tree in a process of its own: the kernel asks it, and it asks the supervisor.

The supervisor may itself wait for the kernel's answer. It avoids that, but a link may lead it here: its own look-ups
are answered at once, from what it has told, and it is never asked about them.
"""

from __future__ import annotations

import os
import select
import stat
import time
from collections import deque
from errno import EINVAL, EIO, ENAMETOOLONG, ENFILE, ENOENT, ENOSYS, EOVERFLOW, ESTALE
from typing import TYPE_CHECKING, NamedTuple

from picobox.inspection import wire
from picobox.nt_files import fuse
from picobox.nt_files.escape import meant, spelt
from picobox.nt_files.nodes import Facts, Nodes, inode
from picobox.nt_files.watched import STOPPED, UNINTERRUPTIBLE

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from picobox.inspection.wire import Json
    from picobox.nt_files.watched import Watched

# The supervisor answers between two stops. It waits for a guest now and then, which may be the one that waits for us.
_PATIENCE = 2.0
# So often in a row, each after so many seconds, may it be seen in a wait that nothing interrupts.
_MOST_LOOKS, _LOOK = 10, 0.02
# So many entries and texts are kept for what guests have open: no limit of theirs counts this process's memory.
_MOST_HELD = 1 << 20
# Of one directory: the answer is made in the supervisor, while all guests stand.
_MOST_ROWS = 1 << 16
# What a link leads to has to fit a page (PATH_MAX).
_LONGEST_TARGET = 4095
# What the kernel does again for ESTALE, as it looks a path up; others would hand it to the guest.
_BEGINNING_ANEW = (fuse.LOOKUP, fuse.OPEN)


class _Asked(NamedTuple):
    """A request that waits for the supervisor's answer: about what, how far below, and what is made of it."""

    request: fuse.Request
    names: tuple[bytes, ...]
    depth: int
    then: Callable[[fuse.Request, list[Facts]], None]


class Server:
    """Answers one request after the other until the run is over."""

    def __init__(self, device: int, supervisor: socket.socket, watched: Watched) -> None:
        """`device`: an open /dev/fuse; `watched`: the process at the other end of `supervisor`."""
        self._device = device
        self._supervisor = supervisor
        supervisor.setblocking(False)
        self._watched = watched
        self._nodes = Nodes()
        self._texts: dict[int, bytes] = {}
        self._listings: dict[int, list[Facts]] = {}
        self._last = self._held = 0
        self._waiting: deque[_Asked] = deque()
        self._looks, self._next_look = 0, 0.0
        # When the supervisor is late with the answer to the first of those.
        self._late = 0.0
        # Answers that nobody waits for any more.
        self._unwanted = 0
        self._routines: dict[int, Callable[[fuse.Request], None]] = {
            fuse.INIT: lambda asked: self._tell(asked, fuse.greeting(asked.body)),
            fuse.LOOKUP: self._look_up,
            fuse.GETATTR: self._tell_attributes,
            fuse.READLINK: self._read_link,
            fuse.OPEN: self._open,
            fuse.READ: self._read,
            fuse.OPENDIR: self._open_directory,
            fuse.READDIR: self._list,
            fuse.RELEASE: self._release,
            fuse.RELEASEDIR: self._release,
            fuse.STATFS: lambda asked: self._tell(asked, fuse.usage()),
        }

    def serve(self) -> None:
        """Until the supervisor has gone, or the tree has."""
        poll = select.poll()
        poll.register(self._device, select.POLLIN)
        poll.register(self._supervisor, select.POLLIN)
        try:
            while True:
                left = _LOOK * 1000 if self._waiting else None
                ready = {fd for fd, _ in poll.poll(left)}
                if self._supervisor.fileno() in ready:
                    self._hear()
                elif self._waiting and time.monotonic() >= self._next_look:
                    self._look_at_supervisor()
                if self._device in ready:
                    self._take()
        except (EOFError, ConnectionError):
            return

    def _take(self) -> None:
        request = fuse.receive(self._device)
        if request is None:
            return
        if request.operation in fuse.UNANSWERED:
            if request.operation != fuse.INTERRUPT:
                for number, entries in fuse.forgotten(request):
                    self._nodes.forget(number, entries)
            return
        routine = self._routines.get(request.operation)
        if routine is None:
            self._refuse(request, ENOSYS)
        else:
            routine(request)

    def _tell(self, request: fuse.Request, body: bytes) -> None:
        fuse.answer(self._device, request, body)

    def _refuse(self, request: fuse.Request, error: int) -> None:
        fuse.answer(self._device, request, error=error)

    def _names(self, request: fuse.Request) -> tuple[bytes, ...]:
        """The path of the node that a request is about; one that was forgotten is not asked about."""
        node = self._nodes.known(request.node)
        return () if node is None else node.facts.names

    def _look_up(self, request: fuse.Request) -> None:
        name = meant(request.body.rstrip(b"\0"))
        if name is None or b"\\" in name:
            self._refuse(request, ENOENT)
        else:
            self._ask(_Asked(request, (*self._names(request), name), 0, self._enter))

    def _enter(self, request: fuse.Request, found: list[Facts]) -> None:
        self._tell(request, fuse.entry(self._nodes.looked_up(found[0])))

    def _tell_attributes(self, request: fuse.Request) -> None:
        node = self._nodes.known(request.node)
        if node is None:
            self._refuse(request, ENOENT)
        else:
            self._tell(request, fuse.attributes_told(self._nodes.attributes(node)))

    def _read_link(self, request: fuse.Request) -> None:
        node = self._nodes.known(request.node)
        if node is None or node.facts.kind != stat.S_IFLNK:
            self._refuse(request, EINVAL)
        elif len(target := node.facts.link()) > _LONGEST_TARGET:
            self._refuse(request, ENAMETOOLONG)
        else:
            self._tell(request, target)

    def _open(self, request: fuse.Request) -> None:
        self._ask(_Asked(request, self._names(request), 0, self._hold_text))

    def _hold_text(self, request: fuse.Request, found: list[Facts]) -> None:
        if self._held >= _MOST_HELD:
            self._refuse(request, ENFILE)
            return
        self._held += 1
        self._last += 1
        self._texts[self._last] = found[0].text()
        self._tell(request, fuse.opened(self._last, is_file=True))

    def _read(self, request: fuse.Request) -> None:
        handle, offset, size = fuse.read_asked(request.body)
        self._tell(request, self._texts.get(handle, b"")[offset : offset + size])

    def _open_directory(self, request: fuse.Request) -> None:
        self._last += 1
        self._listings[self._last] = []
        self._tell(request, fuse.opened(self._last, is_file=False))

    def _list(self, request: fuse.Request) -> None:
        _, offset, _ = fuse.read_asked(request.body)
        if offset:
            self._tell_entries(request)
        else:
            # Also after rewinddir(3), which is to show what is there then.
            self._ask(_Asked(request, self._names(request), 1, self._hold_listing))

    def _hold_listing(self, request: fuse.Request, found: list[Facts]) -> None:
        if len(found) > _MOST_ROWS:
            self._refuse(request, EOVERFLOW)
            return
        handle, _, _ = fuse.read_asked(request.body)
        self._held -= len(self._listings.pop(handle, ()))
        if self._held + len(found) > _MOST_HELD:
            self._refuse(request, ENFILE)
            return
        listing = self._listings[handle] = [each for each in found[1:] if fuse.is_nameable(spelt(each.names[-1]))]
        self._held += len(listing)
        self._tell_entries(request)

    def _tell_entries(self, request: fuse.Request) -> None:
        handle, offset, size = fuse.read_asked(request.body)
        node = self._nodes.known(request.node)
        itself = 1 if node is None else inode(node.facts)
        listing = self._listings.get(handle, [])
        told = b""
        for place in range(offset, len(listing) + 2):
            if place < 2:
                packed = fuse.directory_entry(itself, place + 1, stat.S_IFDIR >> 12, (b".", b"..")[place])
            else:
                facts = listing[place - 2]
                packed = fuse.directory_entry(inode(facts), place + 1, facts.kind >> 12, spelt(facts.names[-1]))
            if len(told) + len(packed) > size:
                break
            told += packed
        self._tell(request, told)

    def _release(self, request: fuse.Request) -> None:
        handle, _, _ = fuse.read_asked(request.body)
        if self._texts.pop(handle, None) is not None:
            self._held -= 1
        self._held -= len(self._listings.pop(handle, ()))
        self._tell(request, b"")

    def _ask(self, asked: _Asked) -> None:
        """Has the supervisor asked in its turn; what itself waits for is answered from what is known."""
        if self._watched.includes(asked.request.task):
            self._answer_supervisor(asked)
            return
        self._waiting.append(asked)
        if len(self._waiting) == 1:
            self._send()

    def _answer_supervisor(self, asked: _Asked) -> None:
        node = self._nodes.named(asked.names)
        if asked.depth:
            self._tell_entries(asked.request)
        elif node is None:
            self._refuse(asked.request, ENOENT)
        else:
            asked.then(asked.request, [node.facts])

    def _send(self) -> None:
        """Asks what the first of those who wait wants to know."""
        self._late, self._looks = time.monotonic() + _PATIENCE, 0
        self._next_look = time.monotonic() + _LOOK
        while self._waiting:
            asked = self._waiting[0]
            names = [wire.text(name) for name in asked.names]
            question = {"ask": "objects", "names": names, "depth": asked.depth, "most": _MOST_ROWS + 1}
            try:
                wire.send(self._supervisor, question)
            except BlockingIOError:
                # It has not even taken what it was asked before.
                self._refuse(self._waiting.popleft().request, EIO)
            else:
                return

    def _hear(self) -> None:
        """Takes an answer of the supervisor's."""
        answer: Json | None
        try:
            answer = wire.heard(self._supervisor)
        except ValueError:
            answer = None
        if self._unwanted:
            self._unwanted -= 1
            return
        asked = self._waiting.popleft()
        if answer is None:
            self._refuse(asked.request, EIO)
        elif "error" in answer:
            self._refuse(asked.request, ENOENT)
        else:
            asked.then(asked.request, [_facts(row) for row in answer["objects"]])
        if self._waiting:
            self._send()

    def _look_at_supervisor(self) -> None:
        """It is late. If it waits for a name that a guest's call looks up, that call begins anew: ESTALE has it so."""
        now = time.monotonic()
        self._next_look = now + _LOOK
        state = self._watched.state()
        if state in STOPPED:
            # Somebody has stopped the run, and goes on with it when he likes.
            self._late = now + _PATIENCE
        self._looks = self._looks + 1 if state == UNINTERRUPTIBLE else 0
        if self._looks >= _MOST_LOOKS:
            self._give_up(ESTALE)
        elif now >= self._late:
            self._give_up(EIO)

    def _give_up(self, error: int) -> None:
        """Nobody is to wait for the supervisor, which may be the one who waits: only the first has been asked for."""
        self._unwanted += 1
        while self._waiting:
            request = self._waiting.popleft().request
            begins_anew = error == ESTALE and request.operation in _BEGINNING_ANEW
            self._refuse(request, error if begins_anew else EIO)


def _facts(row: Json) -> Facts:
    """What a row tells. Paths are absolute, and spelt as they are stored."""
    path = os.fsencode(wire.plain(row["path"]))
    names = tuple(path.split(b"\\")[1:]) if path != b"\\" else ()
    target = row["target"]
    return Facts(
        names,
        row["type"],
        row["handles"],
        row["references"],
        None if target is None else os.fsencode(wire.plain(target)),
    )
