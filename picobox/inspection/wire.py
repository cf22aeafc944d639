"""Owns what is said through the socket of a run: a request is a message, and so is its answer, with a file in memory.

docs/inspection.md describes it. As the answer is in a file, nobody who asks and does not listen keeps the run waiting.
"""

from __future__ import annotations

import json
import os
import socket
from base64 import b64decode, b64encode
from typing import Any

VERSION = 1
MOST_ASKED = 1 << 16
_MOST_ANSWERED = 1 << 30

Json = dict[str, Any]


def text(value: bytes) -> str | Json:
    """Bytes as JSON has them: a string if they are UTF-8, else {"b64": ...} with every byte kept."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": b64encode(value).decode()}


def plain(value: str | Json) -> str:
    """What `text` has made, as os.fsdecode gives it."""
    return value if isinstance(value, str) else os.fsdecode(b64decode(value["b64"]))


def tell(connection: socket.socket, answer: Json) -> None:
    """Sends an answer. OSError if it cannot be taken at once, or nobody is there any more."""
    fd = os.memfd_create("picobox-answer", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            size = file.write(json.dumps(answer).encode())
            file.seek(0)
        head = json.dumps({"version": VERSION, "size": size}).encode()
        socket.send_fds(connection, [head], [fd], socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
    finally:
        os.close(fd)


def ask(connection: socket.socket, request: Json) -> Json:
    """Sends a request and gives its answer. OSError, ValueError: there is none, or it is no answer."""
    send(connection, request)
    return heard(connection)


def send(connection: socket.socket, request: Json) -> None:
    """Sends a request. OSError."""
    connection.send(json.dumps(request).encode(), socket.MSG_NOSIGNAL)


def heard(connection: socket.socket) -> Json:
    """Takes the answer to a request. OSError, ValueError: there is none, or it is no answer."""
    said, fds, _flags, _address = socket.recv_fds(connection, MOST_ASKED, 1)
    try:
        if not said or not fds:
            raise ConnectionResetError("it ended before it answered")
        size = _object(said).get("size")
        if not isinstance(size, int) or not 0 <= size <= _MOST_ANSWERED:
            raise ValueError("its answer has no size, or one of more than 1 GiB")
        if os.fstat(fds[0]).st_size < size:
            raise ValueError("its answer is shorter than it says")
        answer = _object(os.pread(fds[0], size, 0))
    finally:
        for fd in fds:
            os.close(fd)
    if not isinstance(answer.get("error", ""), str):
        raise ValueError("its error is no text")  # noqa: TRY004  (what was said is wrong, not a type of ours)
    return answer


def _object(said: bytes) -> Json:
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):
        raise ValueError("its answer is no JSON") from None
    if not isinstance(value, dict):
        raise ValueError("its answer is no JSON object")  # noqa: TRY004  (as above)
    return value
