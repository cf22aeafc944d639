"""Owns Policy, what a guest may reach: pure data, how two of them are laid over each other, and what one decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# What a rule gives of a path and of all below it; each gives what those before it give. HIDE: it is not there.
# LAYER: it can be changed, and the changes are dropped at the end or kept apart.
HIDE, READ, LAYER, WRITE = "hide", "read", "layer", "write"
RIGHTS = (HIDE, READ, LAYER, WRITE)

# NONE: not even loopback is up. LOOPBACK: the guest's own, which is not the host's. HOST: what the host reaches.
NETWORKS = NONE, LOOPBACK, HOST = ("none", "loopback", "host")

# KEPT: the caller's session and controlling terminal. OWN: a session without them.
SESSIONS = OWN, KEPT = ("own", "kept")

KEEP, UNSET, SET = "keep", "unset", "set"

# What is fresh and empty under `private_tmp`, and may be written.
TEMPORARY = (b"/tmp", b"/var/tmp")
# Who says so, of those; they are no part of the host's tree.
PRIVATE = "private-tmp"
# The devices that every program may count on; the rest of /dev is not there. /dev/ptmx stands for terminals of the
# guest's own (devpts), /dev/shm is a private directory in any case.
STANDARD_DEVICES = (
    b"/dev/null", b"/dev/zero", b"/dev/full", b"/dev/random", b"/dev/urandom", b"/dev/tty", b"/dev/ptmx",
)  # fmt: skip
# As the only device: the host's whole /dev.
ALL_DEVICES = (b"/dev",)


class FileRule(NamedTuple):
    """The right to a path and all below it, if no rule for a longer path speaks of it.

    path: absolute, without `.`, `..`, links to follow and a slash at its end. source: for reports, who says so, as
    `default: ssh keys`, `--write`, or `/home/me/picobox.toml: files.hide`. kept: the name of the layer that keeps the
    changes of a LAYER rule; empty: they are dropped at the end. written: the path before its links were followed, if it
    has any: a guest that is given `path` finds it under that name too. What is not there at all has no effect.
    """

    path: bytes
    right: str
    source: str
    kept: str = ""
    written: bytes = b""


class VariableRule(NamedTuple):
    """What becomes of the environment's variables whose names match a pattern (fnmatch).

    The pattern with the most letters of its own counts, of equal ones the last, as with paths. action: KEEP, UNSET, or
    SET, which sets the variable of that name to `value` whether or not it was there.
    """

    pattern: str
    action: str
    source: str
    value: str = ""


class Drive(NamedTuple):
    """A drive under the profiles that have them: its letter, the directory that is its root, who says so."""

    letter: str
    path: bytes
    source: str


class Limits(NamedTuple):
    """The most that a run may take; None: no limit of ours. Memory and sizes in bytes, times in seconds.

    memory: of all processes where a cgroup can count them, else each one's address space (RLIMIT_AS). processes: at a
    time. open_files and file_size: each process's. cpu_time: each process's; wall_time: the run's.
    """

    memory: int | None = None
    processes: int | None = None
    open_files: int | None = None
    file_size: int | None = None
    cpu_time: float | None = None
    wall_time: float | None = None

    @property
    def by_kernel(self) -> bool:
        """Whether any of them is one that only the kernel can keep."""
        return any(most is not None for most in (self.memory, self.open_files, self.file_size, self.cpu_time))


class Policy(NamedTuple):
    """What a guest may reach. Of rules for one path the last counts; what no rule names is hidden.

    name: as the user knows it. devices: host devices that are in the guest's /dev, or ALL_DEVICES. private_tmp:
    TEMPORARY are fresh and empty. sources: for each key as in TOML, `network` or `limits.memory`, who says so; a
    device's is `devices PATH`.
    """

    name: str
    files: tuple[FileRule, ...] = ()
    drives: tuple[Drive, ...] = ()
    network: str = NONE
    environment: tuple[VariableRule, ...] = ()
    limits: Limits = Limits()
    devices: tuple[bytes, ...] = STANDARD_DEVICES
    session: str = OWN
    private_tmp: bool = True
    sources: Mapping[str, str] = {}

    def rules(self) -> dict[bytes, FileRule]:
        """The one rule that counts for each path that has one, the private directories for temporary files too."""
        implied = [FileRule(path, WRITE, PRIVATE) for path in TEMPORARY] if self.private_tmp else []
        return {rule.path: rule for rule in (*implied, *self.files)}

    def decide(self, path: bytes) -> FileRule:
        """The rule for a path, which is absolute and resolved; ValueError if it is not. `decider` is for many paths."""
        return self.decider()(path)

    def decider(self) -> Callable[[bytes], FileRule]:
        """`decide`, with the rules looked through once: a path costs a look for each of its components at most."""
        return decider_of(self.rules())

    def variables(self, environment: Iterable[bytes]) -> tuple[bytes, ...]:
        """The entries of an environment that are left, and those that are set. An entry without `=` is all name."""
        left = []
        speaks_of, rule_for_all = _named_variables(self.environment)
        for entry in environment:
            key = entry.partition(b"=")[0]
            rule = self.variable(key) if speaks_of(key.decode(errors="surrogateescape")) else rule_for_all
            if rule is not None and rule.action == KEEP:
                left.append(entry)
        given = {rule.pattern: rule for rule in self.environment if rule.action == SET}
        for name, rule in given.items():
            if self.variable(name.encode()) is rule:
                left.append(f"{name}={rule.value}".encode(errors="surrogateescape"))
        return tuple(left)

    def variable(self, name: bytes) -> VariableRule | None:
        """The rule for a variable; None: nothing names it, and it is left out."""
        text = name.decode(errors="surrogateescape")
        found, most = None, -1
        for rule in self.environment:
            if rule.pattern == text or (rule.action != SET and matches(text, rule.pattern)):
                letters = len(rule.pattern) if rule.action == SET else sum(each not in "*?[]" for each in rule.pattern)
                if letters >= most:
                    found, most = rule, letters
        return found

    @property
    def confines(self) -> bool:
        """Whether it keeps anything from a guest, but for a limit or a variable."""
        if (self.network, self.devices, self.session, self.private_tmp) != (HOST, ALL_DEVICES, KEPT, False):
            return True
        return self.decide(b"/").right != WRITE or any(rule.right != WRITE for rule in self.rules().values())

    @property
    def refuses(self) -> bool:
        """Whether it keeps anything from a guest, if only more of something than a limit gives."""
        return self.confines or any(most is not None for most in self.limits)


def _named_variables(rules: Iterable[VariableRule]) -> tuple[Callable[[str], bool], VariableRule | None]:
    """What tells whether any rule but that for all names speaks of a name, and that rule: of most no other does."""
    for_all = None
    exact, starts, ends, others = set(), [], [], []
    for rule in rules:
        pattern = rule.pattern
        if pattern == "*" and rule.action != SET:
            for_all = rule
        elif rule.action == SET or is_exact(pattern):
            exact.add(pattern)
        elif is_exact(pattern[1:]) and pattern[0] == "*":
            ends.append(pattern[1:])
        elif is_exact(pattern[:-1]) and pattern[-1] == "*":
            starts.append(pattern[:-1])
        else:
            others.append(pattern)
    first, last = tuple(starts), tuple(ends)

    def speaks_of(name: str) -> bool:
        """Some rule may: which one counts is for Policy.variable."""
        is_plain = name in exact or name.endswith(last) or name.startswith(first)
        return is_plain or name == "*" or any(name == pattern or matches(name, pattern) for pattern in others)

    return speaks_of, for_all


def decider_of(rules: Mapping[bytes, FileRule]) -> Callable[[bytes], FileRule]:
    """What decides by the rules that count for their paths."""

    def decide(path: bytes) -> FileRule:
        for place in upwards(path):
            rule = rules.get(place)
            if rule is not None:
                return rule
        return FileRule(b"/", HIDE, "nothing names it")

    return decide


def upwards(path: bytes) -> Iterator[bytes]:
    """A path and all directories above it; ValueError for one that is relative or not in its simplest form."""
    unsimple = path != b"/" and any(part in (b"", b".", b"..") for part in path[1:].split(b"/"))
    if unsimple or not path.startswith(b"/"):
        raise ValueError(f"{path!r} is no resolved path")
    while path != b"/":
        yield path
        path = path[: path.rindex(b"/")] or b"/"
    yield b"/"


def of_host(rule: FileRule) -> str:
    """The right to the host's file that a rule gives."""
    return HIDE if rule.source == PRIVATE else rule.right


