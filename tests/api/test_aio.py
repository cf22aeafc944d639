"""The Python API under asyncio: processes, runs, cancellation, and hooks that are coroutines."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from alive import marked

import picobox
from picobox import aio

from .limits import LIMITS
from .marks import gone, marker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

TIMEOUT = 60


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs write to the working directory."""
    monkeypatch.chdir(tmp_path)


def test_a_dialogue() -> None:
    async def main() -> None:
        process = await aio.create_subprocess_exec(
            "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE, trace="%process"
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\n")
        assert await process.stdout.readline() == b"one\n"
        assert process.returncode is None
        process.stdin.close()
        assert await process.wait() == 0
        assert process.returncode == 0
        assert process.events

    asyncio.run(main())


def test_another_program_and_a_descriptor() -> None:
    async def main() -> None:
        reading, writing = os.pipe()
        line = f"echo $0 >&{writing}"
        process = await aio.create_subprocess_exec("shown", "-c", line, executable="/bin/bash", pass_fds=[writing])
        os.close(writing)
        assert await process.wait() == 0
        assert [os.read(reading, 16), os.read(reading, 16)] == [b"shown\n", b""]
        os.close(reading)

    asyncio.run(main())


def test_a_shell_and_big_output() -> None:
    async def main() -> None:
        data = os.urandom(1 << 20) * 8
        process = await aio.create_subprocess_shell("tee /dev/stderr; exit 5", stdin=-1, stdout=-1, stderr=-1)
        assert await process.communicate(data) == (data, data)
        assert process.returncode == 5

    asyncio.run(main())


def test_signals_and_results_of_a_process() -> None:
    async def main() -> None:
        for end, number in ((aio.Process.terminate, signal.SIGTERM), (aio.Process.kill, signal.SIGKILL)):
            process = await aio.create_subprocess_exec("sleep", "60")
            end(process)
            assert await process.wait() == -number
            end(process)
        process = await aio.create_subprocess_shell("echo > new", overlay=True, findings=True)
        await process.wait()
        assert [change.kind for change in process.changes] == ["added"]
        assert process.findings == ()
        assert process.limits_met == {}
        with pytest.raises(picobox.NotRecordedError):
            _ = process.events

    asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "error"),
    [({}, FileNotFoundError), ({"policy": "no-such"}, picobox.PicoboxError), ({"preexec_fn": print}, TypeError)],
)
def test_a_process_that_cannot_be_started(options: dict[str, Any], error: type[Exception]) -> None:
    async def main() -> None:
        with pytest.raises(error):
            await aio.create_subprocess_exec("no-such-program", **options)

    asyncio.run(main())


def test_run_is_run() -> None:
    async def main() -> None:
        done = await aio.run(["cat"], input="text", capture_output=True, text=True, trace="read")
        assert (done.returncode, done.stdout) == (0, "text")
        assert done.events
        with pytest.raises(subprocess.CalledProcessError):
            await aio.run(["false"], check=True)
        for timeout in LIMITS:
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                await aio.run("echo said; sleep 60", shell=True, stdout=subprocess.PIPE, timeout=timeout)
            if caught.value.output:
                break
        assert caught.value.output == b"said\n"

    asyncio.run(main())


def test_thirty_at_once_that_wait_for_each_other(tmp_path: Path) -> None:
    """None waits for a free thread."""

    async def main() -> None:
        line = "touch $0; while [ $(ls | wc -l) -lt 30 ]; do sleep 0.05; done"
        runs = [aio.run(["sh", "-c", line, f"f{number}"], timeout=TIMEOUT) for number in range(30)]
        assert [done.returncode for done in await asyncio.gather(*runs)] == [0] * 30

    asyncio.run(main())
    assert len(os.listdir(tmp_path)) == 30


@pytest.mark.parametrize("delay", [0.0, 0.05, 1.0])
def test_who_is_cancelled_leaves_nothing(delay: float) -> None:
    setting, environment = marker()

    async def main() -> None:
        task = asyncio.ensure_future(aio.run("sleep 61 & sleep 62", shell=True, env=environment))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    begun = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begun < 40
    assert gone(setting)


def test_coroutines_as_hooks_overlap() -> None:
    async def main() -> None:
        box = picobox.Sandbox()
        both = asyncio.Barrier(2)

        @box.on("mkdir")
        async def wait(call: picobox.HookedCall) -> picobox.Verdict | None:
            await both.wait()
            return call.fail(errno.EXDEV) if call.path == "b" else None

        done = await box.run_async("mkdir a & mkdir b; wait", shell=True, stderr=subprocess.PIPE, timeout=TIMEOUT)
        assert os.strerror(errno.EXDEV).encode() in done.stderr

    asyncio.run(main())
    assert os.listdir() == ["a"]


def test_a_coroutine_that_raises_ends_the_program() -> None:
    async def main() -> None:
        box = picobox.Sandbox()

        @box.on("mkdir")
        async def fail(call: picobox.HookedCall) -> None:
            await asyncio.sleep(0)
            raise ValueError(call.path)

        with pytest.raises(picobox.HookError) as caught:
            await box.run_async(["mkdir", "new"])
        assert isinstance(caught.value.__cause__, ValueError)
        process = await aio.create_subprocess_exec("mkdir", "new", sandbox=box)
        with pytest.raises(picobox.HookError):
            await process.wait()

    asyncio.run(main())
    assert os.listdir() == []


_LEAVES = """
import asyncio, os, picobox, time
from picobox import aio

box = picobox.Sandbox()

async def main():
    asked = asyncio.Event()

    @box.on("mkdir")
    async def wait(call):
        asked.set()
        await asyncio.sleep(60)

    await aio.create_subprocess_shell("mkdir new; touch after", sandbox=box)
    await asked.wait()

asyncio.run(main())
print("over", flush=True)
time.sleep(60)
"""


def test_a_loop_that_ends_before_its_hook_answers_ends_the_program() -> None:
    setting, environment = marker()
    with subprocess.Popen(
        [sys.executable, "-c", _LEAVES], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"over\n"
        deadline = time.monotonic() + 20
        # What is left has the mark of this client's environment: the client itself.
        while set(marked(setting)) - {client.pid} and time.monotonic() < deadline:
            time.sleep(0.02)
        assert set(marked(setting)) <= {client.pid}
        client.kill()
    assert os.listdir() == []


def test_a_coroutine_needs_a_loop() -> None:
    box = picobox.Sandbox()

    @box.on("mkdir")
    async def hook(call: picobox.HookedCall) -> None:
        """Never called."""

    with pytest.raises(picobox.PicoboxError, match="coroutine"):
        box.run(["true"])


def test_what_gives_a_coroutine_without_being_one_is_no_answer() -> None:
    box = picobox.Sandbox()

    async def later(call: picobox.HookedCall) -> None:
        """Never awaited."""

    hook: Callable[[picobox.HookedCall], Awaitable[None]] = lambda call: later(call)  # noqa: E731, PLW0108
    box.on("mkdir")(hook)
    with pytest.raises(picobox.HookError, match="no answer"):
        box.run(["mkdir", "new"])
    assert os.listdir() == []


def test_hooks_that_are_functions_do_not_hold_up_the_loop() -> None:
    async def main() -> None:
        box = picobox.Sandbox()
        box.on("mkdir")(lambda _call: time.sleep(1.0))
        run = asyncio.ensure_future(box.run_async([sys.executable, "-c", "import os; os.mkdir('new')"]))
        turns = 0
        while not run.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert (await run).returncode == 0
        assert turns > 20

    asyncio.run(main())
