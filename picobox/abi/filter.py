"""Owns the compilation of the table into its two kernel-side forms: the seccomp filter and the disposition array."""

from __future__ import annotations

import os
import struct
from array import array
from errno import ENOSYS
from typing import TYPE_CHECKING, NamedTuple

from picobox.abi.row import (
    ACTION_CALL,
    ACTION_NATIVE,
    CALL,
    CHECK,
    FAKE_ROOT,
    LOCKS,
    NAMES,
    NATIVE,
    READ_BACK,
    SEEN,
    SUPERVISED,
    UNSEEN,
    WINDOWS,
    WSL,
)
from picobox.abi.x86_64 import AUDIT_ARCH_X86_64, SYSCALL_LIMIT

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from picobox.abi.row import Disposition, Row

# linux/seccomp.h
SECCOMP_RET_ERRNO = 0x0005_0000
SECCOMP_RET_USER_NOTIF = 0x7FC0_0000
SECCOMP_RET_TRACE = 0x7FF0_0000
SECCOMP_RET_ALLOW = 0x7FFF_0000
SECCOMP_RET_DATA = 0x0000_FFFF

# No kernel has a call of this number: one that is notified where all others are recorded, so that there is one, and
# where mappings are seen, the first call by which a program maps the gate.
UNUSED_NUMBER = 400

# Data of the RET_TRACE verdict for a number the table cannot hold; the C core answers it ENOSYS.
UNKNOWN_NUMBER = 0xFFFF

# Bits of a word of the disposition array.
DISPOSITION_ACTION = 0xFF
DISPOSITION_GUARD = 1 << 8
DISPOSITION_REAP = 1 << 9
DISPOSITION_INTERRUPTIBLE = 1 << 10
DISPOSITION_NOTIFY = 1 << 11
DISPOSITION_RECEIVES = 1 << 15
DISPOSITION_ARGUMENTS = 1 << 12
DISPOSITION_GATE = 1 << 13
DISPOSITION_EMPTY_PATH = 1 << 14
DISPOSITION_ERRNO_SHIFT = 16
DISPOSITION_PASSES = 1 << 31
DISPOSITION_DECIDED = 1 << 28
DISPOSITION_OPEN_FLAGS_SHIFT = 29

# Children that are dead for the tracer have to be dead for the caller of these (wait(2)). Who waits until there is one
# need not find it at once, so that its call passes; a pidfd may say that nobody is to wait (see entries.c).
WAITING_CALLS = frozenset(("wait4", "waitid"))
# Where tasks are left unseen, the core alone answers these: of clone what makes a plain process (see unseen.c). That a
# process ends by exit_group its death tells, so the call passes.
UNSEEN_CALLS = frozenset(("clone", "fork", "vfork", "exit_group"))
_CLONE, _WAIT4, _EXIT_GROUP, _WAITID = 56, 61, 231, 247
# linux/wait.h and linux/sched.h
_WNOHANG, _P_PIDFD = 1, 3
_CLONE_VM, _CLONE_VFORK = 0x100, 0x4000
# A signal's number, these two, and CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID and CLONE_CHILD_SETTID.
_PLAIN_FLAGS = 0xFF | _CLONE_VM | _CLONE_VFORK | 0x10_0000 | 0x20_0000 | 0x100_0000

# Through the channel a yield would give the CPU to the answering thread, and that one give it straight back.
STOPPING_CALLS = frozenset(("sched_yield",))

# The gate's addresses are put right in the frame that the call is about to load, and its gs base is taken out of a
# thread that is about to look at its own, for which the calls have to be stops.
GATED_STOPPING_CALLS = frozenset(("rt_sigreturn", "arch_prctl"))

# Calls whose arguments tell that they do nothing to what is ours, all of it below 4 GiB, nor to code of an image; of
# fcntl that it makes no descriptor, waits for nothing and tells nobody of anything; of others that they only ask for
# the limit of the caller or about a terminal or a stream, or set the base of fs.
BOUNDED_CALLS = frozenset(("mmap", "mprotect", "munmap", "ioctl", "madvise", "fcntl", "arch_prctl", "prlimit64"))
MMAP, _MPROTECT, _MUNMAP, IOCTL, _MADVISE, _FCNTL, _ARCH_PRCTL, _PRLIMIT64 = 9, 10, 11, 16, 28, 72, 158, 302
# Of these, those that pass only with arguments that no rule about arguments is about.
_BEYOND_RULES = frozenset(("ioctl", "prlimit64"))
# asm-generic/ioctls.h: TCGETS, TIOCGPGRP, TIOCGWINSZ and FIONREAD, which gate/ways.c knows as well.
ASKING_REQUESTS = (0x5401, 0x540F, 0x5413, 0x541B)
# linux/fcntl.h: F_GETFD, F_SETFD, F_GETFL and F_SETFL lie between.
_F_GETFD, _F_SETFL = 1, 4