def wider(policy: Policy, base: Policy) -> list[str]:
    """What a policy gives that another does not, each as it would be written in TOML."""
    more = []
    mine, other = policy.decider(), base.decider()
    for path in sorted({*policy.rules(), *base.rules()}):
        right = of_host(mine(path))
        if RIGHTS.index(right) > RIGHTS.index(of_host(other(path))):
            more.append(f"files.{right} {path.decode(errors='surrogateescape')}")
    if NETWORKS.index(policy.network) > NETWORKS.index(base.network):
        more.append(f"network {policy.network}")
    if policy.session == KEPT and base.session == OWN:
        more.append("session kept")
    if base.devices != ALL_DEVICES:
        added = [path for path in policy.devices if path not in base.devices]
        more += [f"devices {path.decode(errors='surrogateescape')}" for path in added]
    for key, value in policy.limits._asdict().items():
        most = getattr(base.limits, key)
        if most is not None and (value is None or value > most):
            more.append(f"limits.{key.replace('_', '-')} {'none' if value is None else value}")
    for rule in policy.environment:
        known = rule in base.environment or (
            is_exact(rule.pattern) and _keeps(base, rule.pattern) and rule.action == KEEP
        )
        if rule.action != UNSET and not known:
            more.append(f"environment.{rule.action} {rule.pattern}")
    return more


def matches(name: str, pattern: str) -> bool:
    """As fnmatch has it, with letters as they are. Most patterns have only stars, and need no regular expression."""
    if "?" in pattern or "[" in pattern:
        from fnmatch import fnmatchcase

        return fnmatchcase(name, pattern)
    first, star, rest = pattern.partition("*")
    if not star:
        return name == pattern
    if not name.startswith(first) or "*" not in rest:
        return name.startswith(first) and name.endswith(rest) and len(name) >= len(first) + len(rest)
    middle = rest.split("*")
    last = middle.pop()
    end = len(name) - len(last)
    if not name.endswith(last):
        return False
    place = len(first)
    for part in middle:
        found = name.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return place <= end


def is_exact(pattern: str) -> bool:
    """Whether it is a name, and no pattern."""
    return not any(each in "*?[" for each in pattern)


def _keeps(policy: Policy, name: str) -> bool:
    rule = policy.variable(name.encode(errors="surrogateescape"))
    return rule is not None and rule.action == KEEP
