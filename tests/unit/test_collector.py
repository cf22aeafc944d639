"""Python's collector while a run starts, and after it."""

from __future__ import annotations

import gc

from picobox.cli import collector


def test_it_waits_and_looks_seldom_then() -> None:
    usual = gc.get_threshold()
    collector.wait()
    try:
        assert gc.get_threshold()[0] > 10 * usual[0]
    finally:
        collector.go_on()
    # 700 in Python 3.11, 2,000 since 3.12.
    assert 5 * usual[0] < gc.get_threshold()[0] < 100 * usual[0]
    assert gc.get_threshold()[1:] == usual[1:]
    gc.set_threshold(usual[0] + 1, *usual[1:])
    try:
        # Nobody has it wait: it is left alone.
        collector.go_on()
        assert gc.get_threshold()[0] == usual[0] + 1
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
