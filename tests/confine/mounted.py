"""Runs a function of a test in a process of its own, as a user, there where layers lie over directories."""

from __future__ import annotations

import json
import os
import signal
import site
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from picobox._native._core import lib
from picobox.confine import overlay
from picobox.confine.layers import Layer

from .guests import AS_NOBODY, interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = 0
# Seconds; above what any of these functions takes on a loaded machine.
TIMEOUT = 100
TESTS = Path(__file__).parents[1]


def apart(function: Callable[..., object], *arguments: object, user: int = ROOT, check: bool = True) -> int:
    """Calls a function of a module with arguments that JSON can hold in a new process; gives its exit status."""
    started = start(function, *arguments, user=user)
    try:
        output, _ = started.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        started.kill()
        raise
    assert not (check and started.returncode), output
    return started.returncode


def start(function: Callable[..., object], *arguments: object, user: int = ROOT) -> subprocess.Popen[str]:
    """Starts what `apart` waits for."""
    prefix = () if user == os.getuid() else AS_NOBODY
    python = interpreter("nobody" if prefix else "self")
    return subprocess.Popen(
        [*prefix, python, "-m", __name__, function.__module__, function.__name__, json.dumps(arguments)],
        env={
            **os.environ,
            "PYTHONPATH": ":".join([str(TESTS), str(TESTS.parent), *site.getsitepackages()]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def layer_of(store: str, name: str = "one") -> Layer:
    """A layer of a store."""
    return Layer(os.fsencode(store), name)


def mount(layer: Layer, directory: str | bytes) -> None:
    """Lays a layer, which is locked, over a directory."""
    for planned in overlay.plan(layer, [os.fsencode(directory)]):
        lower = os.open(planned.target, os.O_PATH | os.O_DIRECTORY)
        directories = planned.opened()
        error = lib.pb_mount(b"none", planned.target, b"overlay", 0, planned.options(lower, *directories))
        for fd in (lower, *directories):
            os.close(fd)
        assert not error, planned.refusal(-error)


def overlay_here(store: str, directory: str) -> None:
    """From now on this process sees a layer over a directory, which becomes its working directory."""
    layer = layer_of(store)
    if not layer.exists():
        layer.create()
    assert lib.pb_own_mounts() == 0
    mount(layer.__enter__(), directory)
    assert lib.pb_return_capabilities() == 0
    os.chdir(directory)


def shell(store: str, directory: str, script: str) -> None:
    """Runs a shell script for which a layer lies over a directory."""
    overlay_here(store, directory)
    subprocess.run(script, shell=True, executable="/bin/bash", check=True)


def main() -> None:
    """Calls the function that the command line names."""
    signal.alarm(TIMEOUT)
    os.umask(0o022)
    module, name, arguments = sys.argv[1:]
    getattr(import_module(module), name)(*json.loads(arguments))


if __name__ == "__main__":
    main()