# What guests record of BOUNDED_CALLS for their arguments alone.
RECORDED_BOUNDED = frozenset((MMAP, _MPROTECT, _MUNMAP, IOCTL, _MADVISE, _PRLIMIT64))

# Its row comes before that of newfstatat.
_FSTAT = 5
_READLINK = 89

# By these, guests find out what they have opened, for whoever reads their records.
LOOKING = frozenset((_FSTAT, _READLINK))

# A close needs no stop: what is closed can be told afterwards, if a handle was made for it. Where opens make handles,
# nearly every close would be told, and a stop costs less than both.
TOLD_CALLS = frozenset(("close",))

# A copy of a descriptor has a handle if the descriptor has one; else its handle is made when somebody looks at it.
COPYING_CALLS = frozenset(("dup", "dup2", "dup3", "fcntl"))

# Of these, those of which a check is told where the descriptor has a handle (see pb_leave_copies).
_TOLD_TO_CHECKS = TOLD_CALLS | COPYING_CALLS

# Calls whose arguments a check judges, so that the gate can do it as well: opens by their path, what makes directories
# that are there, handlers of signals, locks of whole files once enough were seen.
JUDGED = frozenset(("open", "openat", "mkdir", "mkdirat", "rt_sigaction", "flock"))

# Calls that make a name, which the gate asks the core about first.
MAKING_CALLS = frozenset(
    ("creat", "mkdir", "mkdirat", "symlink", "symlinkat", "link", "linkat", "rename", "renameat", "renameat2")
)

# Calls that may give a process descriptors which it has not opened: what was sent by SCM_RIGHTS or taken from others.
RECEIVING_CALLS = frozenset(("recvmsg", "recvmmsg", "pidfd_getfd", "open_by_handle_at"))

# Calls that the kernel ends with -ERESTARTSYS when a signal comes: those on slow objects, on locks and leases, and on
# queues of messages (man 7 signal). Others restart by rules of their own, or never wait.
INTERRUPTIBLE_CALLS = frozenset(
    (
        "read", "pread64", "readv", "preadv", "preadv2", "write", "pwrite64", "writev", "pwritev", "pwritev2",
        "open", "openat", "openat2", "creat", "truncate", "ftruncate", "ioctl", "fcntl", "flock", "wait4", "waitid",
        "futex", "futex_wait", "futex_waitv", "accept", "accept4", "connect", "recvfrom", "recvmsg", "recvmmsg",
        "sendto", "sendmsg", "sendmmsg", "getrandom", "splice", "tee", "vmsplice", "sendfile", "copy_file_range",
        "mq_timedsend", "mq_timedreceive", "request_key", "add_key", "keyctl",
    )
)  # fmt: skip

# asm-generic/mman-common.h
_PROT_WRITE = 0x2
_PROT_EXEC = 0x4
_MAP_FIXED = 0x10
_PROT_GROWSDOWN = 0x0100_0000
# asm/prctl.h
_ARCH_SET_FS = 0x1002

# linux/bpf_common.h and linux/filter.h; offsets are those of struct seccomp_data.
_LD_W_ABS = 0x20
_JMP_JEQ_K = 0x15
_JMP_JGE_K = 0x35
_JMP_JSET_K = 0x45
_JMP_JA = 0x05
_ALU_OR_K = 0x44
_RET_K = 0x06
_RET_A = 0x16
_NR_OFFSET = 0
_ARCH_OFFSET = 4
_IP_LOW_OFFSET = 8
_IP_HIGH_OFFSET = 12
_ARGUMENTS_OFFSET = 16
_ARGUMENT_SIZE = 8
_HIGH_HALF = 4

_instruction = struct.Struct("<HBBI")

Program = list[tuple[int, int, int, int]]


