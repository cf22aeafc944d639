"""The exceptions of the Python API, besides those that `subprocess` raises."""

from __future__ import annotations

from picobox.errors import PicoboxError


class SupervisorError(PicoboxError):
    """The supervisor of a program ended before it had told what became of it: its results are not known."""


class NotRecordedError(PicoboxError, AttributeError):
    """A result that was not asked for when the program was started; the text says how to ask for it."""


class HookError(PicoboxError):
    """A hook did not answer a call: it raised, which is `__cause__`, or gave what is no answer.

    The call was not made, and the program was killed.
    """


__all__ = ["HookError", "NotRecordedError", "PicoboxError", "SupervisorError"]
