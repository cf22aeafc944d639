"""asyncio subprocesses: many at once, streams in both directions, time-outs, signals, each kind of child watcher."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT


async def output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    text, _ = await process.communicate()
    return f"{text.decode().strip()}:{process.returncode}"


async def main() -> None:
    print(await asyncio.gather(*(output("sh", "-c", f"sleep 0.0{i}; echo {i}; exit {i}") for i in range(8))))

    sorter = await asyncio.create_subprocess_exec("sort", "-n", stdin=PIPE, stdout=PIPE)
    lines, _ = await sorter.communicate(b"".join(b"%d\n" % i for i in range(20_000, 0, -1)))
    print(len(lines), lines[:4])

    shell = await asyncio.create_subprocess_shell("echo out; echo err >&2; exit 3", stdout=PIPE, stderr=STDOUT)
    print(await shell.communicate(), shell.returncode)

    sleeper = await asyncio.create_subprocess_exec("sleep", "60", stdout=DEVNULL)
    try:
        await asyncio.wait_for(sleeper.wait(), 0.05)
    except TimeoutError:
        sleeper.terminate()
    print("terminated", await sleeper.wait() == -signal.SIGTERM)

    echo = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    assert echo.stdin
    assert echo.stdout
    for word in (b"one\n", b"two\n"):
        echo.stdin.write(word)
        print(await echo.stdout.readline())
    echo.stdin.close()
    print(await echo.wait())

    try:
        await asyncio.create_subprocess_exec("no-such-command")
    except FileNotFoundError as error:
        print(error)


for watcher in (asyncio.ThreadedChildWatcher(), asyncio.PidfdChildWatcher()):
    asyncio.set_child_watcher(watcher)
    if isinstance(watcher, asyncio.PidfdChildWatcher):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        watcher.attach_loop(loop)
        loop.run_until_complete(main())
    else:
        asyncio.run(main())
sys.stdout.flush()
