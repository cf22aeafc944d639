"""Owns the policies that have a name: what each gives at a place, rule by rule, with who says so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from picobox.confine.place import is_below
from picobox.confine.policy import (
    ALL_DEVICES,
    HIDE,
    HOST,
    KEEP,
    KEPT,
    LAYER,
    LOOPBACK,
    NONE,
    OWN,
    READ,
    STANDARD_DEVICES,
    TEMPORARY,
    UNSET,
    WRITE,
    FileRule,
    Limits,
    Policy,
    VariableRule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picobox.confine.place import Place, Spot

STRICT, DEFAULT, OPEN = "strict", "default", "open"
# What a policy can be made upon besides: it gives no file of the host's.
NOTHING = "nothing"
NAMES = (STRICT, DEFAULT, OPEN)
BASES = (*NAMES, NOTHING)

# Programs and what they need to start (hier(7)); NixOS and Guix keep all of theirs elsewhere.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu")
# Sockets of services of the host lie in /run: whoever reaches one has the service act for him, outside. What programs
# read there: the resolver's file, which /etc/resolv.conf leads to, and NixOS's current system.
_SERVICES = ("/run",)
_READ_IN_RUN = (
    "/run/systemd/resolve/resolv.conf", "/run/systemd/resolve/stub-resolv.conf", "/run/resolvconf/resolv.conf",
    "/run/NetworkManager/resolv.conf",
    "/run/current-system", "/run/booted-system", "/run/opengl-driver", "/run/wrappers",
)  # fmt: skip
# What starts by itself, or at the next login, outside: it may be read only, even if the working directory is the home.
_STARTED_LATER = (
    "~/.bashrc", "~/.bash_profile", "~/.bash_login", "~/.bash_logout", "~/.bash_aliases", "~/.profile", "~/.zshrc",
    "~/.zshenv", "~/.zprofile", "~/.zlogin", "~/.zlogout", "~/.config/fish", "~/.inputrc", "~/.xprofile",
    "~/.xsessionrc", "~/.xinitrc", "~/.pam_environment", "~/.config/autostart", "~/.config/systemd",
    "~/.config/environment.d",
    "~/.config/plasma-workspace", "~/.local/bin", "~/bin", "~/.gitconfig", "~/.config/git", "~/.vimrc", "~/.vim",
    "~/.config/nvim", "~/.emacs", "~/.emacs.d", "~/.tmux.conf", "~/.local/share/applications", "~/.config/picobox",
)  # fmt: skip
_OWN_STATE = "~/.local/state/picobox"
# Never made writable because somebody stands there.
_NO_WORKING_DIRECTORIES = (
    "/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/sbin", "/srv", "/usr", "/usr/bin",
    "/usr/lib", "/usr/local", "/var", "/var/lib",
)  # fmt: skip
_NEVER_BELOW = ("/proc", "/sys", "/dev", "/run")

_LIMITS_OF_STRICT = Limits(
    memory=4 << 30, processes=256, open_files=1024, file_size=1 << 30, cpu_time=600.0, wall_time=3600.0
)
# Enough for a build on a large machine, and little for a fork bomb.
_LIMITS_OF_DEFAULT = Limits(processes=4096)
_VARIABLES_OF_STRICT = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TERM", "COLORTERM", "NO_COLOR", "COLUMNS",
    "LINES", "TZ",
)  # fmt: skip


def named(name: str, place: Place) -> Policy:
    """The policy of that name, one of BASES, at a place."""
    policy = _MAKERS[name](place)
    keys = ("network", "session", "private-tmp", *(f"limits.{key.replace('_', '-')}" for key in Limits._fields))
    sources = {**dict.fromkeys(keys, name), **{f"devices {os.fsdecode(path)}": name for path in policy.devices}}
    return policy._replace(sources=sources)


def file_rule(spot: Spot, right: str, source: str, kept: str = "") -> FileRule:
    """The rule for a spot."""
    path, written = spot
    return FileRule(os.fsencode(path), right, source, kept, b"" if written == path else os.fsencode(written))


def working_directory_note(place: Place) -> str | None:
    """Why the working directory is not made writable, with what to do; None if it is."""
    directory = place.directory
    if directory.encode(errors="surrogateescape") in TEMPORARY:
        return (
            f"{directory} is private: the program finds it empty. Run in a directory below, or add --write {directory}."
        )
    if not _can_be_written(place):
        return (
            f"{directory} is not made writable, since it holds more than a project. Add --write DIR for what is needed."
        )
    return None


def _can_be_written(place: Place) -> bool:
    """Whether the working directory is one that holds somebody's work."""
    directory = place.directory
    if directory in _NO_WORKING_DIRECTORIES or any(is_below(directory, each) for each in _NEVER_BELOW):
        return False
    above_home = any(home != directory and is_below(home, directory) for home in place.homes)
    return directory != "/" and not above_home and os.fsencode(directory) not in TEMPORARY


