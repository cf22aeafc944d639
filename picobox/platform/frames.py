"""Lists of frames in a guest's memory, read by the core in one call."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from picobox._native._core import ffi, lib

if TYPE_CHECKING:
    from picobox.platform.base import FramesForm, HostTid


def read_frames(core: Any, tid: HostTid, form: FramesForm, innermost: int, limit: int) -> bytes | None:
    """The rows of GuestMemory.read_frames; None for a form, or a limit, that the core does not take."""
    native, width = native_form(form)
    if native is None:
        return None
    rows = ffi.new("int64_t[]", width * limit)
    count = lib.pb_read_frames(core, tid, native, innermost, limit, rows)
    return None if count < 0 else bytes(ffi.buffer(rows, 8 * width * count))


@cache
def native_form(form: FramesForm) -> tuple[Any, int]:
    """A struct pb_frames, None if the core takes no such form; and how many numbers a row has."""
    width = 3 + len(form.fields)
    if len(form.fields) > lib.PB_FRAME_FIELDS:
        return None, width
    native = ffi.new("struct pb_frames *")
    native.caller, native.target, native.instruction, native.owner = form[:4]
    native.mask, native.first_shim, native.target_size = form.mask, form.first_shim, form.target_size
    native.field_count = len(form.fields)
    for place, (offset, size) in enumerate(form.fields):
        native.fields[place], native.widths[place] = offset, size
    return native, width
