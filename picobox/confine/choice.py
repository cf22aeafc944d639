"""Chooses the policy of a run: what the command line names, else the project's and the user's files, else the usual."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.confine.named import DEFAULT, NAMES, STRICT, named, working_directory_note
from picobox.confine.policy import WRITE, Policy, of_host, wider
from picobox.errors import PicoboxError
from picobox.findings.settings import nearest_settings, settings_of, user_file

if TYPE_CHECKING:
    from picobox.confine.additions import Additions
    from picobox.confine.place import Place
    from picobox.confine.state import State
    from picobox.findings.settings import Settings


class Chosen(NamedTuple):
    """The policy of a run, and what its user should know of it, each one line."""

    policy: Policy
    notes: tuple[str, ...] = ()


class _Said(NamedTuple):
    """What a file says of a policy: the table as it stands there, and read."""

    file: str
    table: dict[str, Any]
    additions: Additions


def choose(wanted: str | None, usual: str, place: Place, flags: Additions | None = None) -> Chosen:
    """The policy that `wanted` names, a name or a file; None: that of the project or the user, else the one of `usual`.

    `flags` is laid over it. PicoboxError for what cannot be read, holds a mistake, or is not trusted.
    """
    notes: list[str] = []
    policy = _of_files(usual, place, notes) if wanted is None else wanted_policy(wanted, place)
    if flags is not None:
        from picobox.confine.additions import laid_over

        policy = laid_over(policy, flags, policy.name)
    here = os.fsencode(place.directory)
    if any(rule.source == DEFAULT for rule in policy.files) and of_host(policy.decide(here)) != WRITE:
        notes += filter(None, (working_directory_note(place),))
    return Chosen(policy, tuple(notes))


def wanted_policy(wanted: str, place: Place) -> Policy:
    """The policy of that name, or that a file holds; who names a file trusts it."""
    if wanted in NAMES:
        return named(wanted, place)
    file = os.path.abspath(wanted)
    if not os.path.exists(file):
        raise PicoboxError(_no_policy(wanted))
    settings = settings_of(file)
    if settings is None:
        raise PicoboxError(
            f"{wanted}: there is no [tool.picobox] in it. Add [tool.picobox.policy], or name another file."
        )
    from picobox.confine.additions import laid_over
    from picobox.confine.settings import additions_of, whole_table

    table = whole_table(settings)
    additions = additions_of(settings, table, place)
    return laid_over(named(additions.extends or DEFAULT, place), additions, wanted)


def _no_policy(wanted: str) -> str:
    """That there is no such policy: a word without a dot or a slash was meant to be a name."""
    if "/" in wanted or "." in wanted:
        return f"{wanted}: there is no such file. Name a policy's file, or one of {', '.join(NAMES)}."
    from picobox.findings.reading import nearest

    return f"there is no policy {wanted!r}, {nearest(wanted, NAMES)}. A file is named with its path, as ./{wanted}."


def _of_files(usual: str, place: Place, notes: list[str]) -> Policy:
    """What the user's file says, and over it what the project's says, if that is trusted or gives no more."""
    user = user_file()
    own = _said(settings_of(user), place) if os.path.exists(user) else None
    project = _said(nearest_settings(place.directory, notes), place)
    base = named(usual, place)
    if own is None and project is None:
        return base
    from picobox.confine.additions import laid_over

    if own is not None:
        base = laid_over(named(own.additions.extends or DEFAULT, place), own.additions, own.file)
    if project is None:
        return base
    if project.additions.extends is not None or own is None:
        base = named(project.additions.extends or DEFAULT, place)
    policy = laid_over(base, project.additions, project.file)
    more = wider(policy, named(DEFAULT, place) if own is None else base)
    if project.additions.extends == STRICT:
        # What it keeps is less than the default, though written in other patterns.
        more = [each for each in more if each not in wider(named(STRICT, place), named(DEFAULT, place))]
    if more and not _state(place).trusts(project.file, digest_of(project.table)):
        raise PicoboxError(_distrusted(project.file, more))
    return policy


def _said(settings: Settings | None, place: Place) -> _Said | None:
    if settings is None:
        return None
    from picobox.confine.settings import additions_of, policy_table

    table = policy_table(settings)
    return None if table is None else _Said(settings.file, table, additions_of(settings, table, place))


def trust(file: str | None, place: Place) -> str:
    """Trusts the policy of a file as it is now, or of the project's; gives its path. PicoboxError if there is none."""
    settings = nearest_settings(place.directory, []) if file is None else settings_of(os.path.abspath(file))
    said = _said(settings, place)
    if said is None:
        raise PicoboxError(f"{file or place.directory}: there is no policy to trust. Name a file with [policy] in it.")
    _state(place).trust(said.file, digest_of(said.table))
    return said.file


def _state(place: Place) -> State:
    from picobox.confine.state import State

    return State(place.environment)


def digest_of(table: dict[str, Any]) -> str:
    """What tells a policy's table from every other."""
    from hashlib import sha256
    from json import dumps

    return sha256(dumps(table, sort_keys=True, default=str).encode()).hexdigest()


def _distrusted(file: str, more: list[str]) -> str:
    shown = ", ".join(more[:3]) + (f" and {len(more) - 3} more" if len(more) > 3 else "")
    return (
        f"{file}: its policy gives more than a project's may by itself: {shown}. "
        f"If you trust it: `picobox policy trust {file}`, or --policy {file} for one run."
    )