# Who has these looks at what is opened, or at names that are there.
_SEES_NAMES = frozenset((WINDOWS, CHECK, WSL, SUPERVISED))


class Gate(NamedTuple):
    """Where the instructions are by which the gate makes calls, and the numbers of those it may make unseen there.

    `notified`: these are not made, but come to the notify channel.
    """

    start: int
    size: int
    calls: frozenset[int]
    bounded: frozenset[int] = frozenset()
    """Of these, among the numbers of BOUNDED_CALLS, those whose arguments are harmless."""
    maps_code: bool = False
    """And an mmap of code at 4 GiB or above: nothing that it could be exchanged for is missed."""
    maps_itself: int = 0
    """And an mmap below 4 GiB, but not below this, that runs nothing and replaces nothing: the gate's own; 0: none."""
    notified: bool = False


def compile_filter(rows: Iterable[Row], notified: Container[int] = (), gates: Sequence[Gate] = ()) -> bytes:
    """The seccomp filter for `rows` as an array of little-endian `struct sock_filter` (8 bytes each).

    Every number is RET_TRACE with the number as its data, so that nothing runs without being seen and a missing tracer
    fails closed; those in `notified` are RET_USER_NOTIF, which a closed listener fails as well, some of them only with
    some arguments; what waits for a child, or only ends the process, is allowed if it is among them. Numbers of x32,
    negative ones and unknown ones share the data 0xFFFF. A foreign architecture is refused with ENOSYS. Calls of
    `gates` at their addresses, which are below 4 GiB, are allowed. Rows are checked to fit the range that the program
    can express.
    """
    for entry in rows:
        if not 0 <= entry.nr < SYSCALL_LIMIT:
            raise ValueError(f"{entry.name}: system call number {entry.nr} is outside 0..{SYSCALL_LIMIT - 1}")
    program = [
        (_LD_W_ABS, 0, 0, _ARCH_OFFSET),
        (_JMP_JEQ_K, 1, 0, AUDIT_ARCH_X86_64),
        (_RET_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS),
        (_LD_W_ABS, 0, 0, _NR_OFFSET),
        (_JMP_JGE_K, 0, 1, SYSCALL_LIMIT),
        (_RET_K, 0, 0, SECCOMP_RET_TRACE | UNKNOWN_NUMBER),
        *_pass_gates(gates),
        *_notify_some(notified),
        *_decide(_runs(notified), _NOTIFY, _TRACE),
    ]
    return b"".join([_instruction.pack(*instruction) for instruction in program])


def _runs(notified: Container[int]) -> list[tuple[int, bool]]:
    """Where numbers begin that are notified, or not, up to the next such place."""
    runs = [(0, 0 in notified)]
    for nr in range(1, SYSCALL_LIMIT):
        if (nr in notified) != runs[-1][1]:
            runs.append((nr, not runs[-1][1]))
    return runs


# What names a call: how it means its path, as the core is told (core.h, PB_RESOLVES).
_RESOLVES, _RESOLVES_ENTRY, _RESOLVES_FOLLOWING, _RESOLVES_AT_DIRECTORY, _RESOLVES_MAKING = 1, 2, 4, 8, 128
_RESOLVES_PATH_SHIFT, _RESOLVES_FLAGS_SHIFT, _RESOLVES_BIT_SHIFT = 4, 8, 11
_RESOLVES_SECOND_SHIFT = 29
_AT_SYMLINK_NOFOLLOW, _AT_SYMLINK_FOLLOW = 0x100, 0x400
# Their flags are in a structure, or mean something else.
_NOT_RESOLVED = frozenset(("openat2", "inotify_add_watch", "fanotify_mark", "umount2", "open_tree", "fspick"))


