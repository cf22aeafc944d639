"""Owns the failure of an archive that is damaged, or wants what it may not."""

from __future__ import annotations

from picobox.session.errors import ErrorCode, SessionError


class ArchiveError(SessionError):
    """The archive cannot be taken; the text names it, what is wrong, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.WSL_E_IMPORT_FAILED, message)
