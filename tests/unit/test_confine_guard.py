"""What is decided where no namespaces keep guests in: addresses of sockets that may become others."""

from __future__ import annotations

import socket
import struct
from errno import EAFNOSUPPORT
from types import SimpleNamespace
from typing import Any

import pytest

from picobox.confine.guard import Guard
from picobox.errors import Errno


class Asking:
    """A call of a guest whose memory holds an address; keeps what the kernel is given instead."""

    def __init__(self, data: bytes) -> None:
        self.memory = SimpleNamespace(read=lambda _, size: data[:size])
        self.given: list[tuple[int, int, bytes]] = []

    def put(self, index: int, offset: int, data: bytes) -> bool:
        self.given.append((index, offset, data))
        return True


@pytest.mark.parametrize("size", [2, 16, 110, 128])
def test_the_kernel_connects_to_what_was_looked_at(size: int) -> None:
    data = struct.pack("<H", socket.AF_INET) + bytes(range(126))
    call: Any = Asking(data)
    Guard._connect_elsewhere(call, 4096, size)
    assert call.given == [(1, 0, data[:size])]


@pytest.mark.parametrize("size", [0, -1, 129])
def test_what_the_kernel_refuses_by_its_size_is_not_looked_at(size: int) -> None:
    call: Any = Asking(b"")
    Guard._connect_elsewhere(call, 4096, size)
    assert call.given == []


def test_no_other_socket_is_connected_to_a_local_address() -> None:
    call: Any = Asking(struct.pack("<H", socket.AF_UNIX) + b"/run/service\0")
    with pytest.raises(Errno) as raised:
        Guard._connect_elsewhere(call, 4096, 15)
    assert raised.value.errno == EAFNOSUPPORT