def compile_resolvable(rows: Iterable[Row]) -> array[int]:
    """How the core finds out what the paths of each call mean, a word for each number; 0: it leaves that to us."""
    from picobox.abi.types import Flags, OpenFlags

    words = array("I", bytes(4 * SYSCALL_LIMIT))
    for entry in rows:
        makes = entry.name in MAKING_CALLS
        if not makes and (len(entry.paths()) != 1 or not entry.finds() or entry.name in _NOT_RESOLVED):
            continue
        path, second = entry.paths()[0], entry.paths()[-1]
        word = _RESOLVES_MAKING if makes else 0
        if second is not path:
            word |= second.position << _RESOLVES_SECOND_SHIFT
        word |= _RESOLVES | path.position << _RESOLVES_PATH_SHIFT
        word |= (_RESOLVES_ENTRY if path.entry else 0) | (_RESOLVES_FOLLOWING if path.follow else 0)
        word |= _RESOLVES_AT_DIRECTORY if path.dirfd >= 0 else 0
        for position, argument in enumerate(entry.args if not path.entry and second is path else ()):
            bit = 0
            if isinstance(argument, OpenFlags):
                bit = os.O_NOFOLLOW
            elif isinstance(argument, Flags) and argument.vocabulary.startswith("AT"):
                bit = _AT_SYMLINK_NOFOLLOW if path.follow else _AT_SYMLINK_FOLLOW
            if bit:
                word |= position << _RESOLVES_FLAGS_SHIFT | bit << _RESOLVES_BIT_SHIFT
                break
        words[entry.nr] = word
    return words


_NOTIFY = [(_RET_K, 0, 0, SECCOMP_RET_USER_NOTIF)]
_TRACE = [(_ALU_OR_K, 0, 0, SECCOMP_RET_TRACE), (_RET_A, 0, 0, 0)]
_ALLOW = [(_RET_K, 0, 0, SECCOMP_RET_ALLOW)]


def _decide(runs: list[tuple[int, bool]], inside: Program, outside: Program) -> Program:
    """What is done about the number in the accumulator, which lies in one of the runs: a search by halves."""
    if len(runs) == 1:
        return inside if runs[0][1] else outside
    middle = len(runs) // 2
    lower = _decide(runs[:middle], inside, outside)
    upper = _decide(runs[middle:], inside, outside)
    # Jumps of conditions reach 255 instructions, an unconditional one all.
    return [(_JMP_JGE_K, 0, 1, runs[middle][0]), (_JMP_JA, 0, 0, len(lower)), *lower, *upper]


def _pass_gates(gates: Sequence[Gate]) -> Program:
    """Allows calls of gates that they make themselves; whatever else has its number in the accumulator afterwards."""
    if not gates:
        return []
    program: Program = [(_LD_W_ABS, 0, 0, _NR_OFFSET)]
    for gate in reversed(gates):
        decide = _bounds(gate) + _decide(_runs(gate.calls), _NOTIFY if gate.notified else _ALLOW, [_PASSED])
        # Who is not allowed goes on behind all this, once its number is loaded again if it was looked at for more.
        leaves = {_PASSED: 0, _LOOKED_AT: 1}
        inside = [
            (_LD_W_ABS, 0, 0, _NR_OFFSET),
            *(
                (_JMP_JA, 0, 0, len(decide) - place - 1 + len(program) - leaves[instruction])
                if instruction in leaves
                else instruction
                for place, instruction in enumerate(decide)
            ),
        ]
        program = [
            (_JMP_JGE_K, 0, 1, gate.start),
            (_JMP_JGE_K, 0, 1, gate.start + gate.size),
            (_JMP_JA, 0, 0, len(inside)),
            *inside,
            *program,
        ]
    return [
        (_LD_W_ABS, 0, 0, _IP_HIGH_OFFSET),
        (_JMP_JEQ_K, 1, 0, 0),
        (_JMP_JA, 0, 0, len(program)),
        (_LD_W_ABS, 0, 0, _IP_LOW_OFFSET),
        *program,
    ]


_PASSED = (_JMP_JA, 0, 0, 0)
_LOOKED_AT = (_JMP_JA, 1, 1, 0)


def _argument(index: int, half: int = 0) -> tuple[int, int, int, int]:
    return _LD_W_ABS, 0, 0, _ARGUMENTS_OFFSET + _ARGUMENT_SIZE * index + half


