"""The options that say what a program may reach, and the policy that they make together with files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from picobox.cli.options import Option, preset
from picobox.confine.policy import NETWORKS

if TYPE_CHECKING:
    from types import SimpleNamespace

    from picobox.confine.place import Place
    from picobox.confine.policy import Policy

OPEN = "open"
NO_NAMESPACES = "no-namespaces"
WALLS = ("auto", NO_NAMESPACES)
_PRIVATE_TMP = (
    "the program has a /tmp and a /var/tmp of its own: empty when it starts, gone when it ends. "
    "--write /tmp gives it this machine's. This is said once."
)
_NO_WALLS = (
    "the program runs without walls here and can do whatever you can; `picobox -- CMD` has them. This is said once."
)
# What `picobox -- CMD` runs under where nobody names a policy.
RUN_POLICY = "default"
# Their attributes: each that is not empty says something.
_FLAGS = (
    "read", "write", "hide", "layer", "network", "limit", "keep_env", "unset_env", "device", "new_session",
)  # fmt: skip


def policy_options() -> tuple[Option, ...]:
    """What the program may reach."""
    return (
        Option(
            "--policy",
            metavar="NAME|FILE",
            default=preset("POLICY"),
            help="what the program may reach: strict, default, open, or as FILE says; `picobox policy show` tells all",
        ),
        _many("--read", "PATH", "PATH and all below it may be read"),
        _many("--write", "PATH", "PATH and all below it may be changed"),
        _many("--hide", "PATH", "PATH is not there"),
        _many("--layer", "PATH", "PATH may be changed in a layer that is dropped at the end"),
        Option("--network", choices=NETWORKS, help="none, a loopback of its own, or what this machine reaches"),
        _many(
            "--limit",
            "KEY=VALUE",
            "memory=2G, processes=100, open-files, file-size, cpu-time=10m, wall-time; none for no limit",
        ),
        Option(
            "--keep-env", metavar="NAME", action="append", default=[], help="leave a variable, or those of a pattern"
        ),
        Option(
            "--unset-env",
            metavar="NAME",
            action="append",
            default=[],
            help="take a variable away, or those of a pattern",
        ),
        Option("--device", metavar="PATH", action="append", default=[], help="a device such as /dev/kvm is there"),
        Option(
            "--walls",
            choices=WALLS,
            default=WALLS[0],
            help="what keeps the program in: namespaces where this machine gives them, or Landlock and the supervisor",
        ),
        Option(
            "--nt-files",
            action="store_true",
            default=preset("NT_FILES") == "1",
            help="the program finds the namespace of NT objects as files in /nt, to be read",
        ),
        Option("--new-session", action="store_true", help="without your terminal and its job control"),
    )


def _many(name: str, metavar: str, meaning: str) -> Option:
    return Option(name, metavar=metavar, action="append", default=[], help=meaning)


def chosen_policy(options: SimpleNamespace, usual: str, *, of_files: bool) -> Policy | None:
    """The policy of a run, its notes told; None if it is open, and nobody says otherwise.

    `of_files`: settings may name it where the command line does not. PicoboxError for what cannot be used.
    """
    flagged = any(getattr(options, name) for name in _FLAGS)
    nobody_says = usual == OPEN and not of_files and options.policy is None
    if not flagged and (options.policy == OPEN or nobody_says):
        return None
    from picobox.confine.choice import choose
    from picobox.confine.place import Place

    place = Place.here(options.workdir)
    wanted = options.policy if options.policy is not None or of_files else usual
    said = None
    gone: tuple[str, ...] = ()
    if flagged:
        from picobox.confine.flags import flags_of, notes_of

        said = flags_of(options, place)
        gone = notes_of(said)
    policy, notes = choose(wanted, usual, place, said)
    _add_drives(options, policy)
    if not options.quiet:
        _tell((*gone, *notes, *(() if options.walls == NO_NAMESPACES else _hint(policy, place))))
    return policy


def _tell(notes: tuple[str, ...]) -> None:
    if notes:
        from picobox.findings.visible import visible

        sys.stderr.writelines(f"picobox: note: {visible(note)}\n" for note in notes)


def tell_no_walls(options: SimpleNamespace) -> None:
    """Said once to each user, on a terminal: who looks at a program does not hold it in (design section 8)."""
    if options.quiet or not sys.stderr.isatty():
        return
    import os

    from picobox.confine.state import State

    if State(os.environ).first_time("no-walls"):
        sys.stderr.write(f"picobox: note: {_NO_WALLS}\n")


def _hint(policy: Policy, place: Place) -> tuple[str, ...]:
    """Said once to each user, in the first run whose /tmp is not the machine's because nobody has asked for that."""
    from picobox.confine.named import DEFAULT
    from picobox.confine.state import State

    usual = policy.private_tmp and policy.sources.get("private-tmp") == DEFAULT
    return (_PRIVATE_TMP,) if usual and State(place.environment).first_time("private-tmp") else ()


def _add_drives(options: SimpleNamespace, policy: Policy) -> None:
    """The policy's drives, but for letters that the command line gives, under a profile that has drives."""
    from picobox.profile import profile_of

    given = {each[:1].upper() for each in options.drive}
    if profile_of(options.profile).translates:
        drives = [drive for drive in policy.drives if drive.letter not in given]
        options.drive += [f"{drive.letter}={drive.path.decode(errors='surrogateescape')}" for drive in drives]
