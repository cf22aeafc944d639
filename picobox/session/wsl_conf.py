"""Owns what an instance's /etc/wsl.conf asks for, and what of that is honoured here (facts wsl1.md 5.6).

Guests write it, so nothing in it is trusted: what makes no sense is told, and counts as not written.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from picobox.findings.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = b"/etc/wsl.conf"
_SECTION = re.compile(r"\[\s*(\w+)\s*\]")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?")
# Where the instance has something of the kernel's or of ours.
_TAKEN = ("proc", "sys", "dev")
_MOST_SHOWN = 40
_NOT_MOUNTED = "drives are mounted without options but uid and gid"


class Settings(NamedTuple):
    """What is honoured. warnings: a sentence for each line that is not, fit to be shown."""

    mounts_drives: bool = True
    root: str = "/mnt/"
    drive_uid: int | None = None
    drive_gid: int | None = None
    umask: int = 0o022
    generates_hosts: bool = True
    generates_resolver: bool = True
    host_name: str = ""
    user: str = ""
    boot_command: str = ""
    warnings: tuple[str, ...] = ()


class _Refused(ValueError):
    """A value that counts as not written, and why."""


def read(text: str) -> Settings:
    """Reads the text of a wsl.conf."""
    fields: dict[str, Any] = {}
    warnings: list[str] = []
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip()
        if not words or words[0] in "#;":
            continue
        found = _SECTION.fullmatch(words)
        try:
            if found is not None:
                section = found[1].lower()
            else:
                fields |= _entry(section, words)
        except _Refused as why:
            warnings.append(f"/etc/wsl.conf, line {number}: {visible(words[:_MOST_SHOWN])}: {why}.")
    return Settings(**fields, warnings=tuple(warnings))


def _entry(section: str, line: str) -> dict[str, Any]:
    """The fields that a line sets. _Refused if it has no effect, and somebody may count on one."""
    key, equals, value = line.partition("=")
    if not equals:
        raise _Refused("neither a section nor NAME = VALUE")
    name = f"{section}.{key.strip().lower()}"
    value = _unquoted(value.strip())
    if name in _HONOURED:
        field, meaning = _HONOURED[name]
        return {field: meaning(value)}
    if name == "automount.options":
        return _options(value)
    if name in _WITHOUT:
        why, wish = _WITHOUT[name]
        if wish is None or _truth(value) == wish:
            raise _Refused(why)
        return {}
    raise _Refused("there is no such setting")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _truth(value: str) -> bool:
    if value.lower() not in ("true", "false", "1", "0"):
        raise _Refused("neither true nor false")
    return value.lower() in ("true", "1")


def _root(value: str) -> str:
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if not value.startswith("/") or ".." in parts or "\0" in value:
        raise _Refused("no absolute path without `..`")
    if parts[:1] and parts[0] in _TAKEN:
        raise _Refused(f"/{parts[0]} is the instance's own")
    return "/" + "".join(part + "/" for part in parts)


def _options(value: str) -> dict[str, int]:
    """Owner and group of what is on drives; others of DrvFs's options have no effect (facts wsl1.md 4.4)."""
    fields: dict[str, int] = {}
    for option in filter(None, value.split(",")):
        key, _, number = option.strip().partition("=")
        if key not in ("uid", "gid") or not re.fullmatch(r"[0-9]{1,9}", number):
            raise _Refused(f"{visible(option)}: {_NOT_MOUNTED}")
        fields["drive_" + key] = int(number)
    return fields


def _umask(value: str) -> int:
    if not re.fullmatch(r"0?[0-7]{1,3}", value):
        raise _Refused("no octal number up to 0777")
    return int(value, 8)


def _host_name(value: str) -> str:
    if not _HOST_NAME.fullmatch(value):
        raise _Refused("no host name: up to 64 letters, digits, dots and dashes")
    return value


def _command(value: str) -> str:
    if "\0" in value:
        raise _Refused("no command")
    return value


_HONOURED: dict[str, tuple[str, Callable[[str], object]]] = {
    "automount.enabled": ("mounts_drives", _truth),
    "automount.root": ("root", _root),
    "filesystem.umask": ("umask", _umask),
    "network.generatehosts": ("generates_hosts", _truth),
    "network.generateresolvconf": ("generates_resolver", _truth),
    "network.hostname": ("host_name", _host_name),
    "user.default": ("user", _command),
    "boot.command": ("boot_command", _command),
}
_NO_PROGRAMS = "programs of Windows do not run in an instance"
# Why a setting has no effect, and the value of those who would miss it; None: any.
_WITHOUT: dict[str, tuple[str, bool | None]] = {
    "automount.mountfstab": ("/etc/fstab is not mounted", True),
    "automount.ldconfig": ("there are no libraries of the host to be found", True),
    "automount.cgroups": ("there are no cgroups in an instance", None),
    "interop.enabled": (_NO_PROGRAMS, True),
    "interop.appendwindowspath": (_NO_PROGRAMS, True),
    "time.usewindowstimezone": ("the time zone is what /etc/localtime says", True),
    "fileserver.enabled": ("there is no file server: the tree is a directory of the host", True),
    "fileserver.logfile": ("there is no file server", None),
    "fileserver.loglevel": ("there is no file server", None),
    "fileserver.logtruncate": ("there is no file server", None),
    "gpu.enabled": ("there is no GPU in an instance", True),
    "gpu.appendlibpath": ("there is no GPU in an instance", True),
    "boot.systemd": ("systemd is WSL 2's", True),
    "boot.inittimeout": ("systemd is WSL 2's", None),
    "boot.protectbinfmt": ("systemd is WSL 2's", True),
    "general.guiapplications": ("there is no display in an instance", True),
}

_HEADER = """# picobox writes this file as the instance starts. To keep your own, remove this line, or add to wsl.conf:
# [network]
# {key} = false
"""
_MOST_SERVERS = 3


def generated(settings: Settings, host_name: str, resolver: str) -> dict[bytes, tuple[str, str]]:
    """The files to write as an instance starts, each with its header and the rest (facts wsl1.md 7).

    resolver: the text of the host's resolv.conf, of which domains are taken and three servers, IPv4 before IPv6.
    """
    files = {}
    if settings.generates_hosts:
        own = f"127.0.1.1\t{host_name}" + (f" {host_name.partition('.')[0]}" if "." in host_name else "")
        lines = ["127.0.0.1\tlocalhost", own, "::1\tip6-localhost ip6-loopback", ""]
        files[b"/etc/hosts"] = _HEADER.format(key="generateHosts"), "\n".join(lines)
    if settings.generates_resolver:
        entries = [line.split() for line in resolver.splitlines()]
        servers = [entry[1] for entry in entries if len(entry) == 2 and entry[0] == "nameserver"]
        servers.sort(key=lambda server: ":" in server)
        domains = ["\t".join((entry[0], " ".join(entry[1:]))) for entry in entries if entry[:1] == ["search"]]
        lines = [*(f"nameserver\t{server}" for server in servers[:_MOST_SERVERS]), *domains[-1:], ""]
        files[b"/etc/resolv.conf"] = _HEADER.format(key="generateResolvConf"), "\n".join(lines)
    return files


def host_name_of(settings: Settings) -> str:
    """The instance's; the machine's if none is asked for."""
    return settings.host_name or os.uname().nodename