# A range that begins at 4 GiB or above.
_IS_HIGH: Program = [_argument(0, _HIGH_HALF), (_JMP_JEQ_K, 1, 0, 0), *_ALLOW, _LOOKED_AT]
_IS_BOUNDED: dict[int, Program] = {
    MMAP: [
        _argument(2),
        (_JMP_JSET_K, 5, 0, _PROT_EXEC),
        _argument(3),
        (_JMP_JSET_K, 0, 2, _MAP_FIXED),
        *_IS_HIGH,
    ],
    _MPROTECT: [_argument(2), (_JMP_JSET_K, 3, 0, _PROT_WRITE | _PROT_GROWSDOWN), *_IS_HIGH],
    _MUNMAP: _IS_HIGH,
    _MADVISE: _IS_HIGH,
    IOCTL: [
        _argument(1),
        *(
            (_JMP_JEQ_K, left, int(not left), request)
            for left, request in zip((3, 2, 1, 0), ASKING_REQUESTS, strict=True)
        ),
        *_ALLOW,
        _LOOKED_AT,
    ],
    _FCNTL: [_argument(1), (_JMP_JGE_K, 0, 2, _F_GETFD), (_JMP_JGE_K, 1, 0, _F_SETFL + 1), *_ALLOW, _LOOKED_AT],
    _ARCH_PRCTL: [_argument(0), (_JMP_JEQ_K, 0, 1, _ARCH_SET_FS), *_ALLOW, _LOOKED_AT],
    _PRLIMIT64: [
        _argument(0),
        (_JMP_JEQ_K, 0, 5, 0),
        _argument(2),
        (_JMP_JEQ_K, 0, 3, 0),
        _argument(2, _HIGH_HALF),
        (_JMP_JEQ_K, 0, 1, 0),
        *_ALLOW,
        _LOOKED_AT,
    ],
}


def _is_ours(lowest: int) -> Program:
    return [
        _argument(2),
        (_JMP_JSET_K, 7, 0, _PROT_EXEC),
        _argument(3),
        (_JMP_JSET_K, 5, 0, _MAP_FIXED),
        _argument(0, _HIGH_HALF),
        (_JMP_JEQ_K, 0, 3, 0),
        _argument(0),
        (_JMP_JGE_K, 0, 1, lowest),
        *_ALLOW,
        _LOOKED_AT,
    ]


def _unless_looking(nr: int, options: int) -> Program:
    return [_argument(options), (_JMP_JSET_K, 1, 0, _WNOHANG), *_ALLOW, (_RET_K, 0, 0, SECCOMP_RET_TRACE | nr)]


# What is done about the calls that are notified for their arguments alone, or that nobody need know of.
_IS_NOTIFIED: dict[int, Program] = {
    _CLONE: [
        _argument(0, _HIGH_HALF),
        (_JMP_JEQ_K, 0, 5, 0),
        _argument(0),
        (_JMP_JSET_K, 3, 0, 0xFFFF_FFFF & ~_PLAIN_FLAGS),
        (_JMP_JSET_K, 0, 1, _CLONE_VM),
        (_JMP_JSET_K, 0, 1, _CLONE_VFORK),
        *_NOTIFY,
        (_RET_K, 0, 0, SECCOMP_RET_TRACE | _CLONE),
    ],
    _WAIT4: _unless_looking(_WAIT4, 2),
    _EXIT_GROUP: _ALLOW,
    _WAITID: [
        _argument(0),
        (_JMP_JEQ_K, 0, 1, _P_PIDFD),
        (_RET_K, 0, 0, SECCOMP_RET_TRACE | _WAITID),
        *_unless_looking(_WAITID, 3),
    ],
}


def _notify_some(notified: Container[int]) -> Program:
    """What becomes of the calls that are notified for their arguments; others leave their number in the accumulator."""
    program: Program = []
    for nr, decide in _IS_NOTIFIED.items():
        if nr in notified:
            program += [(_JMP_JEQ_K, 0, len(decide), nr), *decide]
    return program


def _bounds(gate: Gate) -> Program:
    """Allows calls for their arguments; what it has not looked at has its number in the accumulator afterwards."""
    program: Program = [(_JMP_JEQ_K, 0, len(_IS_HIGH), MMAP), *_IS_HIGH] if gate.maps_code else []
    if gate.maps_itself:
        is_ours = _is_ours(gate.maps_itself)
        program += [(_JMP_JEQ_K, 0, len(is_ours), MMAP), *is_ours]
    for nr in sorted(gate.bounded):
        program += [(_JMP_JEQ_K, 0, len(_IS_BOUNDED[nr]), nr), *_IS_BOUNDED[nr]]
    return program


