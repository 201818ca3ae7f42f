"""The one error that the lab expects: something outside it is not as it must be."""

from __future__ import annotations


class LabError(Exception):
    """What is wrong, in one line, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message
