"""Judges the calls of guests by the rules of a check, and lets them go on when it only observes."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from ntshim.io.share import FILE_SHARE_READ, FILE_SHARE_WRITE
from ntshim.ob.handles import index_to_handle
from picobox.check import posix_calls
from picobox.check import subject as sb
from picobox.check.aftermath import Aftermath
from picobox.check.conflicts import Holders, Processes, letters_of_access, letters_of_share
from picobox.check.judgement import AGAIN, LET_GO, REFUSE, Judgement
from picobox.check.ledger import Ledger
from picobox.check.marks import Marks
from picobox.check.names import NameRules
from picobox.check.posix import Posix
from picobox.check.readers import Readers
from picobox.check.reopened import Reopened
from picobox.check.repeats import Repeats
from picobox.check.stacks import Stacks
from picobox.check.unopposed import Unopposed
from picobox.check.unshown_changes import LEFT_OUT, UnshownChanges
from picobox.findings.finding import Finding, Side
from picobox.findings.rules import RULES
from picobox.task import fd_index

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ntshim.fs.nodes import Node
    from ntshim.io.file import File
    from picobox.abi.row import Row
    from picobox.call import Call
    from picobox.changes import Changes
    from picobox.check.ledger import Entry
    from picobox.check.refusals import Refusal
    from picobox.opens import Opens
    from picobox.platform.base import HostTid
    from picobox.platform.identity import Identity
    from picobox.provider import PicoProvider
    from picobox.runtimes import Runtime
    from picobox.windows import WindowsRules

_SHARES = FILE_SHARE_READ | FILE_SHARE_WRITE


# A library of a runtime is at most so far from the call: wrappers of the C library stand between.
_LIBRARY_FRAMES = 4
_READ_ONLY = "PB017"
_OF_REMOVALS = frozenset(("PB010", "PB014", "PB016"))
_OF_FILES_IN_USE = frozenset(("PB009", "PB010", "PB011", "PB012", "PB013", "PB014", "PB016", "PB018"))


class Settings(NamedTuple):
    """How a check judges: `enforces` gives programs Windows' answers.

    `directory` is the project's, `temporary` that of temporary files, both without links. `test_of` gives the test that
    a task runs; `tell` is told of each finding when it is found first.
    """

    enforces: bool
    directory: bytes
    temporary: bytes
    test_of: Callable[[HostTid], str] = lambda _: ""
    tell: Callable[[Finding], None] = lambda _: None


class Judge:
    """Finds what Windows would have answered otherwise.

    When it observes, a finding is made of a call that Linux lets succeed, and what it concerns is left alone from then
    on; when it enforces, of each refusal.
    """

    def __init__(
        self, settings: Settings, provider: PicoProvider, opens: Opens, changes: Changes, windows: WindowsRules
    ) -> None:
        """Judge the calls that `provider` serves, by the rules on the drives of `windows`."""
        self.settings = settings
        self.windows = windows
        self.nodes = opens.nodes
        self.ledger = Ledger()
        self.stacks = Stacks()
        self.processes = Processes()
        self.holders = Holders(provider, changes, opens.nodes, self.processes)
        self.wants_looks = provider.check_looks
        self.repeats = Repeats(provider.platform, opens.unopened.look)
        self._provider = provider
        self._opens = opens
        self._changes = changes
        self.identities = opens.identities
        self.unopened = opens.unopened
        self._marks = Marks()
        self.reopened = Reopened(self)
        self.unopposed = changes.unopposed = Unopposed(provider, opens, changes)
        self.readers = Readers(self, provider, opens)
        self._aftermath = Aftermath(self)
        self.posix = Posix(self)
        self._watchers = posix_calls.watchers()
        self._name_rules = None if provider.names is None else NameRules(self, provider.names, self.identities)

    @property
    def observes(self) -> bool:
        """Whether programs go on as on Linux."""
        return not self.settings.enforces

    def leave_changes(self) -> None:
        """Have changes not shown in whose way nobody is, where this only observes and nobody else meets calls."""
        names, native = self._provider.names, self._provider.unopposed(*LEFT_OUT)
        index = None if names is None else names.sparing
        if self.observes and index is not None and native is not None:
            UnshownChanges(self, self._opens, self._changes, self._aftermath, native).leave(index.table)

    def findings(self) -> tuple[Finding, ...]:
        """All that was found in a run that is over, in the order of the first occurrence."""
        self.posix.forks.tell_remaining()
        return self.ledger.findings()

    def look(self, call: Call, row: Row, arguments: Sequence[object]) -> None:
        """See a call before anybody serves it, with the names that the guest wrote."""
        call.judgement = Judgement(observes=self.observes)
        self.identities.hold()
        self.repeats.look(row, arguments)
        if self._name_rules is not None and row.paths():
            self._name_rules.look(call, row, arguments)
        watcher = self._watchers.get(row.name)
        if watcher is not None:
            watcher(self, call, *arguments)

    def report(
        self,
        call: Call,
        rule: str,
        status: int,
        path: bytes,
        message: str,
        *,
        others: Sequence[Side] = (),
        severity: str | None = None,
        refused: bool = False,
    ) -> bool:
        """Record a finding at the end of a call that succeeds or is `refused` to the guest; at once if it is over.

        Gives False for an idiom, of which nothing is told. `path` is absolute; `message` goes on from it. `severity`
        where it is not the rule's.
        """
        judgement = call.judgement
        finding = self._finding(call, rule, status, path, message, others, severity)
        if judgement is None or finding is None:
            return False
        if self._is_prepared(call, finding):
            return True

        def record(result: int) -> None:
            if result >= 0 or refused:
                judgement.entries.append(self._record(finding))

        if judgement.over:
            record(0)
        else:
            judgement.routines.append(record)
        return True

    def draft(
        self, call: Call, rule: str, status: int, path: bytes, message: str, *, others: Sequence[Side] = ()
    ) -> Callable[[], None]:
        """Keep who makes a call now, for a finding that is recorded if the routine that is given is called."""
        finding = self._finding(call, rule, status, path, message, others, None)
        is_prepared = finding is None or self._is_prepared(call, finding)

        def record() -> None:
            if finding is not None and not is_prepared:
                self._record(finding)

        return record

    def _is_prepared(self, call: Call, finding: Finding) -> bool:
        """Whether the program mends what it is refused, or keeps the call from Windows."""
        from picobox.check.guarded_scripts import is_kept_from_windows, tries_again
        from picobox.check.handlers import clears_readonly, retries, yields
        from picobox.check.platforms import is_not_for_windows
        from picobox.check.removals import ignores_errors, mends_removal

        stack = finding.side.stack
        if finding.rule == _READ_ONLY and (mends_removal(stack) or clears_readonly(stack)):
            return True
        if not self.observes:
            return False
        if (
            finding.rule in _OF_FILES_IN_USE
            and _is_in_use_elsewhere(finding)
            and (retries(stack) or tries_again(call.stop.tid, finding.side.process, finding.rule))
        ):
            return True
        if finding.rule in _OF_REMOVALS and (ignores_errors(stack) or yields(stack)):
            return True
        return is_not_for_windows(stack) or is_kept_from_windows(call.stop.tid, finding.side.process, finding.rule)

    def _record(self, finding: Finding) -> Entry:
        """Put a finding into the ledger, and tell of one that is new."""
        entry = self.ledger.add(finding)
        if entry.finding is finding:
            self.settings.tell(finding)
        return entry

    def _finding(
        self,
        call: Call,
        rule: str,
        status: int,
        path: bytes,
        message: str,
        others: Sequence[Side],
        severity: str | None,
    ) -> Finding | None:
        """A finding about a call that is at its entry or over; None for an idiom."""
        from picobox.check.idioms import idiom_of
        from picobox.check.sites import site_of

        if call.row is None:
            return None
        now = time.time()
        stack = self.stacks.located(self.posix.stack(call))
        process = self.processes.of(call.thread.process, call.stop.tid)
        side = Side(process, call.row.name, os.fsdecode(path), now, stack=stack)
        finding = Finding(
            rule,
            severity or RULES[rule].severity,
            status,
            os.fsdecode(path),
            f"{os.fsdecode(path)} {message}",
            side,
            tuple(other._replace(stack=self.stacks.located(other.stack)) for other in others),
            site_of(stack, os.fsdecode(self.settings.directory)),
            test=self.settings.test_of(call.stop.tid),
        )
        return None if idiom_of(finding) is not None else finding

    def when_done(self, call: Call, routine: Callable[[int], None]) -> None:
        """Have a routine called with the result of a call at its end, if it comes to one."""
        if call.judgement is not None:
            call.judgement.routines.append(routine)

    def on_drive(self, call: Call, dirfd: int, path: bytes) -> bytes | None:
        """The absolute path of the name that a path of a task ends in, if that lies on a drive."""
        found = self.identities.of_entry(call.stop.tid, dirfd, path)
        return found.path if found is not None and self.windows.is_on_drive(found.path) else None

    def node_of(self, found: Identity) -> Node | None:
        """What NT keeps of a file if it is open."""
        return None if found.file is None else self.nodes.of_key(found.file)

    def share_of(self, call: Call, runtime: Runtime) -> int:
        """What an open shares, by the runtime's library that makes it."""
        if runtime.library_shares:
            shares = dict(runtime.library_shares)
            for frame in self.stacks.of(call, _LIBRARY_FRAMES):
                library = frame.file.rpartition("/")[2]
                if library in shares:
                    return shares[library]
        return runtime.share

    def opened(self, call: Call, file: File, path: bytes, fd: int) -> None:
        """Keep who has opened a file, for the day when somebody is in conflict with it."""
        opened = file.context
        if call.row is None or opened is None:
            return
        side = Side(
            self.processes.of(call.thread.process, call.stop.tid),
            call.row.name,
            os.fsdecode(path),
            time.time(),
            index_to_handle(fd_index(fd)),
            fd,
            letters_of_access(opened.access),
            letters_of_share(opened.share),
            () if call.judgement is None else self.stacks.of(call),
        )
        file.origin = side
        self.repeats.opened(side)
        self.reopened.opened(call, file, path)

    def overrules(self, call: Call, status: int) -> int:
        """Say what becomes of a call that NT refuses with a status, and record what that means."""
        judgement = call.judgement
        if judgement is None:
            return REFUSE
        outcome = self._outcome(call, judgement, status)
        judgement.let_go = judgement.let_go or outcome == LET_GO
        return outcome

    def conclude(self, call: Call, arguments: Sequence[object] | None) -> None:
        """A call has been decided: see to its end."""
        self.identities.release()
        judgement = call.judgement
        if judgement is None or call.restart or call.wait is not None:
            return
        self._aftermath.prepare(call, judgement)
        if self._may_be_ignored(call, judgement) and arguments is not None:
            self.repeats.end(call, arguments)
        if not judgement.routines:
            return
        if call.result is not None:
            judgement.end(call.result)
            return
        former = call.then

        def then(result: int) -> int | None:
            replaced = None if former is None else former(result)
            judgement.end(result if replaced is None else replaced)
            return replaced

        call.then = then

    def _may_be_ignored(self, call: Call, judgement: Judgement) -> bool:
        """Whether calls like this one mean nothing: Windows allows them, as it allows whatever others do meanwhile."""
        shares = call.shown_by is None or call.shown_by.share & _SHARES == _SHARES
        nothing_to_do = call.result is None and not judgement.let_go and not judgement.routines
        return self.observes and self._provider.interposer is None and shares and nothing_to_do

    def _outcome(self, call: Call, judgement: Judgement, status: int) -> int:
        from picobox.check.refusals import judge_refusal

        subject = judgement.subject
        go_on = LET_GO if self.observes else REFUSE
        if subject is None:
            return go_on
        blocked = subject.target if subject.naming and subject.target is not None else subject.file
        below = self.holders.below(subject.file.path) if subject.file.is_directory else []
        sections = None if blocked.file is None else self.nodes.mapped.get((blocked.file, ""))
        refusal = judge_refusal(subject, status, sections=sections, is_held_below=bool(below))
        if refusal is None:
            return go_on
        node = self.node_of(blocked)
        nodes = below if refusal.rule == "PB013" and subject.naming else [node] if node is not None else []
        if refusal.rule in ("PB016", "PB017", "PB018"):
            others = self._others(refusal, blocked, node)
            if node is not None and self._marks.has(node):
                return LET_GO
        else:
            if self._is_left_alone(nodes, subject.file if refusal.rule == "PB013" else blocked):
                return LET_GO
            others = [side for each in nodes if not self._marks.has(each) for side in self.holders.of(each)]
            if nodes and not others:
                return go_on  # another call is about to change the file: it is in use for a moment
        if not self._tell(call, subject, status, refusal, others, nodes) and not self.observes:
            return LET_GO
        if self.observes and refusal.rule == "PB017" and not judgement.ignores_read_only:
            judgement.ignores_read_only = True
            return AGAIN
        return go_on

    def _others(self, refusal: Refusal, blocked: Identity, node: Node | None) -> list[Side]:
        if refusal.rule == "PB016" and blocked.file is not None:
            return self.holders.mapping(blocked.file, blocked.path)
        return self.holders.locking(node) if refusal.rule == "PB018" and node is not None else []

    def _is_left_alone(self, nodes: Sequence[Node], blocked: Identity) -> bool:
        """Whether only those have files open who do not count, or what has been told of already."""
        if blocked.is_directory and self._marks.has_directory(blocked.file):
            return True
        return bool(nodes) and all(self._marks.has(node) or self.holders.has_only_forks(node) for node in nodes)

    def _tell(
        self, call: Call, subject: sb.Subject, status: int, refusal: Refusal, others: list[Side], nodes: Sequence[Node]
    ) -> bool:
        """Record what a refusal means; gives False for an idiom, which Windows would let go on."""
        is_told = self.report(
            call,
            refusal.rule,
            status,
            refusal.path,
            refusal.message,
            others=others,
            severity=refusal.severity,
            refused=self.settings.enforces,
        )
        if self.settings.enforces:
            return is_told

        def mark(result: int) -> None:
            if result < 0:
                return
            if subject.file.is_directory and nodes:
                self._marks.add_directory(subject.file.file, nodes)
            elif refusal.rule != _READ_ONLY:
                for node in nodes:
                    self._marks.add(node)

        self.when_done(call, mark)
        return is_told


def _is_in_use_elsewhere(finding: Finding) -> bool:
    """Whether only other processes keep a program from something, which may be done with it soon."""
    own = finding.side.process.pid
    return bool(finding.others) and all(other.process.pid != own for other in finding.others)
