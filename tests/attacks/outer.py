"""Runs inside the throwaway sandbox: puts the decoys where no guest may reach, then runs attacks among them.

As a program: `python -m tests.attacks.outer JSON`, see `Request`; it prints what the attacks print.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

# Nothing of the machine's is below it, and what is put there goes with the mount namespace.
BASE = Path("/mnt" if Path(__file__).is_relative_to("/srv") else "/srv")
NOBODY = 65534
SECRET = "SECRET"
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


class Request(NamedTuple):
    """What to run: `launcher` is the command before the driver, empty for a run without picobox; `uid` whose it is.

    `of_decoys`: the same before the decoys, which are in a sandbox of their own then.
    """

    launcher: list[str]
    programs: list[str]
    tools: dict[str, str]
    uid: int
    seconds: int
    rounds: int
    shared: str
    of_decoys: list[str]


def _lay_out(request: Request) -> dict[str, str]:
    """Makes the tree of decoys; gives the settings that attacks read."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", str(BASE)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", "/dev/shm"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", "/var/tmp"], check=True)
    secret = BASE / "home" / ".ssh" / "id_decoy"
    outside = BASE / "outside"
    secret.parent.mkdir(parents=True)
    for directory in (outside, BASE / "work", BASE / "programs"):
        directory.mkdir()
    outside.chmod(0o777)
    secret.write_text(f"{SECRET}\n")
    (outside / "file").write_text("to be read\n")
    (outside / "file").chmod(0o666)
    forbidden = secret.parent / "forbidden"
    shutil.copy(request.tools["forbidden"], forbidden)
    forbidden.chmod(0o755)
    shutil.copy(request.tools["forbidden"], outside / "program")
    for program in (*request.programs, *request.tools.values()):
        shutil.copy(program, BASE / "programs")
    for path in (BASE / "home", secret.parent, secret, forbidden, BASE / "work", outside):
        os.chown(path, request.uid, request.uid)
    if os.geteuid() == 0:
        (outside / "program").chmod(0o4755)
    return {
        "ATTACK_FORBIDDEN": str(secret),
        "ATTACK_OUTSIDE": str(outside / "file"),
        "ATTACK_PROGRAM": str(forbidden),
        "ATTACK_SETUID": str(outside / "program"),
        "ATTACK_SHARED": request.shared,
        "ATTACK_ROUNDS": str(request.rounds),
        "TMPDIR": "/var/tmp",
        "HOME": str(BASE / "home"),
    }


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def _as(uid: int) -> list[str]:
    if uid == os.geteuid():
        return []
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--"]


def _start_decoys(request: Request, settings: dict[str, str]) -> subprocess.Popen[str]:
    """The process that attacks are after; adds its settings."""
    decoys_of = [str(BASE / "programs" / "decoys"), str(BASE / "outside"), settings["ATTACK_FORBIDDEN"]]
    decoys = subprocess.Popen(
        [*_as(request.uid), *request.of_decoys, *decoys_of],
        cwd=BASE / "outside",
        env={**_environment(), "ATTACK_OUTER": "1", "HOME": settings["HOME"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert decoys.stdout is not None
    while line := decoys.stdout.readline().strip():
        name, _, value = line.partition("=")
        settings[name] = value
    return decoys


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "XDG_"))}


def main() -> int:
    """Runs the request; gives the exit status of the command."""
    request = Request(**json.loads(sys.argv[1]))
    _raise_loopback()
    settings = _lay_out(request)
    decoys = _start_decoys(request, settings)
    programs = [str(BASE / "programs" / Path(path).name) for path in request.programs]
    driver = [str(BASE / "programs" / "driver"), str(request.seconds), *programs]
    master, slave = pty.openpty()
    # A descriptor that the caller has forgotten to close.
    leak = os.open(settings["ATTACK_FORBIDDEN"], os.O_RDONLY)
    os.set_inheritable(leak, True)
    process = subprocess.Popen(
        ["setsid", "--ctty", *_as(request.uid), *request.launcher, *driver],
        cwd=BASE / "work",
        env={**_environment(), **settings},
        stdin=slave,
        pass_fds=(leak,),
    )
    os.close(slave)
    try:
        return process.wait(request.seconds * 10)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return 1
    finally:
        os.close(master)
        decoys.kill()


if __name__ == "__main__":
    sys.exit(main())
