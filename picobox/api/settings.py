"""Owns how a program of the Python API is to be run: its settings, and their form as a request."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from picobox.errors import PicoboxError

if TYPE_CHECKING:
    from typing import TypeAlias

    from picobox.api.wire import Message

    Path: TypeAlias = str | os.PathLike[str]

Profile = Literal["nt", "linux", "wsl1", "windows10", "windows11"]
PROFILES = ("nt", "linux", "wsl1", "windows10", "windows11")
_OF_WINDOWS = ("windows10", "windows11")
_NETWORKS = ("none", "loopback", "host")
_ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy by name or file, and what a run adds to it; `picobox policy show` tells what that comes to.

    `base`: strict, default, open, or the path of a policy file. `read`, `write`, `hide`, `layer`: paths, each with all
    below it, that may be read, may be changed, are not there, or may be changed in a layer that is dropped at the end.
    `network`: none, loopback or host. `limits`: as `{"memory": "2G", "processes": 100, "wall-time": "10m"}`.
    `keep_env`, `unset_env`: variables, or patterns of them. `devices`: such as /dev/kvm.
    """

    base: str | os.PathLike[str] = "default"
    read: Iterable[Path] = ()
    write: Iterable[Path] = ()
    hide: Iterable[Path] = ()
    layer: Iterable[Path] = ()
    network: Literal["none", "loopback", "host"] | None = None
    limits: Mapping[str, str | int | float] = field(default_factory=dict)
    keep_env: Iterable[str] = ()
    unset_env: Iterable[str] = ()
    devices: Iterable[Path] = ()

    def additions(self) -> dict[str, object]:
        """What it adds to its base, in the words of the command line's options."""
        return {
            "read": _paths("read", self.read),
            "write": _paths("write", self.write),
            "hide": _paths("hide", self.hide),
            "layer": _paths("layer", self.layer),
            "network": self.network,
            "limit": [f"{key}={value}" for key, value in self.limits.items()],
            "keep_env": _texts("keep_env", self.keep_env),
            "unset_env": _texts("unset_env", self.unset_env),
            "device": _paths("devices", self.devices),
        }


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How programs are run. PicoboxError, with a remedy, for what no run could be.

    `profile`: whose rules the program meets; None: `nt`, and `windows11` where findings are wanted. `policy`: what it
    may reach: a name, a file, or a Policy. `drives`: directories by letter. `overlay`: True for a layer of its own that
    takes what it writes, a name for a layer that is kept. `trace`: True for the events of all calls, or which, as
    strace's -e has it. `findings`: whether it is judged by Windows' file rules; `enforce`: and given Windows' answers.
    """

    profile: Profile | None = None
    policy: str | os.PathLike[str] | Policy = "default"
    drives: Mapping[str, Path] = field(default_factory=dict)
    overlay: bool | str = False
    trace: bool | str | Iterable[str] = False
    findings: bool = False
    enforce: bool = False

    def __post_init__(self) -> None:
        if self.profile is not None and self.profile not in PROFILES:
            raise PicoboxError(f"profile={self.profile!r}: choose from {', '.join(PROFILES)}.")
        if self.findings and self.profile not in (None, *_OF_WINDOWS):
            raise PicoboxError(
                f"findings=True: profile {self.profile} has no file rules of Windows. Take windows10 or windows11."
            )
        if self.enforce and not self.findings:
            raise PicoboxError("enforce=True is about findings. Add findings=True, or leave it out.")
        if not isinstance(self.policy, str | os.PathLike | Policy) or not self.policy:
            raise PicoboxError(f"policy={self.policy!r}: give a name, the path of a file, or a picobox.Policy.")
        if not isinstance(self.drives, Mapping):
            raise PicoboxError('drives: give directories by letter, as {"D": "/data"}.')
        if not isinstance(self.overlay, bool | str) or self.overlay == "":
            raise PicoboxError("overlay: give True for a layer of its own, or the name of a layer.")

    def selection(self) -> str | None:
        """Which calls are recorded; None: events are not wanted."""
        if isinstance(self.trace, bool):
            return _ALL if self.trace else None
        if isinstance(self.trace, str):
            return self.trace
        return ",".join(_texts("trace", self.trace)) or None

    def request(self) -> Message:
        """Their form as a part of a request. The layer is the caller's to name."""
        policy = self.policy if isinstance(self.policy, Policy) else Policy(base=self.policy)
        return {
            "profile": self.profile or ("windows11" if self.findings else "nt"),
            "policy": os.fspath(policy.base),
            "additions": policy.additions(),
            "drives": [f"{letter}={os.path.abspath(path)}" for letter, path in self.drives.items()],
            "trace": self.selection(),
            "findings": bool(self.findings),
            "enforce": bool(self.enforce),
        }


def _paths(name: str, given: Iterable[Path]) -> list[str]:
    """Paths as the caller's process understands them: the program may start elsewhere."""
    if isinstance(given, str | os.PathLike):
        raise PicoboxError(f"{name}={given!r}: give a list of paths.")
    return [os.path.abspath(path) for path in given]


def _texts(name: str, given: Iterable[str]) -> list[str]:
    if isinstance(given, str):
        raise PicoboxError(f"{name}={given!r}: give a list.")
    return list(given)
