"""Requests that wait: how they end, and what that sets."""

from __future__ import annotations

import pytest

from ntshim import status as st
from ntshim.io.file import File
from ntshim.io.queued import QueuedIrp, signal_when_done
from ntshim.ke.event import NOTIFICATION_EVENT, Event


def test_a_finished_request_tells_its_result_and_sets_its_event() -> None:
    file, event = File(), Event(NOTIFICATION_EVENT, signalled=True)
    irp = QueuedIrp(file, lambda _: None)
    signal_when_done(irp, event)
    assert not event.signalled
    assert list(file.queued) == [irp]
    irp.finish(result="told", information=4)
    assert (irp.status, irp.result, irp.information) == (st.STATUS_SUCCESS, "told", 4)
    assert event.signalled
    assert event.pointer_count == 1
    assert not file.queued
    with pytest.raises(RuntimeError):
        irp.finish()


def test_the_last_handle_cancels_what_its_device_does_not_finish() -> None:
    withdrawn: list[QueuedIrp] = []
    file = File()
    first, second = QueuedIrp(file, withdrawn.append), QueuedIrp(file, withdrawn.append)
    first.finish(st.STATUS_NOTIFY_CLEANUP)
    file.clean_up()
    assert (first.status, second.status) == (st.STATUS_NOTIFY_CLEANUP, st.STATUS_CANCELLED)
    assert withdrawn == [second]


def test_cancelling_one_may_finish_another() -> None:
    file = File()
    second: QueuedIrp | None = None

    def release(_: QueuedIrp) -> None:
        assert second is not None
        second.finish()

    first, second = QueuedIrp(file, release), QueuedIrp(file, release)
    assert file.cancel_queued() == 2
    assert (first.status, second.status) == (st.STATUS_CANCELLED, st.STATUS_SUCCESS)
