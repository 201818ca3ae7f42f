"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from typing import Callable

PAUSE = 0.01
DEADLINE = 120.0


class NeverCameTrueError(AssertionError):
    """A condition did not come true before the deadline."""


def until(condition: Callable[[], bool], what: str, deadline: float = DEADLINE) -> None:
    """Return once `condition` holds; it is asked again and again for `deadline` seconds.

    Raises NeverCameTrueError. The deadline is there to end a broken run, not to measure.
    """
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise NeverCameTrueError(f"in {deadline:.0f} s it never came true that {what}")
        time.sleep(PAUSE)
