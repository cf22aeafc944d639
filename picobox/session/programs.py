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
    from picobox.session.messages import Request
    from picobox.session.registry import Instance
    from picobox.session.users import User, Users

_MOUNT_POINT = "/mnt/"
_WINDOWS_PATH = re.compile(r"([A-Za-z]):[\\/](.*)", re.DOTALL)


def drives_of(instance: Instance) -> dict[str, str]:
    """Directories of the host by where an instance has them, if its flags say that it has any."""
    if not instance.flags & DRIVE_MOUNTING:
        return {}
    pairs = (entry.partition("=") for entry in instance.drives)
    return {_MOUNT_POINT + letter.lower(): path for letter, _, path in pairs}


def inside(instance: Instance, path: str) -> str:
    """A directory of the host as the instance has it; empty if it is on none of its drives."""
    for point, drive in drives_of(instance).items():
        root = drive.rstrip("/")
        if path == drive or path.startswith(root + "/"):
            return (point + path[len(root) :]).rstrip("/")
    return ""


def working_directory(instance: Instance) -> str:
    """This process's, as the instance has it; empty if it has not."""
    try:
        return inside(instance, os.getcwd())
    except OSError:
        return ""


def on_drive(instance: Instance, path: str) -> str | None:
    """The directory that Windows calls so, as the instance has it; None if it has no such drive or directory."""
    parts = _WINDOWS_PATH.fullmatch(path)
    point = _MOUNT_POINT + parts[1].lower() if parts is not None else ""
    drive = drives_of(instance).get(point)
    if parts is None or drive is None:
        return None
    below = parts[2].replace("\\", "/").strip("/")
    return f"{point}/{below}".rstrip("/") if os.path.isdir(os.path.join(drive, below)) else None


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
        raise SessionError(
            ErrorCode.WSL_E_USER_NOT_FOUND,
            f"{name}: the instance has no such user. Its /etc/passwd and /etc/wsl.conf tell.",
        )
    return user


def spawn_request(
    request: Request, instance: Instance, user: User, fds: tuple[int, ...], *, enters_root: bool
) -> SpawnRequest:
    """What the core is to start. `enters_root`: not in the directory that was asked for, which is not there."""
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
        cwd=b"/" if enters_root else os.fsencode(_directory(request, user)),
        fds=fds,
        terminal=next((place for place, fd in enumerate(fds) if os.isatty(fd)), None),
    )


def _directory(request: Request, user: User) -> str:
    asked = request.directory or "~"
    if asked == "~" or asked.startswith("~/"):
        asked = user.home + asked[1:]
    return os.path.join("/", asked)


def _environment(request: Request, instance: Instance, user: User) -> tuple[bytes, ...]:
    """As WSL makes it (facts wsl1.md 5.4): the instance's, what the user is, what the client adds."""
    own = [f"HOME={user.home}", f"USER={user.name}", f"LOGNAME={user.name}", f"SHELL={user.shell}"]
    added = [*own, f"WSL_DISTRO_NAME={instance.name}", *request.environment, "PICOBOX=1"]
    return changed_environment(map(os.fsencode, instance.environment), [os.fsencode(entry) for entry in added])