def compile_dispositions(
    rows: Iterable[Row],
    subscribe: bool = False,
    features: frozenset[str] = frozenset(),
    calls: frozenset[int] | None = None,
    by_arguments: frozenset[str] = frozenset(),
    gate: bool = False,
    recorded: frozenset[int] = frozenset(),
    judged: frozenset[int] = frozenset(),
) -> array[int]:
    """The C core's disposition array: one 32-bit word for each number below SYSCALL_LIMIT.

    Bits 0 to 7 are the action (0 unknown, 1 NATIVE, 2 CALL, 3 ERRNO), bit 8 marks a row with guarded address ranges,
    bit 9 one that waits for children, bit 10 one that a signal can interrupt, bit 11 one that the notify channel may
    answer: by register values alone, without a stop (of a CALL it only tells), bit 12 one whose arguments a rule may
    refuse, bit 15 one that may give the caller descriptors. Bits 16 to 27 hold the error number of a refusal. With
    `subscribe` every row is a CALL and so is every other number, so that Python sees each call; the error number stays
    in its bits. `calls`: subscribe to these numbers only. With `gate` bit 13 marks what the gate may make, bit 14 what
    it may make as fstat if no path is named, bit 28 what it may make once it has decided so (what a run may want to see
    later, as long as it does not), of an open by its flags,
    whose position is in bits 29 and 30, bit 31 what it may make if its arguments are harmless. Calls with the numbers
    `recorded` are stops, as how they end is to be seen, but for those that guests record themselves in the gate; so are
    those of `judged`, of which Python has to see the ones that fail.
    """
    chosen = (frozenset(range(SYSCALL_LIMIT)) if calls is None else calls) if subscribe else frozenset[int]()
    stopping = chosen | recorded
    words = array("I", [ACTION_CALL if nr in chosen else 0 for nr in range(SYSCALL_LIMIT)])
    for entry in rows:
        disposition = entry.disposition(features)
        word = ACTION_CALL if entry.nr in chosen else disposition.action
        if entry.guards:
            word |= DISPOSITION_GUARD
        if entry.name in by_arguments:
            word |= DISPOSITION_ARGUMENTS
        if entry.name in WAITING_CALLS:
            word |= DISPOSITION_REAP
        if gate and entry.name in GATED_STOPPING_CALLS:
            pass
        elif entry.nr not in stopping and _needs_no_stop(entry, disposition.action, features):
            word |= DISPOSITION_NOTIFY
            if gate and entry.harmless and disposition is NATIVE and entry.name not in by_arguments:
                word |= DISPOSITION_GATE
        is_beyond_rules = entry.name in _BEYOND_RULES or entry.name not in by_arguments
        if gate and entry.nr not in stopping and is_beyond_rules:
            if entry.name in BOUNDED_CALLS and _is_bounded(entry, disposition.action, features):
                word |= DISPOSITION_PASSES
            if _is_decided(entry, disposition.action, features) or _may_be_taken(entry, features):
                word |= DISPOSITION_DECIDED | entry.open_flags() << DISPOSITION_OPEN_FLAGS_SHIFT
            elif _is_judged_by_arguments(entry, features):
                word |= DISPOSITION_DECIDED
        elif (
            gate
            and (entry.nr not in chosen or entry.nr in judged)
            and (entry.name not in by_arguments or (entry.name in _BEYOND_RULES and entry.nr in RECORDED_BOUNDED))
            and _is_recorded_by_guests(entry, disposition, features)
        ):
            word |= DISPOSITION_DECIDED
            if word & DISPOSITION_ACTION == ACTION_CALL:
                word |= entry.open_flags() << DISPOSITION_OPEN_FLAGS_SHIFT
        if entry.name in RECEIVING_CALLS:
            word |= DISPOSITION_RECEIVES
        if entry.name in INTERRUPTIBLE_CALLS:
            word |= DISPOSITION_INTERRUPTIBLE
        words[entry.nr] = word | disposition.errno << DISPOSITION_ERRNO_SHIFT
        if (
            entry.name == "newfstatat"
            and words[_FSTAT] & DISPOSITION_GATE
            and not word & (DISPOSITION_GATE | DISPOSITION_DECIDED)
            and entry.nr not in stopping
            and _is_seen_for_its_path(entry, word, features)
        ):
            words[entry.nr] |= DISPOSITION_EMPTY_PATH
    if gate and (recorded or (maps_itself(features) and not subscribe)):
        words[UNUSED_NUMBER] |= DISPOSITION_NOTIFY
    return words


def maps_itself(features: frozenset[str]) -> bool:
    """Whether mappings are seen, and nobody is kept from any: a check that observes. The gate's own are unseen then."""
    return CHECK in features and NAMES not in features


