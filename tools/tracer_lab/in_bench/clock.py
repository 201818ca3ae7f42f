"""The clock of the guest: a nanosecond of it has to be an instruction, or nothing is reported.

A loop of known length tells, and also whether something else runs beside it.
"""

from __future__ import annotations

from .processes import Worker

ITERATIONS = 100_000
INSTRUCTIONS = 2  # of an iteration of the loop, in module/bench.c
MAY_DIFFER_BY = 0.001
LOOPS = 25  # one of them at least is not interrupted: they are shorter than a tick

QUIET_LOOPS = 100  # one after the other
TICK_TAKES = 0.05  # of the time of a loop that it interrupts, at most
MAX_LOOPS = 20_000


class ClockError(Exception):
    """The clock does not count the worker's instructions; the text says what was found."""


def check(worker: Worker) -> float:
    """Nanoseconds an instruction, of a loop of known length. Raises ClockError unless it is 1."""
    ratio = min(_loop(worker) for _ in range(LOOPS))
    if abs(ratio - 1) > MAY_DIFFER_BY:
        raise ClockError(
            f"an instruction of a loop took {ratio:.4f} ns, not 1: boot this guest with one"
            " processor under -icount shift=0,sleep=off"
        )
    return ratio


def await_quiet(worker: Worker) -> None:
    """Wait until nothing but the worker runs: modules that come and go keep udev busy.

    Raises ClockError if that does not come to an end.
    """
    quiet = 0
    for _ in range(MAX_LOOPS):
        quiet = quiet + 1 if _loop(worker) < 1 + TICK_TAKES else 0
        if quiet == QUIET_LOOPS:
            return
    raise ClockError(f"something else than the worker keeps running: {MAX_LOOPS} loops were timed")


def _loop(worker: Worker) -> float:
    (nanoseconds,) = worker.ask(f"kernel loop {ITERATIONS}")
    return nanoseconds / (ITERATIONS * INSTRUCTIONS)
