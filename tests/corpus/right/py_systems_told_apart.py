"""Does what only POSIX has where it has found that it is there, in each way that programs look for it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys

try:
    import fcntl
except ImportError:
    fcntl = None

got = []
if hasattr(signal, "SIGUSR1"):
    signal.signal(signal.SIGUSR1, lambda *_: got.append("USR1"))
    os.kill(os.getpid(), signal.SIGUSR1)
for name in ("SIGINT", "SIGHUP"):
    number = getattr(signal, name, None)
    if number is not None:
        signal.signal(number, lambda *_: got.append("HUP"))
try:
    os.kill(os.getpid(), signal.SIGHUP)
except AttributeError:
    pass
if hasattr(socket, "AF_UNIX"):
    server = socket.socket(socket.AF_UNIX)
    server.bind("server.sock")
else:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
server.close()
with open("counter", "w") as file:
    file.write("1")
with open("counter", "r+") as locked:
    if fcntl is not None:
        fcntl.flock(locked, fcntl.LOCK_EX)
    with open("counter") as other:
        got.append(other.read())
match sys.platform:
    case "win32":
        pass
    case _:
        os.mkfifo("pipe")
os.name == "nt" or os.symlink("counter", "link")


async def main() -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGUSR2, lambda: None)


asyncio.run(main())
print(got)
