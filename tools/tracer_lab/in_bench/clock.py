"""The clock of the guest: a nanosecond of it has to be an instruction, or nothing is reported."""

from __future__ import annotations

from .processes import Worker

# So many that the interrupt that waits for their end does not matter.
ITERATIONS = 50_000_000
INSTRUCTIONS = 2  # of an iteration of the loop, in module/bench.c
MAY_DIFFER_BY = 0.001


class ClockError(Exception):
    """The clock does not count instructions; the text says what it counts."""


def check(worker: Worker) -> float:
    """Nanoseconds an instruction, of a loop of known length. Raises ClockError unless it is 1."""
    (nanoseconds,) = worker.ask(f"kernel loop {ITERATIONS}")
    ratio = nanoseconds / (ITERATIONS * INSTRUCTIONS)
    if abs(ratio - 1) > MAY_DIFFER_BY:
        raise ClockError(
            f"a loop of {ITERATIONS * INSTRUCTIONS} instructions took {nanoseconds} ns: boot this"
            " guest with one processor under -icount shift=0,sleep=off"
        )
    return ratio