def _is_bounded(entry: Row, action: int, features: frozenset[str]) -> bool:
    """Whether nobody wants to see the call for anything but what its arguments may do to what is ours."""
    if action == ACTION_CALL:
        return (
            entry.do == CALL and not features & (_SEES_NAMES | entry.when.keys()) and SEEN + entry.name not in features
        )
    return action == ACTION_NATIVE and _needs_no_stop(entry, action, features)


def _is_recorded_by_guests(entry: Row, disposition: Disposition, features: frozenset[str]) -> bool:
    """Whether the call means what the kernel takes it for."""
    if entry.nr in RECORDED_BOUNDED:
        return _is_bounded(entry, disposition.action, features)
    if disposition is NATIVE:
        return entry.harmless and _needs_no_stop(entry, disposition.action, features)
    return _is_decided(entry, disposition.action, features)


def _is_decided(entry: Row, action: int, features: frozenset[str]) -> bool:
    """Whether the call means what the kernel takes it for as long as that finds what it names, or makes what may be."""
    if not entry.harmless or action != ACTION_CALL or SEEN + entry.name in features:
        return False
    if CHECK in features and entry.name in _TOLD_TO_CHECKS and not features & {SUPERVISED, WSL}:
        return True
    if features & _SEES_NAMES:
        return False
    if FAKE_ROOT in features and entry.paths():
        return False  # what is found may be another's, and what is made must have its maker's name
    if entry.name in TOLD_CALLS:
        return True
    if entry.name in COPYING_CALLS:
        return not features & entry.when.keys()
    finds = entry.finds() or entry.name in MAKING_CALLS
    return NAMES in features and finds and not (features - {NAMES}) & entry.when.keys()


def _is_judged_by_arguments(entry: Row, features: frozenset[str]) -> bool:
    """Whether a check wants to see a call for what its arguments say, at which guests look first.

    Of an open that it lies on a drive, of a directory that it is made, of a handler of signals that it is one, of a
    lock that its thread has not taken many. What Windows would do about it a check without NAMES only tells.
    """
    others = {SUPERVISED, WSL, NAMES, FAKE_ROOT, SEEN + entry.name} | (entry.when.keys() - {CHECK, WINDOWS})
    return CHECK in features and entry.name in JUDGED and not features & others


def _may_be_taken(entry: Row, features: frozenset[str]) -> bool:
    """Whether nobody wants to see the call but for what a run finds out: guests ask once that is so."""
    begins = features - {LOCKS, READ_BACK}
    return (
        entry.harmless
        and entry.disposition(begins) is NATIVE
        and not {SUPERVISED, SEEN + entry.name} & features
        and entry.name not in STOPPING_CALLS
        and not _needs_no_stop(entry, ACTION_NATIVE, features)
    )


def _is_seen_for_its_path(entry: Row, word: int, features: frozenset[str]) -> bool:
    """Whether nobody but those who look names up wants to see the call."""
    return SEEN + entry.name not in features and not features & entry.when.keys() and not word & DISPOSITION_ARGUMENTS


def _needs_no_stop(entry: Row, action: int, features: frozenset[str]) -> bool:
    if action == ACTION_CALL:
        if SEEN + entry.name in features:
            return False
        is_unseen = UNSEEN in features and entry.name in UNSEEN_CALLS
        return is_unseen or (entry.name in TOLD_CALLS and NAMES not in features)
    if entry.name in STOPPING_CALLS:
        return False
    # What may be taken off the fast path later must be able to stop: the filter stays as it was installed.
    return not (WINDOWS in features and LOCKS in entry.when) and not (CHECK in features and READ_BACK in entry.when)


def compile_guards(rows: Iterable[Row]) -> tuple[array[int], int]:
    """The C core's guards, a word for each number, and the number of mmap.

    A word holds up to two (address, length) pairs of argument indices plus one, a byte each. mmap covers what is
    already mapped only with MAP_FIXED, so the core must know it.
    """
    words = array("I", bytes(4 * SYSCALL_LIMIT))
    mmap_nr = -1
    for entry in rows:
        for place, (address, length) in enumerate(entry.guards):
            words[entry.nr] |= ((address + 1) | (length + 1) << 8) << 16 * place
        if entry.name == "mmap":
            mmap_nr = entry.nr
    return words, mmap_nr
