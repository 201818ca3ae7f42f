"""The clock of the guest: a nanosecond of it has to be an instruction, or nothing is reported.

A loop of known length tells, and also whether something else runs beside it.
"""

from __future__ import annotations

from .processes import Worker

ITERATIONS = 100_000
INSTRUCTIONS = 2  # of an iteration of the loop, in module/bench.c
MAY_DIFFER_BY = 0.001
LOOP = f"kernel loop {ITERATIONS}"
LOOPS = 25  # one of them at least is not interrupted: they are shorter than a tick

QUIET_LOOPS = 100  # one after the other
QUIET = 0.05  # part of a loop for which something else may have run: threads of RCU now and then
MAX_LOOPS = 20_000

UNDISTURBED = 0.002  # the same of a batch, which lasts longer
TRIES = 10


class ClockError(Exception):
    """The clock does not count the worker's instructions; the text says what was found."""


def check(worker: Worker) -> float:
    """Nanoseconds an instruction, of a loop of known length. Raises ClockError unless it is 1."""
    ratio = min(worker.ask(LOOP)[0] for _ in range(LOOPS)) / (ITERATIONS * INSTRUCTIONS)
    if abs(ratio - 1) > MAY_DIFFER_BY:
        raise ClockError(
            f"an instruction of a loop took {ratio:.4f} ns, not 1: boot this guest with one"
            " processor under -icount shift=0,sleep=off"
        )
    return ratio


def undisturbed(worker: Worker, order: str) -> int:
    """Nanoseconds of a work beside which nothing else ran for long; it is done until that is so.

    Something that runs every time is part of the state: then it is the best of some tries.
    ``order`` is one of native/worker.c that is about the kernel.
    """
    tries = []
    for _ in range(TRIES):
        nanoseconds, delay = worker.ask(order)
        if delay <= UNDISTURBED * nanoseconds:
            return nanoseconds
        tries.append((delay, nanoseconds))
    return min(tries)[1]


def await_quiet(worker: Worker) -> None:
    """Wait until nothing but the worker runs: modules that come and go keep udev busy.

    Raises ClockError if that does not come to an end.
    """
    quiet = 0
    for _ in range(MAX_LOOPS):
        nanoseconds, delay = worker.ask(LOOP)
        quiet = quiet + 1 if delay <= QUIET * nanoseconds else 0
        if quiet == QUIET_LOOPS:
            return
    raise ClockError(f"something else than the worker keeps running: {MAX_LOOPS} loops were timed")
