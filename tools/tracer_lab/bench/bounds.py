"""What tracer may cost at most, as data, and the figures of a run beside it.

A bound is of the instructions that tracer adds to a call, seen against the same work without any
module; of what monitoring many adds against monitoring one; of what tracer adds against what a
peer does; or of what reading a row takes against reading a file of the kernel's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tracer_lab.bench.figures import Run
from tracer_lab.bench.vocabulary import (
    CALLS,
    COUNT_ONLY,
    KMALLOC,
    PIPE,
    READ_STAT,
    READ_TRACER,
    ROWS,
    Work,
    of_tracer,
)

# Zero means that not half an instruction is left: ticks of the timer are part of a median.
NOTHING = 0.5
PEER = "bpftrace-fentry"
# Nothing that intercepts calls as the engine does can cost less.
FLOOR_OF = {"kretprobe": "floor-kprobe", "ftrace": "floor-ftrace"}


class Unit(Enum):
    """What a bound is of; the value is what stands behind the number in a table."""

    CALL = "a call"
    PAIR = "a pair"
    TIMES = "x"

    @property
    def words(self) -> str:
        """What stands behind the number in a sentence."""
        return self.value if self is Unit.TIMES else f"instructions {self.value}"

    @property
    def decimals(self) -> int:
        """How many of them a figure is told with."""
        return 2 if self is Unit.TIMES else 1


class Outcome(Enum):
    """How a figure stands to its bound."""

    MET = "met"
    OVER = "OVER"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Bound:
    """The most that a state of tracer may add, for each of some works."""

    name: str
    engine: str
    state: str
    unit: Unit
    limit: float
    works: tuple[Work, ...]
    against: str = ""  # of a bound on TIMES, the state that is 1
    in_short: bool = False  # whether the short form of the bench measures it, too
    floor: str = ""  # the state in which probes that do nothing have that cost, if there is one

    def figure(self, run: Run, work: Work) -> float | None:
        """What the run has of it, in the unit; None if it does not have all that it takes."""
        return self._measured(run, work, self.state)

    def floor_figure(self, run: Run, work: Work) -> float | None:
        """The same of probes that do nothing."""
        return self._measured(run, work, self.floor) if self.floor else None

    def _measured(self, run: Run, work: Work, state: str) -> float | None:
        added = run.added(work.name, state)
        if added is None:
            return None
        if self.unit is Unit.CALL:
            return added / work.calls
        if self.unit is Unit.PAIR:
            return added
        return ratio(added, run.added(work.name, self.against))


@dataclass(frozen=True)
class Judged:
    """A figure beside its bound."""

    name: str
    engine: str  # "both" where it is no matter of the engine
    work: str
    figure: float | None  # None: not measured
    limit: float
    unit: Unit
    in_short: bool
    floor: float | None = None  # the same of probes that do nothing

    @property
    def outcome(self) -> Outcome:
        """What is not measured is never met."""
        if self.figure is None:
            return Outcome.UNKNOWN
        return Outcome.OVER if self.figure > (self.limit or NOTHING) else Outcome.MET

    @property
    def share(self) -> float:
        """The figure as a share of its limit, lower than all others where there is none."""
        return float("-inf") if self.figure is None else self.figure / (self.limit or NOTHING)


def judged(run: Run) -> list[Judged]:
    """Every bound with the figures of that run beside it."""
    of_engines = [
        Judged(
            bound.name,
            bound.engine,
            work.label,
            bound.figure(run, work),
            bound.limit,
            bound.unit,
            bound.in_short,
            bound.floor_figure(run, work),
        )
        for bound in bounds(run.kernel)
        for work in bound.works
    ]
    # Of a single row the cost is that of opening the file.
    reading = [
        Judged(
            "a row, against a /proc/PID/stat",
            "both",
            f"{rows:,} rows",
            ratio(run.reading(READ_TRACER, rows), run.reading(READ_STAT, rows)),
            0.1,
            Unit.TIMES,
            in_short=False,
        )
        for rows in ROWS[1:]
    ]
    return [*of_engines, *reading]


def broken(run: Run) -> list[Judged]:
    """What a check of the run fails for: what is over, and what its form should have measured."""
    return [
        one
        for one in judged(run)
        if one.outcome is Outcome.OVER
        or (one.outcome is Outcome.UNKNOWN and (one.in_short or run.form == "full"))
    ]


def complaints(run: Run) -> list[str]:
    """Each of them in a line."""
    return [_complaint(run, one) for one in broken(run)]


def _complaint(run: Run, one: Judged) -> str:
    what = f"{run.cell}, Linux {run.kernel}: {one.engine}, {one.name}, {one.work}"
    if one.figure is None:
        return f"not measured: {what}: bound {one.limit:g}"
    return (
        f"over its bound: {what}:"
        f" {one.figure:.{one.unit.decimals}f} {one.unit.words}, bound {one.limit:g}"
    )


def ratio(value: float | None, against: float | None) -> float | None:
    """How many times as much; None where either is unknown, or the other is nothing."""
    return None if value is None or against is None or against <= 0 else value / against


def bounds(kernel: str) -> tuple[Bound, ...]:
    """All bounds on that kernel."""
    pair = 700 if kernel.startswith("6.1.") else 800
    return tuple(
        bound
        for engine, a_call, a_pair, many, pipes in (
            ("kretprobe", (190, 200), pair, 1.03, (1.5, 0.5)),
            ("ftrace", (60, 70), pair / 2, 1.05, (0.5, 0.2)),
        )
        for bound in (
            *_of_calls(engine, a_call, a_pair),
            *_of_many(engine, many),
            *_of_pipes(engine, pipes),
        )
    )


def _of_calls(engine: str, a_call: Sequence[float], a_pair: float) -> list[Bound]:
    rows: tuple[tuple[str, str, Unit, float, tuple[Work, ...]], ...] = (
        ("loaded, idle", "idle", Unit.CALL, 0, CALLS),
        ("the last one removed", "after-last", Unit.CALL, 0, CALLS),
        ("another monitored", "other", Unit.CALL, a_call[0], CALLS),
        ("this monitored: counts", "monitored", Unit.CALL, a_call[1], COUNT_ONLY),
        ("this monitored: bytes", "monitored", Unit.PAIR, a_pair, KMALLOC),
    )
    return [
        Bound(
            name,
            engine,
            of_tracer(engine, state),
            unit,
            limit,
            works,
            in_short=True,
            floor=FLOOR_OF[engine] if limit and unit is Unit.CALL else "",
        )
        for name, state, unit, limit, works in rows
    ]


def _of_many(engine: str, limit: float) -> list[Bound]:
    rows = (
        ("10,000 others, against 1", "10000-others", "other"),
        ("10,000 and this, against this", "10000-others-and-this", "monitored"),
    )
    return [
        Bound(
            name,
            engine,
            of_tracer(engine, state),
            Unit.TIMES,
            limit,
            CALLS,
            of_tracer(engine, against),
        )
        for name, state, against in rows
    ]


def _of_pipes(engine: str, limits: Sequence[float]) -> list[Bound]:
    rows = (("other", "another"), ("monitored", "this"))
    return [
        Bound(
            f"pipes: {who}, against fentry",
            engine,
            of_tracer(engine, state),
            Unit.TIMES,
            limit,
            (PIPE,),
            f"{PEER}-{state}",
            floor=FLOOR_OF[engine],
        )
        for (state, who), limit in zip(rows, limits)
    ]
