"""What can go wrong, as exceptions that a person can act on."""

from __future__ import annotations


class TracerError(Exception):
    """Something tracer could not do.

    ``message`` says what is wrong in one line, ``hint`` what to do about it (empty if nothing
    can be said). ``str()`` is the two joined by a colon.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class DeviceError(TracerError):
    """The module is not there, or this user may not use it."""


class RequestError(TracerError):
    """The module refused a request about a process.

    ``pid`` is the process that was asked for, ``errno`` the kernel's answer (``errno.ESRCH`` …).
    """

    def __init__(self, message: str, hint: str = "", *, pid: int, errno: int) -> None:
        super().__init__(message, hint)
        self.pid = pid
        self.errno = errno


class FormatError(TracerError):
    """Something read is not in the format it should have; the message names file and line."""
