"""Owns what a request of a client becomes in an instance: words, environment, directory, files to try."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from picobox.cli.launch import candidates, changed_environment, variable
from picobox.errors import SpawnError
from picobox.platform.base import SpawnRequest
from picobox.session.errors import ErrorCode, SessionError
from picobox.session.messages import ShellType
from picobox.session.registry import DRIVE_MOUNTING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from picobox.session.messages import Request
    from picobox.session.registry import Instance
    from picobox.session.users import User, Users
    from picobox.session.wsl_conf import Settings

_WINDOWS_PATH = re.compile(r"([A-Za-z]):[\\/](.*)", re.DOTALL)


def drives_of(instance: Instance, settings: Settings) -> dict[str, str]:
    """Directories of the host by where an instance has them, if its flags and its wsl.conf say that it has any."""
    if not instance.flags & DRIVE_MOUNTING or not settings.mounts_drives:
        return {}
    return {settings.root + letter.lower(): path for letter, path in _letters(instance)}


def inside(drives: Mapping[str, str], path: str) -> str:
    """A directory of the host as an instance with those drives has it; empty if it is on none of them."""
    for point, drive in drives.items():
        root = drive.rstrip("/")
        if path and (path == drive or path.startswith(root + "/")):
            return (point + path[len(root) :]).rstrip("/")
    return ""


def working_directory() -> str:
    """This process's; empty if it is no more."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def on_drive(instance: Instance, path: str) -> str | None:
    """The directory of the host that Windows calls so; None if the instance has no such drive or directory."""
    parts = _WINDOWS_PATH.fullmatch(path)
    drive = dict(_letters(instance)).get(parts[1].lower()) if parts is not None else None
    if parts is None or drive is None or not instance.flags & DRIVE_MOUNTING:
        return None
    found = os.path.join(drive, parts[2].replace("\\", "/").strip("/")).rstrip("/") or "/"
    return found if os.path.isdir(found) else None


def _letters(instance: Instance) -> Iterator[tuple[str, str]]:
    for entry in instance.drives:
        letter, _, path = entry.partition("=")
        yield letter.lower(), path


def client_environment() -> tuple[str, ...]:
    """What a client brings: its terminal's kind, and what WSLENV names (a name may have flags after a slash)."""
    names = ["TERM", *(entry.partition("/")[0] for entry in os.environ.get("WSLENV", "").split(":"))]
    return tuple(f"{name}={os.environ[name]}" for name in names if name and name in os.environ)


def wanted_user(request: Request, users: Users, default_uid: int) -> User:
    """Who a program is: who was asked for, the default of wsl.conf, the instance's. SessionError if it is not there."""
    name = request.user or users.default()
    if not name:
        return users.of(default_uid)
    user = users.named(name)
    if user is None:
        remedy = "Its /etc/passwd tells." if request.user else "Its /etc/wsl.conf names it; -u root runs as root."
        raise SessionError(ErrorCode.WSL_E_USER_NOT_FOUND, f"{name}: the instance has no such user. {remedy}")
    return user


def spawn_request(
    request: Request,
    instance: Instance,
    user: User,
    drives: Mapping[str, str],
    fds: tuple[int, ...],
    *,
    enters_root: bool,
) -> SpawnRequest:
    """What the core is to start. `drives`: see `drives_of`. `enters_root`: the directory is not there."""
    environment = _environment(request, instance, user)
    shell = user.shell
    argv: tuple[str, ...]
    if request.command and request.shell_type is ShellType.NONE:
        argv, program = request.command, request.command[0]
    else:
        # A shell whose name begins so is a login shell.
        name = "-" + os.path.basename(shell) if request.shell_type is ShellType.LOGIN else shell
        argv, program = (name, *(("-c", " ".join(request.command)) if request.command else ())), shell
    if not program:
        raise SpawnError("the command has no name. Write it after --.", 127)
    paths = candidates(os.fsencode(program), variable(environment, b"PATH"))
    return SpawnRequest(
        argv=tuple(map(os.fsencode, argv)),
        environment=environment,
        paths=paths,
        cwd=b"/" if enters_root else os.fsencode(_directory(request, user, drives)),
        fds=fds,
        terminal=next((place for place, fd in enumerate(fds) if os.isatty(fd)), None),
    )


def _directory(request: Request, user: User, drives: Mapping[str, str]) -> str:
    asked = request.directory or inside(drives, request.host_directory) or "~"
    if asked == "~" or asked.startswith("~/"):
        asked = user.home + asked[1:]
    return os.path.join("/", asked)


def _environment(request: Request, instance: Instance, user: User) -> tuple[bytes, ...]:
    """As WSL makes it (facts wsl1.md 5.4): the instance's, what the user is, what the client adds."""
    own = [f"HOME={user.home}", f"USER={user.name}", f"LOGNAME={user.name}", f"SHELL={user.shell}"]
    added = [*own, f"WSL_DISTRO_NAME={instance.name}", *request.environment, "PICOBOX=1"]
    return changed_environment(map(os.fsencode, instance.environment), [os.fsencode(entry) for entry in added])
