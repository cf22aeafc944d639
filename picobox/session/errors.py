"""Owns the failures of the session manager, each with the code by which WSL tells of it."""

from __future__ import annotations

from enum import IntEnum

from picobox.errors import PicoboxError


class ErrorCode(IntEnum):
    """HRESULTs as WSL's service gives them (facts wsl1.md 5.2; winerror.h)."""

    E_NOTIMPL = 0x80004001
    E_INVALIDARG = 0x80070057
    E_ILLEGAL_STATE_CHANGE = 0x8000000D
    ERROR_ALREADY_EXISTS = 0x800700B7
    ERROR_FILE_EXISTS = 0x80070050
    WSL_E_DEFAULT_DISTRO_NOT_FOUND = 0x80040301
    WSL_E_DISTRO_NOT_FOUND = 0x80040302
    WSL_E_USER_NOT_FOUND = 0x80040308
    WSL_E_EXPORT_FAILED = 0x8004030A
    WSL_E_IMPORT_FAILED = 0x8004030B
    WSL_E_WSL2_NEEDED = 0x8004031C


class SessionError(PicoboxError):
    """Something about an instance that could not be done; the text names cause and remedy."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