def _open(_place: Place) -> Policy:
    return Policy(
        OPEN,
        (FileRule(b"/", WRITE, OPEN),),
        network=HOST,
        environment=(VariableRule("*", KEEP, OPEN),),
        devices=ALL_DEVICES,
        session=KEPT,
        private_tmp=False,
    )


def _nothing(_place: Place) -> Policy:
    return Policy(NOTHING, devices=STANDARD_DEVICES, private_tmp=False)


def _default(place: Place) -> Policy:
    rules = [FileRule(b"/", READ, DEFAULT)]
    say = _Sayer(DEFAULT, place)
    rules += say.all(_SERVICES, HIDE, "sockets of services")
    rules += say.all(_READ_IN_RUN, READ, "sockets of services")
    rules += say.all(place.homes_of_others, HIDE, "other users' homes")
    rules += say.resolved(place.homes, READ, "home")
    rules += _layers(say)
    rules += say.all(_STARTED_LATER, READ, "what starts later")
    rules += _secrets(say)
    rules += say.all((_OWN_STATE,), HIDE, "picobox's own state")
    if _can_be_written(place):
        rules += say.resolved((place.directory,), WRITE, "working directory")
    return Policy(
        DEFAULT,
        tuple(rules),
        network=LOOPBACK,
        environment=tuple(_variables(place)),
        limits=_LIMITS_OF_DEFAULT,
        devices=STANDARD_DEVICES,
        session=KEPT,
    )


def _strict(place: Place) -> Policy:
    say = _Sayer(STRICT, place)
    rules = say.all(_SYSTEM, READ, "system")
    if _can_be_written(place) and place.directory not in place.homes:
        rules += say.resolved((place.directory,), READ, "working directory")
    rules += say.resolved(place.homes, HIDE, "home")
    rules += _secrets(say)
    return Policy(
        STRICT,
        tuple(rules),
        network=NONE,
        environment=tuple(VariableRule(pattern, KEEP, STRICT) for pattern in _VARIABLES_OF_STRICT),
        limits=_LIMITS_OF_STRICT,
        session=OWN,
    )


_MAKERS = {STRICT: _strict, DEFAULT: _default, OPEN: _open, NOTHING: _nothing}


class _Sayer:
    """Makes the rules of one policy at one place."""

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place

    def all(self, patterns: Iterable[str], right: str, why: str) -> list[FileRule]:
        source = f"{self.name}: {why}"
        expand, encoded = self.place.expand, os.fsencode
        # As file_rule makes them: there are hundreds, in every run.
        return [
            FileRule(encoded(path), right, source, "", b"" if written == path else encoded(written))
            for pattern in patterns
            for path, written in expand(pattern)
        ]

    def resolved(self, paths: Iterable[str], right: str, why: str) -> list[FileRule]:
        """Rules for paths that are no patterns and have no links."""
        return [FileRule(os.fsencode(path), right, f"{self.name}: {why}") for path in paths]

    def told(self, variables: Iterable[str], right: str, why: str) -> list[FileRule]:
        """Rules for what variables of the environment name, each a path or some with colons between."""
        values = [self.place.environment.get(variable, "") for variable in variables]
        paths = [path for value in values for path in value.split(":") if os.path.isabs(path) and "$" not in path]
        # A variable that names the whole tree, or a whole home, hides nothing.
        whole = ("/", *self.place.homes)
        spots = [
            spot
            for path in paths
            for spot in self.place.expand("/" + os.path.normpath(path).lstrip("/"))
            if spot[0] not in whole
        ]
        return [file_rule(spot, right, f"{self.name}: {why}") for spot in spots]


def _layers(say: _Sayer) -> list[FileRule]:
    from picobox.confine.caches import CACHE_VARIABLES, CACHES

    return say.all(CACHES, LAYER, "caches") + say.told(CACHE_VARIABLES, LAYER, "caches")


def _secrets(say: _Sayer) -> list[FileRule]:
    from picobox.confine.secrets import SECRETS

    rules = []
    for secret in SECRETS:
        rules += say.all(secret.paths.split(), HIDE, secret.what)
        rules += say.told(secret.variables.split(), HIDE, secret.what)
    return rules


def _variables(place: Place) -> Iterator[VariableRule]:
    from picobox.confine.secrets import AGENTS, VARIABLES

    yield VariableRule("*", KEEP, DEFAULT)
    for pattern in VARIABLES.split():
        yield VariableRule(pattern, UNSET, f"{DEFAULT}: secrets in variables")
    for pattern in AGENTS.split():
        yield VariableRule(pattern, UNSET, f"{DEFAULT}: sockets of services")
    for name in ("TMPDIR", "TMP", "TEMP", "TEMPDIR"):
        value = place.environment.get(name, "")
        if not any(is_below(os.path.normpath(value), os.fsdecode(path)) for path in TEMPORARY):
            yield VariableRule(name, UNSET, f"{DEFAULT}: private-tmp")
