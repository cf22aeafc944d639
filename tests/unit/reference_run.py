"""Runs a program on a platform, in a process of its own, and writes what was counted as JSON to standard error.

Arguments: the platform, "all" to subscribe to every call or "some", the program and its arguments.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from ptrace.debugger import PtraceDebugger, PtraceProcess

from ntshim.ps.executive import Executive
from picobox.abi.row import ACTION_CALL, ACTION_ERRNO, ACTION_NATIVE, ACTION_UNKNOWN
from picobox.abi.table import ROWS
from picobox.platform.base import Platform, SpawnRequest
from picobox.platform.executive_host import ExecutiveHost
from picobox.platform.reference import ReferencePlatform
from picobox.platform.trace import TracePlatform
from picobox.provider import PicoProvider
from picobox.supervisor import Served, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

# What the reference platform is to do through python-ptrace.
METHODS = {
    PtraceDebugger: ("__init__", "deleteProcess"),
    PtraceProcess: (
        *("__init__", "processStatus", "syscall", "cont"),
        *("getregs", "setregs", "readBytes", "writeBytes", "getsiginfo"),
    ),
}


def count_calls(counts: dict[str, int]) -> None:
    """Make python-ptrace's methods count how often they are called."""
    for owner, names in METHODS.items():
        for name in names:
            setattr(owner, name, _counting(counts, f"{owner.__name__}.{name}", getattr(owner, name)))


def _counting(counts: dict[str, int], key: str, method: Callable[..., Any]) -> Callable[..., Any]:
    counts[key] = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        counts[key] += 1
        return method(*arguments, **named)

    return counted


def run(platform: Platform, argv: list[str]) -> int:
    """Serve one program to its end; give its wait status."""
    host = ExecutiveHost(platform)
    executive = Executive(host)
    provider = PicoProvider(platform, executive)
    executive.boot()
    supervisor = Supervisor(platform, lambda: Served(executive, host, provider.first_thread))
    words = tuple(word.encode() for word in argv)
    supervisor.spawn(SpawnRequest(argv=words, environment=(b"LC_ALL=C",), paths=words[:1]))
    return supervisor.run()


def main(name: str, subscription: str, *argv: str) -> None:
    """Write {"status", "counters" by action, "ptrace" by method}."""
    counts: dict[str, int] = {}
    count_calls(counts)
    subscribe = subscription == "all"
    platform: Platform
    if name == "reference":
        platform = ReferencePlatform(ROWS, subscribe=subscribe)
    else:
        platform = TracePlatform(ROWS, subscribe=subscribe)
    status = run(platform, list(argv))
    actions = (ACTION_UNKNOWN, ACTION_NATIVE, ACTION_CALL, ACTION_ERRNO)
    counters = {str(action): platform.counters(action) for action in actions}
    platform.close()
    json.dump({"status": status, "counters": counters, "ptrace": counts}, sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
